"""A chunk of configurations, in children that may hang or die."""

from __future__ import annotations

import contextlib
import ctypes
import json
import mmap
import os
import resource
import signal
import socket
import struct
import sys
import time
from typing import Any

from .alarm import WALL, Alarm
from .outcomes import Subject

GRACE_S = 1.0
"""What a child has on top of its limit to come back from C code."""
WATCH_S = 0.1
CPU_CLOCK = 2
"""Linux names the clock of another process so (clock_getcpuclockid)."""
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, LARGE = -1, -3, 1 << 17
"""Of the C library's memory: what is as large is asked of the system, and given back to it."""
RUNNING, IDLE = 1, 0


class Board:
    """Memory that a child shares with its worker: which configuration and step it is at, and since when.

    Since is the time, and how long the child had computed then.
    """

    FORM = struct.Struct("=qqqdd")

    def __init__(self) -> None:
        self.memory = mmap.mmap(-1, self.FORM.size)

    def write(self, index: int, stage: int, state: int) -> None:
        self.FORM.pack_into(self.memory, 0, index, stage, state, time.monotonic(), time.process_time())

    def read(self) -> tuple[int, int, int, float, float]:
        index, stage, state, since, computed = self.FORM.unpack_from(self.memory, 0)
        return index, stage, state, since, computed


class Worker:
    """Answers chunks, one at a time, over one connection."""

    def __init__(self, subject: Subject, connection: socket.socket, limit: float, memory: int) -> None:
        self.subject = subject
        self.connection = connection
        self.limit = limit
        self.memory = memory
        self.board = Board()
        self.chunk = 0
        self.child = 0
        self.was_late = False

    def run(self) -> None:
        signal.signal(signal.SIGALRM, self._watch)
        with self.connection.makefile("rb") as lines:
            for line in lines:
                message = json.loads(line)
                self._chunk(message["chunk"], message["configs"])

    def _chunk(self, chunk: int, configs: list[Any]) -> None:
        self.chunk = chunk
        first = 0
        while first < len(configs):
            self.board.write(first, 0, IDLE)
            self._run_child(configs, first)
            index, stage, state, *_ = self.board.read()
            if state == IDLE and index > first:
                first = index
                continue
            # It ended while the engine had it (or could not even begin), perhaps in the middle of a line.
            self.connection.sendall(b"\n")
            outcome = "timeout" if self.was_late else "killed"
            depth = self.subject.depths[stage]
            self.answer(index, {"outcome": outcome, "depth": depth})
            first = index + 1

    def answer(self, index: int, observation: dict[str, Any]) -> None:
        send(self.connection, {"chunk": self.chunk, "index": index, **observation})

    def _run_child(self, configs: list[Any], first: int) -> None:
        self.was_late = False
        self.child = os.fork()
        if not self.child:
            try:
                Child(self, configs).run(first)
            finally:
                os._exit(0)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.setpgid(self.child, self.child)
        signal.setitimer(signal.ITIMER_REAL, WATCH_S, WATCH_S)
        os.waitpid(self.child, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        # Processes that the configurations started go with the child.
        self._kill()

    def _watch(self, *_: Any) -> None:
        state, since, computed = self.board.read()[2:]
        late = time.monotonic() - since > WALL * self.limit + GRACE_S
        if state == RUNNING and (late or computing(self.child) - computed > self.limit + GRACE_S):
            self.was_late = True
            self._kill()

    def _kill(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.child, signal.SIGKILL)


class Child:
    """Goes through a chunk from some index on, and ends when it is not fit for more."""

    def __init__(self, worker: Worker, configs: list[Any]) -> None:
        self.worker = worker
        self.subject = worker.subject
        self.board = worker.board
        self.configs = configs

    def run(self, first: int) -> None:
        os.setpgid(0, 0)
        # What is printed would only slow it down.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        memory = Memory(self.worker.memory)
        alarm = Alarm(self.worker.limit)
        loaded = len(sys.modules)
        for index in range(first, len(self.configs)):
            memory.limit()
            self.board.write(index, 0, RUNNING)
            observation, fit = self.subject.observe(self.configs[index], alarm, self._began)
            self.board.write(index, 0, IDLE)
            if len(sys.modules) != loaded:
                observation["modules"] = self.subject.probe.own_modules(list(sys.modules)[loaded:])
                loaded = len(sys.modules)
            self.worker.answer(index, observation)
            self.board.write(index + 1, 0, IDLE)
            if not fit:
                return

    def _began(self, stage: int) -> None:
        index, _, state, since, computed = self.board.read()
        Board.FORM.pack_into(self.board.memory, 0, index, stage, state, since, computed)


def computing(process: int) -> float:
    """For how long a process has computed, in seconds; 0 where the system does not say."""
    try:
        return time.clock_gettime(~process << 3 | CPU_CLOCK)
    except OSError:
        return 0.0


class Memory:
    """Lets this process have so much more than it has: its allocations fail before the machine's do."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
        # What is large is given back when it is freed, or the next configuration would have it on top.
        set_option = getattr(ctypes.CDLL(None), "mallopt", lambda *_: 0)
        for option in (M_MMAP_THRESHOLD, M_TRIM_THRESHOLD):
            set_option(option, LARGE)
        try:
            self.statm = os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            self.statm = -1  # A system that does not say; then the kernel decides.

    def limit(self) -> None:
        """From now on, so that what was asked before takes nothing of it."""
        if self.statm < 0:
            return
        used = int(os.pread(self.statm, 200, 0).split()[5]) * resource.getpagesize()
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_DATA, (used + self.size, self.hard))


def send(connection: socket.socket, message: Any) -> None:
    connection.sendall(json.dumps(message).encode() + b"\n")
