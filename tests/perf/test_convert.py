"""Models in an engine's own format: made once, by its converter, in time that is told apart."""

from __future__ import annotations

import json
import os
import sys
import threading
from dataclasses import replace

import pytest

from atlas.perf.convert import DONE, Converter, NotReady, converted

WORKS = """
import os, sys
os.makedirs(sys.argv[2])
open(sys.argv[2] + "/model.bin", "w").write(open(sys.argv[1]).read() + " converted")
open(os.environ["CALLS"], "a").write("x")
"""


@pytest.fixture
def by(tmp_path):
    (tmp_path / "model").write_text("weights")
    (tmp_path / "calls").touch()
    (tmp_path / "scratch").mkdir()
    return program(tmp_path, WORKS)


def program(tmp_path, code, **more):
    env = {"PATH": os.environ["PATH"], "CALLS": str(tmp_path / "calls")}
    command = ("{python}", "-c", code, "{model}", "{output}")
    return Converter(command, sys.executable, env, "sha256:env", **more)


def convert(tmp_path, by, weights="sha256:w"):
    return converted(str(tmp_path / "model"), weights, by, tmp_path / "cache", tmp_path / "scratch")


def calls(tmp_path):
    return len((tmp_path / "calls").read_text())


def test_a_model_is_converted_once_and_how_long_that_took_is_known_afterwards(tmp_path, by):
    first = convert(tmp_path, by)
    assert (first.folder / "model.bin").read_text() == "weights converted"
    assert first.now
    assert first.seconds > 0
    again = convert(tmp_path, by)
    assert (again.folder, again.seconds, again.now) == (first.folder, first.seconds, False)
    assert calls(tmp_path) == 1
    assert "converted before" in again.note


@pytest.mark.parametrize("part", ["weights", "command", "made_of"])
def test_another_model_command_or_environment_makes_another(tmp_path, by, part):
    first = convert(tmp_path, by)
    if part == "weights":
        other = convert(tmp_path, by, "sha256:other")
    elif part == "command":
        other = convert(tmp_path, replace(by, command=(*by.command, "--more")))
    else:
        other = convert(tmp_path, replace(by, made_of="sha256:newer"))
    assert other.now
    assert other.folder != first.folder


def test_a_model_of_which_nothing_tells_what_it_is_is_not_kept(tmp_path, by):
    first, again = convert(tmp_path, by, None), None
    assert first.folder.is_relative_to(tmp_path / "scratch")
    assert not (tmp_path / "cache").exists()
    assert again is None


def test_a_part_that_a_killed_run_left_is_made_anew(tmp_path, by):
    folder = convert(tmp_path, by).folder
    (folder / DONE).unlink()
    (folder / "model.bin").write_text("a half")
    again = convert(tmp_path, by)
    assert again.now
    assert (again.folder / "model.bin").read_text() == "weights converted"


def test_runs_that_want_the_same_model_wait_for_one_conversion(tmp_path, by):
    found = []
    threads = [threading.Thread(target=lambda: found.append(convert(tmp_path, by))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(one.now for one in found) == [False, False, False, True]
    assert calls(tmp_path) == 1


@pytest.mark.parametrize(
    ("code", "kind", "reason"),
    [
        ("raise ValueError('no such architecture')", "crash", "ValueError: no such architecture"),
        ("import os; os.kill(os.getpid(), 11)", "signal", "SIGSEGV"),
        ("print('done')", "engine_error", "nothing was made"),
        ("import time; time.sleep(60)", "timeout", "not done after 1 s"),
        (
            "import errno; raise OSError(errno.ENOSPC, 'No space left on device')",
            "disk_full",
            "No space left",
        ),
    ],
)
def test_a_conversion_that_fails_says_why_and_leaves_nothing_that_looks_whole(
    tmp_path, by, code, kind, reason
):
    with pytest.raises(NotReady) as found:
        convert(tmp_path, program(tmp_path, code, timeout_s=1 if kind == "timeout" else None))
    assert found.value.kind == kind
    assert str(found.value).startswith("conversion: ")
    assert reason in str(found.value)
    assert not list((tmp_path / "cache").glob(f"models/*/{DONE}"))


def test_a_converter_that_is_not_there_is_the_environment(tmp_path, by):
    with pytest.raises(NotReady) as found:
        convert(tmp_path, replace(by, python="/no/such"))
    assert found.value.kind == "environment"


def test_what_was_converted_says_of_what_and_how(tmp_path, by):
    done = json.loads((convert(tmp_path, by).folder / DONE).read_text())
    assert (done["model"], done["command"]) == ("sha256:w", list(by.command))
