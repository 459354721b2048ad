"""What a runtime can do, and the one way to run a whole job with it."""

from __future__ import annotations

from typing import Protocol

from atlas.environment.run import Running
from atlas.environment.runtimes.lent import lent
from atlas.environment.runtimes.model import Job, Outcome, Reference


class Started(Running, Protocol):
    """A job that was started."""

    def is_running(self) -> bool: ...

    def out_of_memory(self) -> bool:
        """Whether it, or a process in it, was killed for want of memory."""


class Runtime(Protocol):
    """Runs jobs in images. Each method raises an AtlasError in one paragraph where it cannot."""

    name: str

    def missing(self) -> str | None:
        """Why this machine cannot use it now; None if it can."""

    def present(self, reference: Reference) -> bool:
        """Whether an image is here already."""

    def prepare(self, reference: Reference) -> str:
        """Have an image here, complete and verified; returns the name that `start` knows it by."""

    def start(self, image: str, job: Job) -> Started:
        """Start a job. Whoever starts it calls `end`, which leaves nothing behind."""

    def user(self, job: Job, /) -> int:
        """Whom a job runs as on this machine."""

    def sweep(self) -> int:
        """Remove what killed runs on this machine have left; returns how many."""


def run_job(runtime: Runtime, image: str, job: Job, timeout_s: float) -> Outcome:
    """Run a job to its end, or to the end of its time; nothing is left of it."""
    folders = [mount.source for mount in job.mounts if mount.writable]
    with lent(folders, runtime.user(job)):
        started = runtime.start(image, job)
        try:
            status = started.wait(timeout_s)
            return Outcome(status, started.log(), started.out_of_memory())
        finally:
            started.end()
