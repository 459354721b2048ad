"""`atlas build`: build what is stale, with early cut-off, and as much as can be built.

Within one run, Snakemake rebuilds all that follows a stale artefact, even if that comes out the same.
So a build is a ladder of runs in the order of the DAG. Each run is of some rules (`--allowed-rules`),
and judges by content at its start. A rule joins the run of the rules before it where no cut-off is
possible: its jobs have reasons of their own, or need nothing that is built in that run.

When artefacts can't be built, those that need them wait, all others go on, and the reports are made
from the last good artefacts. Exit codes: 0 all is built, 2 something could not be built.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from atlas.errors import BuildError
from atlas.progress import say
from atlas.provenance import lastgood
from atlas.provenance.ladder import behind, plan, reports
from atlas.provenance.verdict import Job, Verdict, ask

LINES_SHOWN = 20
"""Of the log of a job that failed."""


def build(
    root: Path,
    cores: int | None = None,
    targets: Sequence[str] = (),
    extra_args: Sequence[str] = (),
    *,
    force: bool = False,
) -> int:
    """Build what is stale of `targets` (default: everything); `force` builds the fresh ones too."""
    return run_build(root, cores=cores, force=force, arguments=[*extra_args, *targets])


def run_build(root: Path, *, cores: int | None, force: bool, arguments: Sequence[str]) -> int:
    """As `build`; `arguments` are flags and targets of Snakemake in any order."""
    verdict = ask(root, arguments)
    flags = [argument for argument in arguments if argument not in verdict.targets]
    flags += ["--cores", str(cores)] if cores else []
    flags += ["--force"] if force else []
    todo = {number for number, job in enumerate(verdict.jobs) if force or job.stale}
    if not todo:
        say(f"nothing is stale: {sum(len(job.outputs) for job in verdict.jobs)} artefacts")
        return 0
    before = {number: _mtime(root, verdict.jobs[number]) for number in todo}
    failed = _climb(root, verdict, todo, flags, before)
    built = {number for number in todo if before[number] != _mtime(root, verdict.jobs[number])} - failed
    _summarise(verdict, todo, built, failed)
    return BuildError.exit_code if failed else 0


def _climb(
    root: Path, verdict: Verdict, todo: set[int], flags: Sequence[str], before: Mapping[int, int | None]
) -> set[int]:
    """Run the ladder; the jobs that failed."""
    failed: set[int] = set()
    ends = reports(verdict)
    for rules in plan(verdict, todo, certain="--force" in flags):
        waiting = behind(verdict, failed)
        numbers = [n for n in sorted(todo - waiting) if verdict.jobs[n].rule in rules]
        output = _snakemake(root, rules, [verdict.jobs[n] for n in numbers], flags) if numbers else None
        if output is not None:
            stale = {job.outputs for job in ask(root, verdict.targets).stale()}
            lost = {
                n
                for n in numbers
                if verdict.jobs[n].outputs in stale
                or ("--force" in flags and before[n] == _mtime(root, verdict.jobs[n]))
            }
            found = lost - behind(verdict, lost)
            _explain([verdict.jobs[n] for n in sorted(found)], root, output)
            failed |= found or set(numbers)
    late = [n for n in sorted(todo & behind(verdict, failed)) if verdict.jobs[n].rule in ends]
    if late:
        say("From the last good artefacts:")
        jobs = [verdict.jobs[n] for n in late]
        rules = sorted({job.rule for job in jobs})
        output = _snakemake(root, rules, jobs, flags, {lastgood.VARIABLE: "1"})
        if output is not None:
            say(output)
            failed |= {n for n in late if before[n] == _mtime(root, verdict.jobs[n])}
    return failed


def _snakemake(
    root: Path,
    rules: Sequence[str],
    jobs: Sequence[Job],
    flags: Sequence[str],
    env: Mapping[str, str] | None = None,
) -> str | None:
    """Run Snakemake for these jobs, if they are stale then; other inputs are taken as they are.

    None if it ended well, else the end of what it said.
    """
    say(f"{', '.join(rules)}: {len(jobs)} to build")
    options = ["--keep-going", "--quiet", "host", "progress", "--allowed-rules", *rules]
    targets = [job.outputs[0] for job in jobs]
    command = [sys.executable, "-m", "snakemake", *options, *flags, "--", *targets]
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            command, cwd=root, env={**os.environ, **(env or {})}, stdout=output, stderr=subprocess.STDOUT
        )
        status = _wait(process, _Progress(root, jobs))
        output.seek(0)
        return _end(output.read()) if status else None


def _end(text: bytes) -> str:
    return "\n".join(text.decode(errors="replace").splitlines()[-LINES_SHOWN:])


def _explain(failed: Iterable[Job], root: Path, output: str) -> None:
    """Show the logs of what failed; without any, what Snakemake said."""
    logs = [root / log for job in failed for log in job.logs if (root / log).is_file()]
    for log in logs:
        say(f"--- {log.relative_to(root)}\n{_end(log.read_bytes())}")
    if not logs:
        say(output)


class _Progress:
    """Tells of each artefact when its mtime moves, and from time to time that it goes on."""

    def __init__(self, root: Path, jobs: Sequence[Job]) -> None:
        self.root = root
        self.open = {job: _mtime(root, job) for job in jobs}
        self.total = len(jobs)
        self.start = self.last = time.monotonic()

    def tell(self) -> None:
        for job in [job for job, mtime in self.open.items() if _mtime(self.root, job) != mtime]:
            del self.open[job]
            self._say(job.outputs[0])
        if time.monotonic() - self.last > 30:
            self._say("still going on")

    def _say(self, what: str) -> None:
        self.last = time.monotonic()
        say(f"  {self.total - len(self.open)} of {self.total} ({self.last - self.start:.0f} s): {what}")


def _wait(process: subprocess.Popen[bytes], progress: _Progress) -> int:
    """Wait for Snakemake also after Ctrl-C, which the terminal sends to it as well: it ends its jobs,
    and then gives the lock back."""
    interrupted = False
    previous = signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    try:
        while process.returncode is None:
            try:
                process.wait(timeout=0.2)
            except subprocess.TimeoutExpired:
                progress.tell()
            except KeyboardInterrupt:
                interrupted = True
    finally:
        signal.signal(signal.SIGTERM, previous)
    if interrupted:
        raise KeyboardInterrupt
    progress.tell()
    return process.returncode


def _mtime(root: Path, job: Job) -> int | None:
    """Moves when the job succeeds, and not when its last good artefact is put back."""
    path = root / job.outputs[0]
    return path.stat().st_mtime_ns if path.exists() else None


def _summarise(verdict: Verdict, todo: set[int], built: set[int], failed: set[int]) -> None:
    ends = reports(verdict)
    waiting = {
        n for n in (todo & behind(verdict, failed)) - built - failed if verdict.jobs[n].rule not in ends
    }
    same = len(todo - built - failed - waiting)
    cut = f"; {same} need not be: what they are made from is the same" if same else ""
    say(f"built {len(built)} of {len(todo)} stale{cut}")
    for number in sorted(failed):
        job = verdict.jobs[number]
        say(f"failed: {job.outputs[0]}{_see(job.logs)}")
    for number in sorted(waiting):
        say(f"waits for what failed: {verdict.jobs[number].outputs[0]}")
    if failed:
        say("What could not be built is as it was; `atlas stale` lists it with the reason.")


def _see(logs: Iterable[str]) -> str:
    names = ", ".join(logs)
    return f" (see {names})" if names else ""
