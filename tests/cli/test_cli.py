"""The command line: errors are two lines with an exit code, never a traceback."""

import errno
import json
import subprocess
import sys
from pathlib import Path

import pytest

from atlas import cli
from atlas.errors import AtlasError, BuildError, IntegrityError, RunError, UnavailableError
from atlas.failures import recorded

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
