"""The fault matrix: whatever happens to a run, there is one record of it, and it says what."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from atlas.perf import record as records
from atlas.perf.cards import Card
from atlas.perf.failure import Seen, classify
from atlas.perf.prepared import NotReady, Ready
from atlas.perf.record import UNFINISHED, read
from atlas.perf.run import given_devices, run_card
from atlas.perf.scan import Finding
from atlas.perf.supervise import Cancelled, supervise

GOOD = "print('performance: 12.5 tok/s')"


def run(tmp_path, code=GOOD, *, output=None, prepare=None, env=None, interval_s=0.0, **card):
    """One run of a Python program as a card's command."""
    values = {"timeout_s": 60, **card}
    one = Card("toy", "test", ("toy",), "cards.yaml:1", command=("x",), repeats=1, **values)

    def program(scratch):
        command = (sys.executable, "-c", textwrap.dedent(code))
        return Ready(command, {"PATH": os.environ["PATH"], **(env or {})}, scratch / "work", None)

    output = output or tmp_path / "results" / "toy.json"
    done = run_card(
        tmp_path, "toy", "1.0", one, 1, hardware="cpu-test", output=output,
        interval_s=interval_s, prepare=prepare or program,
    )  # fmt: skip
    assert read(output) == done
    assert not list(output.parent.glob(".*"))
    return done


