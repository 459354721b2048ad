"""Engines that misbehave: the facts still come, or the reason why they do not; nothing is left behind."""

from __future__ import annotations

import contextlib
import os
import sys
import textwrap
import time
from pathlib import Path

import pytest

from atlas.environment.run import Runtime, run_probe
from atlas.errors import InputError, RunError

PLAIN = """
from dataclasses import dataclass

@dataclass
class Config:
    size: int = 4
"""


@pytest.fixture
def ask(tmp_path):
    """Run the probe on an engine whose module is the given text."""

    def run(
        text: str, *, timeout_s: float = 60, env: dict | None = None, fixtures: dict | None = None, **more
    ):
        folder = tmp_path / "engine"
        folder.mkdir(exist_ok=True)
        (folder / "toy.py").write_text(textwrap.dedent(text))
        runtime = Runtime(Path(sys.executable), (folder,), env or {})
        request = {"packages": ["toy"], "distribution": "toy", "landmarks": ["toy.Config"]}
        request["surfaces"] = {"engine_params": [{"class": "toy.Config"}]}
        return run_probe(runtime, {**request, **more}, timeout_s=timeout_s, fixtures=fixtures)

    return run


def fields(facts):
    return {field["name"]: field["default"] for field in facts["classes"]["toy.Config"]["fields"]}


def test_an_engine_that_prints_ten_megabytes_is_read(ask):
    facts = ask(f"import sys\nfor _ in range(160): sys.stdout.write('x' * 65536)\n{PLAIN}")
    assert fields(facts) == {"size": {"kind": "value", "value": 4, "text": "4"}}


def test_what_a_thread_and_c_code_write_to_descriptor_1_is_not_taken_for_facts(ask):
    noise = """
    import os, subprocess, threading
    threading.Thread(target=lambda: [os.write(1, b'{"format_version": 9}') for _ in range(1000)]).start()
    subprocess.run(["echo", '{"classes": {}}'])
    """
    assert fields(ask(textwrap.dedent(noise) + PLAIN))


def test_threads_and_exit_handlers_left_behind_do_not_hold_up_the_facts(ask):
    left = """
    import atexit, os, threading, time
    threading.Thread(target=time.sleep, args=(600,)).start()
    atexit.register(os._exit, 9)
    """
    assert fields(ask(textwrap.dedent(left) + PLAIN, timeout_s=30))


def test_an_engine_that_hangs_is_stopped_with_its_reason(ask):
    with pytest.raises(RunError) as caught:
        ask("import time\nprint('waiting for a device', flush=True)\ntime.sleep(600)", timeout_s=2)
    assert "did not finish within 2 s" in str(caught.value)
    assert "waiting for a device" in str(caught.value)
    assert caught.value.exit_code == 3


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs /proc")
@pytest.mark.parametrize("ending", ["time.sleep(600)", "", "os._exit(3)"])
def test_children_in_sessions_of_their_own_are_stopped_too(ask, tmp_path, ending):
    note = tmp_path / "pid"
    spawn = f"""
    import os, subprocess, time
    child = subprocess.Popen(["sleep", "600"], start_new_session=True)
    open({str(note)!r}, "w").write(str(child.pid))
    {ending}
    """
    with contextlib.suppress(RunError):
        ask(textwrap.dedent(spawn) + PLAIN, timeout_s=3)
    status = Path(f"/proc/{note.read_text()}/status")
    for _ in range(100):
        if not status.exists() or "State:\tZ" in status.read_text():
            return
        time.sleep(0.05)
    pytest.fail("the child is still running")


@pytest.mark.parametrize(
    ("act", "reason"),
    [
        ("os._exit(7)", "ended Python with exit status 7"),
        ("os._exit(0)", "ended Python before the facts were written"),
        ("os.kill(os.getpid(), 9)", "killed by SIGKILL"),
        ("os.kill(os.getpid(), 11)", "killed by SIGSEGV"),
    ],
)
def test_an_engine_that_ends_python_is_told_how(ask, act, reason):
    with pytest.raises(RunError, match=reason) as caught:
        ask(f"import os\nprint('about to end', flush=True)\n{act}")
    assert "about to end" in str(caught.value)


@pytest.mark.parametrize(
    "act", ["raise SystemExit(2)", "raise ImportError('no GPU')", "1 / 0", "def broken("]
)
def test_an_engine_that_fails_at_import_is_a_fact(ask, act):
    facts = ask(act)
    verdict = facts["landmarks"]["toy.Config"]
    assert verdict.startswith(("SystemExit", "ImportError: no GPU", "ZeroDivisionError", "SyntaxError"))
    assert facts["limitations"][0]["subject"] == "toy.Config"


def test_no_secret_of_the_caller_reaches_the_engine(ask, monkeypatch, tmp_path):
    monkeypatch.setenv("CLOUD_TOKEN", "s3cr3t")
    monkeypatch.setenv("HOME", str(tmp_path))
    facts = ask("""
    import os
    from dataclasses import dataclass

    @dataclass
    class Config:
        names: str = ",".join(sorted(os.environ))
        home: str = os.path.expanduser("~/.cache/toy")
        token: str = os.environ.get("CLOUD_TOKEN", "none")
    """)
    assert "CLOUD_TOKEN" not in fields(facts)["names"]["value"]
    assert fields(facts)["token"]["value"] == "none"
    assert fields(facts)["home"] == {"kind": "computed", "text": "'<home>/.cache/toy'"}


def test_what_the_yaml_says_goes_before_what_is_fixed(ask):
    text = "import os\nclass Config:\n    def __init__(self, n=os.environ['OMP_NUM_THREADS']): pass\n"
    assert fields(ask(text))["n"]["value"] == "1"
    assert fields(ask(text, env={"OMP_NUM_THREADS": "3"}))["n"]["value"] == "3"


def test_fixtures_are_files_the_engine_can_read(ask):
    text = """
    import json
    class Config:
        def __init__(self, model):
            self.depth = json.load(open(model + "/config.json"))["layers"]
        def resolve(self):
            return self
    """
    facts = ask(
        text,
        fixtures={"model/config.json": {"layers": 2}},
        resolve=[{"class": "toy.Config", "kwargs": {"model": "{fixtures}/model"}, "call": "resolve"}],
    )
    assert [(one["name"], one["value"]) for one in facts["effective"]] == [("depth", 2)]


def test_a_fixture_outside_its_folder_is_refused(ask, tmp_path):
    with pytest.raises(InputError, match="not inside its folder"):
        ask(PLAIN, fixtures={"a/../../../escaped.json": {}})


@pytest.mark.parametrize("answer", ["{", "[]", '{"format_version": 99}'])
def test_an_answer_that_is_no_probe_s_is_refused(tmp_path, answer):
    fake = tmp_path / "python"
    fake.write_text(f"#!/bin/sh\nshift 5\nprintf '%s' '{answer}' > \"$1\"\n")
    fake.chmod(0o755)
    with pytest.raises(RunError, match="the facts are not"):
        run_probe(Runtime(fake), {}, timeout_s=20)


def test_nothing_is_left_in_the_temporary_folder(ask, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "scratch"))
    os.mkdir(tmp_path / "scratch")
    ask(PLAIN)
    assert os.listdir(tmp_path / "scratch") == []
