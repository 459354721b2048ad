"""Running a command to its end, or to its limit: its log on disk, and nothing of it left running."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import IO, Any, Protocol

from atlas.errors import AtlasError
from atlas.perf.processes import LIBC, MARK, adopt, children, end_all, end_with_us

POLL_S = 0.05
LOG_LIMIT = 256 << 20


@dataclass(frozen=True)
class Ended:
    """How a command ended. Its exit code is negative where a signal ended it."""

    exit_code: int | None
    seconds: float
    timed_out: bool = False
    cancelled: str | None = None
    oom_kills: int = 0
    pid: int | None = None
    lost: str | None = None
    """What became of it, where not it, but what ran it, has failed."""


class Interrupted(BaseException):
    """Ends what cannot be asked whether it should."""


class Cancelled:
    """Whether this process has been asked to end: it then tidies up and records that first."""

    def __init__(self) -> None:
        self.by: str | None = None
        self.before: dict[int, Any] = {}
        self._now = False

    def __enter__(self) -> Cancelled:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            with contextlib.suppress(ValueError):  # not in the main thread
                self.before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self.before.items():
            signal.signal(number, handler)

    @contextlib.contextmanager
    def at_once(self) -> Iterator[None]:
        """Within, being asked to end raises Interrupted, once: what takes long there asks nobody."""
        if self.by:
            raise Interrupted
        self._now = True
        try:
            yield
        finally:
            self._now = False

    def _note(self, number: int, _: FrameType | None) -> None:
        self.by = f"cancelled by {signal.Signals(number).name}"
        if self._now:
            self._now = False
            raise Interrupted


class Process(Protocol):
    """What was started, wherever that is."""

    def poll(self) -> int | None:
        """Its exit status, once it has ended. AtlasError where not it, but what runs it, has failed."""

    def pid(self) -> int | None:
        """Its number on this machine; None where the machine doesn't show it."""

    def end(self) -> int | None:
        """End it and all that it started; its exit status, if it has one."""


class Start(Protocol):
    """Starts a command, with both its outputs in a file. OSError or AtlasError where that cannot be done."""

    def __call__(
        self,
        command: Sequence[str],
        env: Mapping[str, str],
        cwd: Path,
        output: IO[bytes],
        cancelled: Cancelled,
        /,
    ) -> Process: ...


class Here:
    """A process of this machine, in a group of its own."""

    def __init__(
        self, command: Sequence[str], env: Mapping[str, str], cwd: Path, output: IO[bytes], _: Cancelled
    ) -> None:
        self.mark = env[MARK]
        adopt()
        self.known: set[int] | None = None
        self.process = subprocess.Popen(
            command,
            env=env,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=end_with_us if LIBC else None,
        )

    def poll(self) -> int | None:
        if self.known is None:
            self.known = children()  # and what was started beside it, such as what samples it
        return self.process.poll()

    def pid(self) -> int | None:
        return self.process.pid

    def end(self) -> int | None:
        end_all(self.process, self.mark, self.known if self.known is not None else children())
        return self.process.returncode


def supervise(
    command: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: Path,
    log: Path,
    timeout_s: float | None,
    cancelled: Cancelled,
    started: Callable[[int | None], None] = lambda _: None,
    start: Start = Here,
) -> Ended:
    """Run a command to its end or limit, with both its outputs in `log`, and leave nothing of it running.

    `start` starts it, `started` is told its process number. OSError or AtlasError where it cannot be started.
    """
    kills = oom_kills()
    lost = pid = None
    timed_out = False
    with log.open("wb") as output:
        process = start(command, {**env, MARK: uuid.uuid4().hex}, cwd, output, cancelled)
        begin = time.monotonic()
        try:
            pid = process.pid()
            started(pid)
            timed_out = not _wait(process, timeout_s, cancelled, log)
        except AtlasError as error:
            lost = str(error)
        finally:
            exit_code = process.end()
    kills = max(0, oom_kills() - kills)
    if lost and kills:
        # It has taken along what was to tell so.
        lost, exit_code = None, -signal.SIGKILL
    return Ended(
        exit_code=exit_code,
        seconds=time.monotonic() - begin,
        timed_out=timed_out and cancelled.by is None,
        cancelled=cancelled.by,
        oom_kills=kills,
        pid=pid,
        lost=lost,
    )


def _wait(process: Process, timeout_s: float | None, cancelled: Cancelled, log: Path) -> bool:
    """Whether it ended by itself."""
    end = time.monotonic() + timeout_s if timeout_s else None
    while process.poll() is None:
        if cancelled.by or (end is not None and time.monotonic() > end):
            return False
        if log.stat().st_size > LOG_LIMIT:
            cancelled.by = f"its log is larger than {LOG_LIMIT >> 20} MiB"
            return False
        time.sleep(POLL_S)
    return True


def oom_kills() -> int:
    """How many processes the kernel has killed for want of memory; 0 where it doesn't say."""
    with contextlib.suppress(OSError, ValueError):
        for line in Path("/proc/vmstat").read_text(encoding="ascii").splitlines():
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    return 0
