"""A process of this machine that holds a job: an interpreter, or Apptainer's container."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from atlas.environment.run import drain
from atlas.errors import InputError

CALM_S = 5.0
STEP_S = 0.01
SIGNALLED = 128
DEAD = "ZX"


class LocalProcess:
    """In a session of its own; on `end`, it and those it started there are killed, and waited for."""

    def __init__(
        self, command: Sequence[str], env: Mapping[str, str], cwd: Path, *, holds: bool = False
    ) -> None:
        self._holds = holds
        try:
            self._process = subprocess.Popen(
                list(command),
                env=dict(env),
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            raise InputError(
                f"no such program can be run: {error.strerror}", where=str(command[0])
            ) from error
        self._tail = bytearray()
        self._reader = threading.Thread(target=drain, args=(self._process.stdout, self._tail), daemon=True)
        self._reader.start()

    def wait(self, timeout_s: float) -> int | None:
        try:
            status = self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return None
        self._reader.join(1)
        # What holds a container says so of the signal that ended the job in it.
        return SIGNALLED - status if self._holds and SIGNALLED < status <= SIGNALLED + 64 else status

    def is_running(self) -> bool:
        return self._process.poll() is None

    def out_of_memory(self) -> bool:
        return False

    def log(self) -> str:
        return self._tail.decode(errors="replace")

    def kill(self, process: int) -> None:
        raise InputError(f"process {process} is known to the job alone")

    def end(self) -> None:
        """Also those that are left in its session after it has ended itself."""
        end = time.monotonic() + CALM_S
        while time.monotonic() < end:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            # Without root, what mounts Apptainer's image is in a group of its own.
            for one in _living(self._process.pid):
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(one, signal.SIGKILL)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(0.05)
            if self._process.poll() is not None and not _living(self._process.pid):
                break
            time.sleep(STEP_S)
        self._process.wait()
        self._reader.join(CALM_S)


def _living(session: int) -> list[int]:
    """Who runs in it. The dead do not count: who has to bury them (an init) may take seconds."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, IndexError):
            state, _, _, of = entry.read_text(errors="replace").rpartition(")")[2].split()[:4]
            if int(of) == session and state not in DEAD:
                found.append(int(entry.parent.name))
    return found
