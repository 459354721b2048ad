"""The processes of a run: which there are, wherever they have gone, and ending them."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

MARK = "ATLAS_PERF_RUN"
GRACE_S = 3.0
"""Between asking a process to end and ending it: the whole takes less than ten seconds."""
LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36


def end_all(process: subprocess.Popen[bytes], mark: str, known: set[int]) -> None:
    """End a process, its group, and descendants that left it: known by a variable, or by a session.

    A process that changes its title may write over its variables. Orphans come to us: those of our children
    that are not `known`, as we did not start them.
    """
    sessions = _sessions(mark, known)
    if process.poll() is None:
        _signal_all(process, mark, sessions, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(GRACE_S)
    for _ in range(100):
        sessions |= _sessions(mark, known)
        _signal_all(process, mark, sessions, signal.SIGKILL)
        _reap(children() - known)
        if process.poll() is not None and not {*marked(mark), *_within(sessions)}:
            break
        time.sleep(0.02)
    process.wait()
    _reap(children() - known)


def _signal_all(
    process: subprocess.Popen[bytes], mark: str, sessions: set[int], number: signal.Signals
) -> None:
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
    for pid in {*marked(mark), *_within(sessions)}:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def _reap(orphans: set[int]) -> None:
    for pid in orphans:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)


def adopt() -> None:
    """Have orphans of our descendants become children of ours, where the system can do that."""
    if LIBC:
        LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1)


def end_with_us() -> None:
    """In a process that we start: it ends when we do, even if nobody can tidy up after us."""
    assert LIBC is not None
    LIBC.prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL))


def _sessions(mark: str, known: set[int]) -> set[int]:
    """Those that processes with our mark and orphans are in; but not the one that this process is in."""
    found = set()
    for pid in {*marked(mark), *(children() - known)}:
        with contextlib.suppress(OSError):
            found.add(os.getsid(pid))
    return found - {os.getsid(0)}


def children() -> set[int]:
    return {pid for pid, (_, parent, _) in _processes() if parent == os.getpid()}


def _within(sessions: set[int]) -> list[int]:
    """Living processes of sessions."""
    if not sessions:
        return []
    return [pid for pid, (state, _, session) in _processes() if session in sessions and state not in "ZX"]


def _processes() -> Iterator[tuple[int, tuple[str, int, int]]]:
    """All of them, with state, parent and session."""
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            state, parent, _, session = (entry / "stat").read_text().rpartition(")")[2].split()[:4]
            yield int(entry.name), (state, int(parent), int(session))


def marked(mark: str) -> list[int]:
    """Living processes that were started with our mark, where the system shows their variables."""
    return list(_with(f"{MARK}={mark}".encode()))


def _with(needle: bytes) -> Iterator[int]:
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if needle in (entry / "environ").read_bytes():
                yield int(entry.name)
