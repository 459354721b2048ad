"""Running Snakemake for given jobs: one line for each artefact made, and what it said if it fails."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from atlas.progress import say
from atlas.provenance.verdict import Job

LINES_SHOWN = 20
"""Of the log of a job that failed."""

SILENCE_S = 30
"""After which a line tells that it still goes on."""


def snakemake(
    root: Path, flags: Sequence[str], jobs: Sequence[Job], env: Mapping[str, str] | None = None
) -> str | None:
    """Make the artefacts of `jobs`. None if that ended well, else the end of what Snakemake said."""
    options = ["--keep-going", "--quiet", "host", "progress", *flags]
    command = [sys.executable, "-m", "snakemake", *options, "--", *(job.outputs[0] for job in jobs)]
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            command, cwd=root, env={**os.environ, **(env or {})}, stdout=output, stderr=subprocess.STDOUT
        )
        status = _wait(process, _Progress(root, jobs))
        output.seek(0)
        return _end(output.read()) if status else None


def explain(failed: Iterable[Job], root: Path, output: str) -> None:
    """Show the logs of what failed; without any, what Snakemake said."""
    logs = [root / log for job in failed for log in job.logs if (root / log).is_file()]
    for log in logs:
        say(f"--- {log.relative_to(root)}\n{_end(log.read_bytes())}")
    if not logs:
        say(output)


def mtime(root: Path, job: Job) -> int | None:
    """Moves when a job succeeds, and not when its last good artefact is put back."""
    path = root / job.outputs[0]
    return path.stat().st_mtime_ns if path.exists() else None


class _Progress:
    """Tells of each artefact when its mtime moves, and from time to time that it goes on."""

    def __init__(self, root: Path, jobs: Sequence[Job]) -> None:
        self.root = root
        self.open = {job: mtime(root, job) for job in jobs}
        self.total = len(jobs)
        self.start = self.last = time.monotonic()

    def tell(self) -> None:
        for job in [job for job, before in self.open.items() if mtime(self.root, job) != before]:
            del self.open[job]
            self._say(job.outputs[0])
        if time.monotonic() - self.last > SILENCE_S:
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


def _end(text: bytes) -> str:
    return "\n".join(text.decode(errors="replace").splitlines()[-LINES_SHOWN:])
