"""The command line: errors are two lines with an exit code, never a traceback."""

import errno
import json
import os
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas import cli
from atlas.errors import AtlasError, BuildError, IntegrityError, RunError, UnavailableError
from atlas.failures import recorded
from atlas.plain import printable

RESULTS = Path(__file__).resolve().parents[2] / "results"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--help"], 0, ""),
        (["nonsense"], 4, "nonsense"),
        (["source"], 4, "--engine"),
        (["source", "--engine", "no_such", "--version", "1", "--output", "x"], 4, "no engine `no_such`"),
        (["export", "--format", "other", "x"], 4, "llenergymeasure"),
    ],
)
def test_exit_codes_of_bad_arguments(arguments, code, words, capfd):
    assert cli.run(arguments) == code
    captured = capfd.readouterr()
    assert words in captured.err
    assert "Traceback" not in captured.err


@pytest.mark.parametrize(
    ("error", "code"),
    [(AtlasError, 1), (BuildError, 2), (RunError, 3), (UnavailableError, 5), (IntegrityError, 6)],
)
def test_each_kind_of_failure_has_its_exit_code(error, code, monkeypatch, capfd):
    def fail(**_):
        raise error("it broke", where="a.yaml:1:2", hint="mend it")

    monkeypatch.setattr(cli.cli, "main", fail)
    assert cli.run([]) == code
    assert capfd.readouterr().err == "error: a.yaml:1:2: it broke\nhint: mend it\n"


def test_a_full_disk_is_no_traceback(monkeypatch, capfd):
    def fail(**_):
        raise OSError(errno.ENOSPC, "No space left on device", "/cache/x")

    monkeypatch.setattr(cli.cli, "main", fail)
    assert cli.run([]) == 5
    assert "No space left on device" in capfd.readouterr().err


def test_a_failure_is_recorded_until_the_stage_succeeds(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    record = tmp_path / "logs/failures/source/toy/1.0.json"
    with pytest.raises(UnavailableError), recorded("source", "toy", "1.0"):
        raise UnavailableError("the index answers 500", hint="try later")
    assert json.loads(record.read_text())["exit_code"] == 5
    with recorded("source", "toy", "1.0"):
        pass
    assert not record.exists()


def test_a_check_of_keys_imports_nothing_that_it_does_not_need():
    heavy = ("rich", "jsonschema", "packaging", "hashlib", "difflib", "snakemake", "atlas.stages")
    rest = ("atlas.check.tokens", "atlas.history", "atlas.invariants.predicate.compiling")
    script = (
        "import sys; from atlas.cli import run; "
        f"words = ['check', '--engine', 'vllm==0.33.0', 'max_num_seqs=8', '--results', {str(RESULTS)!r}]; "
        "code = run(words); "
        f"print(code, [name for name in {(*heavy, *rest)!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "0 []"


def test_a_full_disk_is_told_and_a_closed_pipe_is_not():
    atlas = Path(sys.executable).parent / "atlas"
    words = [atlas, "ls", "params", "vllm", "--results", RESULTS]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 5 and done.stderr.startswith("error: writing: No space left")
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 0


@pytest.mark.parametrize(("words", "offered"), [
    ("atlas chec", ["check"]),
    ("atlas check --engine vl", ["vllm"]),
    ("atlas check --engine vllm==0.9", ["vllm==0.9.0", "vllm==0.9.2"]),
    ("atlas check --engine vllm some/fi", ["some/fi"]),
    ("atlas check --fail-on w", ["warning"]),
    ("atlas diff vllm 0.20.0 0.3", ["0.30.0", "0.31.0", "0.32.0", "0.33.0", "0.3.3"]),
    ("atlas upgrade --engine lmdeploy --from 0.5", ["0.5.0", "0.5.3"]),
    ("atlas show vllm max_num_queued_t", ["max_num_queued_tokens"]),
    ("atlas ls params transformers==4.57", ["transformers==4.57.6"]),
    ("atlas diff nothing 0.", []),
])  # fmt: skip
def test_the_shell_is_offered_what_there_is(words, offered):
    environment = {
        **os.environ,
        "ATLAS_RESULTS": str(RESULTS),
        "_ATLAS_COMPLETE": "bash_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split()) - 1),
    }
    done = subprocess.run(
        [Path(sys.executable).parent / "atlas"], env=environment, capture_output=True, text=True, check=True
    )
    assert sorted(line.partition(",")[2] for line in done.stdout.split()) == sorted(offered)


def test_what_others_wrote_cannot_steer_the_terminal(tmp_path, capsys):
    (tmp_path / "c.yaml").write_text('"a\\e[31mb": 1\nmodel: "\\u202etxt"\n')
    words = ["--engine", "vllm", "--results", str(RESULTS), str(tmp_path / "c.yaml")]
    for command in (["check"], ["upgrade", "--from", "0.32.0", "--to", "0.33.0"]):
        cli.run([*command, *words])
        out = capsys.readouterr().out
        assert "\x1b" not in out and "\u202e" not in out
        assert "a\\x1b[31mb" in out
    cli.run(["check", "--engine", "vl\x1b[2Jm", "a=1", "--results", str(RESULTS)])
    assert "\x1b" not in capsys.readouterr().err


@given(st.text())
def test_text_that_is_shown_has_no_control_characters_and_is_otherwise_the_same(text):
    shown = printable(text)
    assert not [one for one in shown if unicodedata.category(one) in ("Cc", "Cf", "Cs") and one not in "\n\t"]
    assert shown == text or not text.isprintable()
