"""What becomes of the jobs of a run: a record of each measurement that the cluster ended, and no job left."""

from __future__ import annotations

import logging
import re
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from atlas.errors import InputError
from atlas.perf.cards import Card, load_cards
from atlas.perf.record import MEASURED, Writer, failed_path, now, opened, read

RECORD = re.compile(
    rf"{MEASURED}/(?P<engine>[^/]+)/(?P<version>[^/]+)/perf/(?P<hardware>[^/]+)/(?P<card>[^/]+)/(?P<repeat>[0-9]+)\.json"
)
RUN = re.compile(r"SLURM run ID: (\S+)")
STATE = re.compile(r"SLURM status is: '([A-Z_]+)'")
KINDS = {"TIMEOUT": "timeout", "DEADLINE": "timeout", "OUT_OF_MEMORY": "oom", "CANCELLED": "cancelled"}
"""What a state of SLURM is in a record; others are faults of the cluster, as a node that failed is."""
GONE_S = 60
Ask = Callable[[Sequence[str]], str]


@dataclass(frozen=True)
class Failed:
    """A job that was ended from outside, or never began; `job` is SLURM's number of it."""

    outputs: tuple[str, ...]
    kind: str
    reason: str
    job: str | None = None


class Watch(logging.Handler):
    """Hears what Snakemake says of its jobs."""

    def __init__(self) -> None:
        super().__init__()
        self.run: str | None = None
        """The name that SLURM knows all jobs of this run by."""
        self.running: dict[int, tuple[str, ...]] = {}
        self.failed: list[Failed] = []

    def emit(self, record: logging.LogRecord) -> None:
        event = getattr(getattr(record, "event", None), "value", None)
        found = RUN.search(record.getMessage()) if event is None else None
        if found:
            self.run = found[1]
        elif event == "job_info":
            if not getattr(record, "local", False):
                self.running[record.jobid] = _outputs(record)  # type: ignore[attr-defined]
        elif event == "job_finished":
            self.running.pop(record.job_id, None)  # type: ignore[attr-defined]
        elif event == "job_error":
            self._error(record)

    def _error(self, record: Any) -> None:
        if self.running.pop(record.jobid, None) is not None:
            text = str(record.rule_msg or "the job failed").partition("For further error details")[0].strip()
            self.failed.append(fault(_outputs(record), text, (record.aux or {}).get("external_jobid")))

    def interrupted(self) -> list[Failed]:
        """The failures, and the jobs that had no end when the run had."""
        reason = "the run was ended, and its jobs with it"
        left = [Failed(outputs, "cancelled", reason) for outputs in self.running.values()]
        return [*self.failed, *left]


def _outputs(record: Any) -> tuple[str, ...]:
    """The files of a job, which are told with what is special of each, as `x.json (update)`."""
    return tuple(str(one).partition(" (")[0] for one in record.output)


def fault(outputs: tuple[str, ...], text: str, job: str | None) -> Failed:
    """What a message of the executor says of a job."""
    state = STATE.search(text)
    first = " ".join(text.partition("sbatch call:")[0].split())
    return Failed(outputs, KINDS.get(state[1], "scheduler") if state else "scheduler", first[:500], job)


def record_failures(root: Path, failures: Sequence[Failed]) -> list[Path]:
    """Write a record of each measurement that failed without one; returns where they are.

    It lies beside the place of the run's own record, which stays empty: the next run measures it.
    """
    written = []
    for failure in failures:
        for output in failure.outputs:
            found = RECORD.fullmatch(output)
            if found and _is_over(root / output):
                # The recorder was asked to end with its job, and had the time to say so.
                place = failed_path(root / MEASURED, found.groupdict())
                (root / output).replace(place)
                written.append(place)
            elif found and not (root / output).is_file():
                written.append(_record(root, found.groupdict(), failure))
    return written


def _is_over(path: Path) -> bool:
    """Whether there is a record of a run that was cancelled, or of one that never had an end."""
    try:
        return path.is_file() and read(path)["failure_kind"] == "cancelled"
    except InputError:
        return False


def _record(root: Path, cell: Mapping[str, str], failure: Failed) -> Path:
    cards = [one for one in load_cards(root) if one.name == cell["card"]]
    card = cards[0] if cards else Card(cell["card"], "", (), "")
    names = (cell["engine"], cell["version"], card, int(cell["repeat"]), cell["hardware"])
    job = f" (SLURM job {failure.job})" if failure.job else ""
    reason = {"failure_kind": failure.kind, "failure_reason": f"{failure.reason}{job}"}
    record = {**opened(*names), **reason, "finished_at": now()}
    path = failed_path(root / MEASURED, cell)
    writer = Writer(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    writer.finish(record)
    return path


def leave_none(run: str | None, ask: Ask | None = None) -> list[str]:
    """Cancel the jobs of a run that are still there; no other ones, whoever's allocation this runs in.

    Snakemake submits what was waiting to be submitted even after it has cancelled all others.
    """
    if not run:
        return []
    ask = ask or _ask
    listed = ask(["squeue", "--noheader", "--format=%A", "--name", run])
    jobs = sorted({line.strip() for line in listed.splitlines() if line.strip().isdigit()}, key=int)
    if jobs:
        ask(["scancel", *jobs])
    return jobs


def wait_gone(run: str, ask: Ask | None = None, pause: Callable[[float], None] = time.sleep) -> None:
    """Wait, for a minute at most, until no job of a run is there any more: recorders in them still write."""
    ask = ask or _ask
    for _ in range(GONE_S):
        if not ask(["squeue", "--noheader", "--format=%A", "--name", run]).strip():
            return
        pause(1)


def _ask(command: Sequence[str]) -> str:
    """What a command prints; nothing where it fails, as this comes last and must not hide the failure."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""