MATRIX = {
    "all is well": (GOOD, {}, None, 0),
    "exit status 1": (f"{GOOD}; raise SystemExit(1)", {}, "crash", 1),
    "an uncaught error": (f"{GOOD}\n1/0", {}, "crash", 1),
    "a signal": (f"{GOOD}\nimport os; os.kill(os.getpid(), 11)", {}, "signal", -11),
    "killed without a trace": ("import os; os.kill(os.getpid(), 9)", {}, "signal", -9),
    "a shell's 137": ("raise SystemExit(137)", {}, "signal", 137),
    "out of memory in the log": (
        "print('torch.OutOfMemoryError: CUDA out of memory.'); raise SystemExit(1)", {}, "oom", 1,
    ),
    "out of memory, and yet exit 0": (f"{GOOD}; print('CUDA out of memory. Tried')", {}, "oom", 0),
    "a traceback, and yet exit 0": (
        f"{GOOD}\nimport traceback\ntry:\n 1/0\nexcept Exception: traceback.print_exc()", {}, "log_pattern", 0,  # noqa: E501
    ),
    "no metric": ("print('done')", {}, "metric_missing", 0),
    "nan": ("print('performance: nan tok/s')", {}, "metric_missing", 0),
    "inf": ("print('performance: inf tok/s')", {}, "metric_missing", 0),
    "a full disk": ("import errno; raise OSError(errno.ENOSPC, 'No space left on device')", {}, "disk_full", 1),  # noqa: E501
    "no CSV": (GOOD, {"multiple_results": "r.csv"}, "metric_missing", 0),
    "a CSV in part": (
        "open('r.csv','w').write('model,performance,metric\\na,1.5,tok/s\\nb,,tok/s\\n')",
        {"multiple_results": "r.csv"}, "metric_missing", 0,
    ),
    "scanning switched off": (f"{GOOD}; print('RuntimeError: x')", {"log_error_pattern_scan": False}, None, 0),  # noqa: E501
    "a benign line of the card": (
        f"{GOOD}; print('RuntimeError: x known')", {"log_error_benign_patterns": ("known",)}, None, 0,
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", MATRIX)
def test_each_fault_has_its_kind(tmp_path, case):
    code, card, kind, exit_code = MATRIX[case]
    done = run(tmp_path, code, **card)
    assert (done["failure_kind"], done["exit_code"]) == (kind, exit_code)
    assert done["status"] == ("FAILURE" if kind else "SUCCESS")
    assert bool(done["failure_reason"]) == bool(kind)
    assert done["test_duration"] > 0
    assert all(one["value"] != 0 for one in done["results"])


def test_of_results_in_part_the_good_ones_are_kept(tmp_path):
    code, card, *_ = MATRIX["a CSV in part"]
    assert [one["value"] for one in run(tmp_path, code, **card)["results"]] == [1.5, None]


def test_a_time_out_takes_all_processes_along_and_keeps_the_telemetry(tmp_path):
    code = """
    import os, subprocess, sys, time, signal
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
    open(os.environ["PIDS"], "w").write(f"{os.getpid()} {child.pid}")
    time.sleep(600)
    """
    pids = tmp_path / "pids"
    start = time.monotonic()
    done = run(tmp_path, code, timeout_s=3, env={"PIDS": str(pids)}, interval_s=0.5)
    assert time.monotonic() - start < 3 + 10 + 5  # five for the sampler and what else is before and after
    assert done["failure_kind"] == "timeout"
    assert done["test_duration"] >= 3
    assert done["telemetry"]["samples"] >= 1
    for pid in pids.read_text().split():
        status = Path(f"/proc/{pid}/status")
        assert not status.exists() or "\nState:\tZ" in status.read_text()  # where nobody reaps it


def test_what_has_hidden_its_variables_is_known_by_its_session_and_ended(tmp_path):
    """As a server does whose workers change their titles: none of them says any more whose it is."""
    code = """
    import os, subprocess, sys
    child = "import subprocess, sys, time; p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'], env={}); print(p.pid, flush=True); time.sleep(600)"
    server = subprocess.Popen([sys.executable, "-c", child], start_new_session=True, stdout=subprocess.PIPE)
    hidden = int(server.stdout.readline())
    open(os.environ["PIDS"], "w").write(f"{server.pid} {hidden}")
    os.kill(os.getpid(), 9)
    """  # noqa: E501
    pids = tmp_path / "pids"
    done = run(tmp_path, code, env={"PIDS": str(pids)})
    assert done["failure_kind"] == "signal"
    assert not [pid for pid in pids.read_text().split() if Path(f"/proc/{pid}").exists()]


def test_what_was_started_beside_a_run_is_not_ended_with_it(tmp_path):
    """As the sampler, which tidies up itself."""
    beside = []

    def start(_):
        command = [sys.executable, "-c", "import time; time.sleep(60)"]
        beside.append(subprocess.Popen(command, start_new_session=True))

    with Cancelled() as cancelled:
        supervise(
            [sys.executable, "-c", "pass"], env={}, cwd=tmp_path, log=tmp_path / "log", timeout_s=30,
            cancelled=cancelled, started=start,
        )  # fmt: skip
    assert beside[0].poll() is None
    beside[0].kill()
    beside[0].wait()


def test_a_recorder_that_is_asked_to_end_records_that_first(tmp_path):
    threading.Timer(2, lambda: os.kill(os.getpid(), signal.SIGTERM)).start()
    done = run(tmp_path, "import time; time.sleep(60)")
    assert (done["failure_kind"], done["failure_reason"]) == ("cancelled", "cancelled by SIGTERM")


def test_what_cannot_be_prepared_is_recorded(tmp_path):
    for kind in ("environment", "image_pull", "invalid_card"):

        def fails(scratch, kind=kind):
            raise NotReady(kind, "because")

        done = run(tmp_path, prepare=fails)
        assert (done["failure_kind"], done["failure_reason"]) == (kind, "because")
        assert done["results"] == []


def test_a_program_that_is_not_there_is_the_environment(tmp_path):
    done = run(tmp_path, prepare=lambda scratch: Ready(("/no/such",), {}, scratch, None))
    assert done["failure_kind"] == "environment"


def test_a_disk_that_is_full_when_the_record_is_written_leaves_a_short_one(tmp_path, monkeypatch):
    real, calls = records.write_atomic, []

    def full(path, content):
        calls.append(path)
        if len(calls) == 2:
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        real(path, content)

    monkeypatch.setattr(records, "write_atomic", full)
    output = tmp_path / "r.json"
    one = Card("toy", "t", ("t",), "c:1", command=("x",))
    run_card(
        tmp_path, "toy", "1", one, 1, hardware="h", output=output,
        prepare=lambda s: Ready((sys.executable, "-c", GOOD), {}, s, None),
    )  # fmt: skip
    assert read(output)["failure_kind"] == "disk_full"


def test_secrets_stand_in_no_record(tmp_path):
    code = "import os; print('RuntimeError: token ' + os.environ['HF_TOKEN']); print('https://u:pw@host/x')"
    done = run(tmp_path, code, env={"HF_TOKEN": "canary-value-123", "PLAIN": "seen"})
    content = json.dumps(done)
    assert "canary-value-123" not in content
    assert done["environment"]["variables"]["HF_TOKEN"] == "[redacted]"
    assert done["environment"]["variables"]["PLAIN"] == "seen"


KILLED = """
import sys, time
sys.path[:0] = [{tests!r}]
from pathlib import Path
from test_run import run
run(Path({folder!r}), "import os, time; open({pid!r}, 'w').write(str(os.getpid())); time.sleep(60)")
"""


def test_killing_the_recorder_leaves_a_record_that_says_so_and_nothing_running(tmp_path):
    pid = tmp_path / "pid"
    code = KILLED.format(tests=str(Path(__file__).parent), folder=str(tmp_path), pid=str(pid))
    process = subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
    while not pid.exists() or not pid.read_text():
        time.sleep(0.02)
    process.kill()
    process.wait()
    found = read(tmp_path / "results" / "toy.json")
    assert (found["status"], found["failure_reason"]) == ("FAILURE", UNFINISHED)
    status = Path(f"/proc/{pid.read_text()}/status")
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and status.exists() and "\nState:\tZ" not in status.read_text():
        time.sleep(0.05)
    assert not status.exists() or "\nState:\tZ" in status.read_text()


@pytest.mark.parametrize(
    ("seen", "kind"),
    [
        (Seen(exit_code=-9, oom_kills=1, results=1), "oom"),
        (Seen(exit_code=137, oom_kills=1), "oom"),
        (Seen(exit_code=0, requests=(0, 4)), "engine_error"),
        (Seen(exit_code=0, requests=(3, 1), results=1), "engine_error"),
        (Seen(exit_code=3, engine_error="load: ValueError: x"), "engine_error"),
        (Seen(exit_code=-9, timed_out=5.0), "timeout"),
        (Seen(exit_code=-15, cancelled="by SIGINT", timed_out=5.0), "cancelled"),
        (Seen(exit_code=1, findings=[Finding("oom", 3, "CUDA out of memory", "x")], engine_error="x"), "oom"),
        (Seen(exit_code=0, results=1, requests=(4, 0)), None),
    ],
)
def test_what_was_seen_decides(seen, kind):
    found = classify(seen)
    assert (found[0] if found else None) == kind


def test_the_devices_of_a_run_are_those_that_it_was_given_as_the_machine_numbers_them():
    def given(env, *, contained=False):
        made = Ready(("x",), env, Path("work"), None, box=object() if contained else None)
        return given_devices(made, {"CUDA_VISIBLE_DEVICES": "5"})

    assert given({"CUDA_VISIBLE_DEVICES": "3"}) == "3"
    assert given({"CUDA_VISIBLE_DEVICES": "0"}, contained=True) == "5"
    assert given({"ROCR_VISIBLE_DEVICES": "2"}) == "2"
    assert given({}) is None
