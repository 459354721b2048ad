"""Running a command to its end, or to its limit: its log on disk, and nothing of it left running."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

MARK = "ATLAS_PERF_RUN"
GRACE_S = 3.0
"""Between asking a process to end and ending it: the whole takes less than ten seconds."""
POLL_S = 0.05
LOG_LIMIT = 256 << 20
LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Ended:
    """How a command ended. Its exit code is negative where a signal ended it."""

    exit_code: int | None
    seconds: float
    timed_out: bool = False
    cancelled: str | None = None
    oom_kills: int = 0
    pid: int | None = None


class Cancelled:
    """Whether this process has been asked to end: it then tidies up and records that first."""

    def __init__(self) -> None:
        self.by: str | None = None
        self.before: dict[int, Any] = {}

    def __enter__(self) -> Cancelled:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            with contextlib.suppress(ValueError):  # not in the main thread
                self.before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self.before.items():
            signal.signal(number, handler)

    def _note(self, number: int, _: FrameType | None) -> None:
        self.by = f"cancelled by {signal.Signals(number).name}"


def supervise(
    command: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: Path,
    log: Path,
    timeout_s: float | None,
    cancelled: Cancelled,
    started: Callable[[int], None] = lambda _: None,
) -> Ended:
    """Run a command in a process group of its own, with both its outputs in `log`.

    `started` is told its process number. OSError where it cannot be started.
    """
    mark = uuid.uuid4().hex
    kills = oom_kills()
    begin = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            env={**env, MARK: mark},
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_end_with_us if LIBC else None,
        )
        try:
            started(process.pid)
            timed_out = not _wait(process, timeout_s, cancelled, log)
        finally:
            end_all(process, mark)
    return Ended(
        exit_code=process.returncode,
        seconds=time.monotonic() - begin,
        timed_out=timed_out and cancelled.by is None,
        cancelled=cancelled.by,
        oom_kills=max(0, oom_kills() - kills),
        pid=process.pid,
    )


def _end_with_us() -> None:
    """In the command's process: it ends when we do, even if nobody can tidy up after us."""
    assert LIBC is not None
    LIBC.prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL))


def _wait(process: subprocess.Popen[bytes], timeout_s: float | None, cancelled: Cancelled, log: Path) -> bool:
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


def end_all(process: subprocess.Popen[bytes], mark: str) -> None:
    """End a process, its group, and descendants that left the group (known by a variable)."""
    if process.poll() is None:
        _signal_all(process, mark, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(GRACE_S)
    for _ in range(100):
        _signal_all(process, mark, signal.SIGKILL)
        if process.poll() is not None and not marked(mark):
            break
        time.sleep(0.02)
    process.wait()


def _signal_all(process: subprocess.Popen[bytes], mark: str, number: signal.Signals) -> None:
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
    for pid in marked(mark):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def marked(mark: str) -> list[int]:
    """Living processes that were started with our mark, where the system shows their variables."""
    return list(_with(f"{MARK}={mark}".encode()))


def _with(needle: bytes) -> Iterator[int]:
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if needle in (entry / "environ").read_bytes():
                yield int(entry.name)


def oom_kills() -> int:
    """How many processes the kernel has killed for want of memory; 0 where it doesn't say."""
    with contextlib.suppress(OSError, ValueError):
        for line in Path("/proc/vmstat").read_text(encoding="ascii").splitlines():
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    return 0
