"""What is heard of the jobs of a run, and what is made of it."""

from __future__ import annotations

import json
import logging
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from atlas.cluster.watch import Watch, fault, leave_none, record_failures, wait_gone
from atlas.perf.aggregate import find_records
from atlas.perf.cards import Card
from atlas.perf.record import UNFINISHED, Writer, opened

ROOT = Path(__file__).resolve().parents[2]
OUTPUT = "measured/toy/1.0/perf/cpu-x/tiny-single/2.json"
KILLED = (
    "SLURM-job '7' failed, SLURM status is: '{}'. Reason: Unknown."
    "For further error details see the cluster/cloud log and the log files of the involved rule(s)."
)


@pytest.fixture
def said():
    """A logger's watch, and a function that says an event to it."""
    watch = Watch()
    logger = logging.Logger("jobs")
    logger.addHandler(watch)

    def say(event: str | None, text: str = "", **what: object) -> None:
        extra = {**what, **({"event": SimpleNamespace(value=event)} if event else {})}
        logger.info(text, extra=extra)

    return watch, say


def test_jobs_that_end_well_are_forgotten_and_others_are_not(said):
    watch, say = said
    say(None, "SLURM run ID: 1234-ab")
    for jobid in (1, 2, 3):
        say("job_info", jobid=jobid, output=[f"{jobid} (update)"], local=False)
    say("job_info", jobid=4, output=["4"], local=True)
    say("job_finished", job_id=1)
    say(
        "job_error", jobid=2, output=["2 (x)"], rule_msg=KILLED.format("TIMEOUT"), aux={"external_jobid": "7"}
    )
    assert watch.run == "1234-ab"
    found = watch.interrupted()
    assert [(one.outputs, one.kind, one.job) for one in found] == [
        (("2",), "timeout", "7"),
        (("3",), "cancelled", None),
    ]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (KILLED.format("TIMEOUT"), "timeout"),
        (KILLED.format("OUT_OF_MEMORY"), "oom"),
        (KILLED.format("CANCELLED"), "cancelled"),
        (KILLED.format("NODE_FAIL"), "scheduler"),
        (KILLED.format("FAILED"), "scheduler"),
        (
            "SLURM sbatch failed. The error message was 'no'.\n    sbatch call:\n        sbatch -p x",
            "scheduler",
        ),
    ],
)
def test_states_of_slurm_are_kinds_of_failure(text, kind):
    found = fault((OUTPUT,), text, "7")
    assert found.kind == kind
    assert "sbatch -p" not in found.reason


def test_a_failure_is_a_record_until_the_run_has_its_own(tmp_path):
    shutil.copytree(ROOT / "config", tmp_path / "config")
    (path,) = record_failures(tmp_path, [fault((OUTPUT, "logs/x"), KILLED.format("NODE_FAIL"), "7")])
    record = json.loads(path.read_text())
    assert (record["status"], record["failure_kind"]) == ("FAILURE", "scheduler")
    assert record["card"] == "tiny-single"
    assert record["repeat"] == 2
    assert record["results"] == []
    assert find_records(tmp_path) == [path]

    (tmp_path / OUTPUT).write_text("{}")
    assert find_records(tmp_path) == [tmp_path / OUTPUT]
    assert record_failures(tmp_path, [fault((OUTPUT,), "x", None)]) == []


@pytest.mark.parametrize("reason", ["cancelled by SIGTERM", UNFINISHED])
def test_what_a_recorder_said_of_its_own_end_is_kept_and_its_place_is_free(tmp_path, reason):
    shutil.copytree(ROOT / "config", tmp_path / "config")
    record = opened("toy", "1.0", Card("tiny-single", "s", ("t",), "x:1"), 2, "cpu-x")
    (tmp_path / OUTPUT).parent.mkdir(parents=True)
    Writer(tmp_path / OUTPUT).finish({**record, "failure_reason": reason})
    (path,) = record_failures(tmp_path, [fault((OUTPUT,), "the run was ended", None)])
    assert path.name == "2.failed.json"
    assert json.loads(path.read_text())["failure_reason"] == reason
    assert not (tmp_path / OUTPUT).exists()


def test_jobs_that_are_ending_are_waited_for():
    answers = ["7\n", "7\n", ""]
    asked, paused = [], []
    wait_gone("1-a", lambda command: asked.append(command) or answers[len(asked) - 1], paused.append)
    assert (len(asked), paused) == (3, [1, 1])


def test_only_jobs_of_this_run_are_cancelled():
    asked = []

    def ask(command):
        asked.append(list(command))
        return "11\n12\n12\n" if command[0] == "squeue" else ""

    assert leave_none("1234-ab", ask) == ["11", "12"]
    assert asked == [
        ["squeue", "--noheader", "--format=%A", "--name", "1234-ab"],
        ["scancel", "11", "12"],
    ]
    assert leave_none(None, ask) == []
    assert len(asked) == 2


def test_with_no_job_left_nothing_is_cancelled():
    asked = []
    assert leave_none("1234-ab", lambda command: asked.append(command[0]) or "") == []
    assert asked == ["squeue"]
