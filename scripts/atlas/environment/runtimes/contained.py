"""A process in a container that is this process's own child in all but name: it ends when this one does."""

from __future__ import annotations

import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from atlas.environment.run import PROBE, Running, environment_of
from atlas.environment.run import Runtime as Interpreter
from atlas.environment.runtimes.channel import FOLDER, Channel
from atlas.environment.runtimes.images import ImageSpec
from atlas.environment.runtimes.lent import job_user, lend, require_readable, take_back
from atlas.environment.runtimes.model import GpuRequest, Job, Mount
from atlas.environment.runtimes.protocol import Runtime, Started
from atlas.environment.runtimes.said import advice
from atlas.errors import RunError, UnavailableError

START_S = 120.0
"""For a container to come up and connect; a runtime may have to unpack its image first."""
GONE_S = 10.0
ENDED = "the container was ended from outside"
AGAIN = "was it removed, or the container engine restarted? Run the same again"


@dataclass(frozen=True)
class Launcher:
    """Starts the probe in a container: it sees what the probe is, and may write to scratch alone."""

    by: Runtime
    image: str
    spec: ImageSpec
    gpu: GpuRequest | None

    def start(
        self, runtime: Interpreter, scratch: Path, command: Sequence[str], descriptors: Sequence[int]
    ) -> Running:
        shown = (PROBE, *runtime.paths, *((runtime.bytecode,) if runtime.bytecode else ()))
        env = environment_of(runtime, scratch)
        return self.run(runtime.python, command, env, shown, scratch, scratch / "work", descriptors)

    def run(
        self,
        python: Path,
        command: Sequence[str],
        env: Mapping[str, str],
        shown: Sequence[Path],
        writable: Path,
        cwd: Path,
        descriptors: Sequence[int] = (),
    ) -> InContainer:
        """Start a command that sees the folders `shown`, by way of the image's own Python."""
        require_readable(shown)
        channel = Channel()
        started: Started | None = None
        try:
            mounts = [Mount.same(path) for path in shown if path.exists()]
            mounts += [Mount.same(writable, writable=True), Mount(channel.folder, FOLDER)]
            job = Job(
                channel.command(str(python)),
                tuple(mounts),
                gpu=self.gpu,
                limits=self.spec.limits,
                network=self.spec.network,
                drops_rights=True,
            )
            lend([writable], job_user())
            started = self.by.start(self.image, job)
            if not channel.accept(started.is_running, START_S):
                said = " ".join(started.log().split())[-600:]
                hint = f"the image needs {python}, Python 3.9 or newer; the machine must be Linux"
                kind, hint = advice(said) or (RunError, hint)
                what = f"the container did not start the engine's Python: {said or 'it said nothing'}"
                raise kind(what, where=self.by.name, hint=hint)
            try:
                channel.order(command, env, cwd, descriptors)
            except OSError as error:
                raise UnavailableError(ENDED, where=self.by.name, hint=AGAIN) from error
            return InContainer(channel, started, writable, self.by.name)
        except BaseException:
            channel.hang_up()
            if started is not None:
                started.end()
            channel.close()
            take_back([writable])
            raise


class InContainer:
    """The engine's process in a container."""

    def __init__(self, channel: Channel, started: Started, scratch: Path, name: str) -> None:
        self._channel = channel
        self._started = started
        self._scratch = scratch
        self._name = name
        self._over = False

    def wait(self, timeout_s: float) -> int | None:
        status = self._channel.wait(timeout_s)
        if status is None and self._channel.failed:
            raise RunError(f"the engine's Python cannot be started: {self._channel.failed}", where=self._name)
        return self._gone() if status is None and self._channel.ended else status

    def _gone(self) -> int:
        """Why the container ended without a word: for want of memory, or it is no fault of the engine's."""
        status = self._started.wait(GONE_S)
        if self._started.out_of_memory():
            return -signal.SIGKILL
        raise UnavailableError(f"{ENDED} (exit status {status})", where=self._name, hint=AGAIN)

    def log(self) -> str:
        if not self._over and self._channel.wait(0) is None and self._channel.ended:
            self._gone()
        return self._channel.log()

    def kill(self, process: int) -> None:
        self._channel.kill(process)

    def end(self) -> None:
        self._over = True
        self._channel.hang_up()
        self._started.end()
        self._channel.close()
        take_back([self._scratch])
