"""The engine's own tool measures: alone, or as the client of a server that is started for it.

Both are children in sessions of their own, which are ended whatever happens. The tool's result goes into the
journal as it is.
"""

from __future__ import annotations

import contextlib
import ctypes
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

from .journal import Journal

FAILED = 3
POLL_S = 0.05
GRACE_S = 10.0
"""For a server to end by itself, when all is measured."""
HURRY_S = 1.0
"""When this process is asked to end, whoever asks waits for 3 s."""
MOST = 16 << 20
LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
PR_SET_PDEATHSIG = 1
OVER = "atlas: the measurement is over; what follows is the end of the server"
"""What the log says before a server is ended: of what comes then, nothing is a failure."""


class Stopped(Exception):
    """A run that cannot go on: the exit status that tells why."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def run(bench: dict[str, Any], journal: Journal) -> int:
    """Exit status: 0 if the tool has ended well, that of what has ended badly, or FAILED."""
    with _children() as children:
        try:
            if bench["before"]:
                journal.enter("prepare")
            for command in bench["before"]:
                _wait(_start(command, children), None, journal)
            _measure(bench, children, journal)
        except Stopped as stopped:
            return stopped.status
        _keep(bench["result"], journal)
        journal.enter("end")
        print("\n" + OVER, flush=True)  # what was printed last may have no end of line
    return 0


def _measure(bench: dict[str, Any], children: list[subprocess.Popen[bytes]], journal: Journal) -> None:
    wanted, server, port = bench["server"], None, 0
    if wanted:
        port = _free_port()
        journal.enter("load")
        server = _start(_with_port(wanted["command"], port), children)
        _wait_until_ready(server, port, wanted["ready"], wanted["ready_s"], journal)
    journal.enter("measure")
    _wait(_start(_with_port(bench["command"], port), children), server, journal)


def _with_port(command: list[str], port: int) -> list[str]:
    return [word.replace("{port}", str(port)) for word in command]


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _start(command: list[str], children: list[subprocess.Popen[bytes]]) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, start_new_session=True, preexec_fn=_end_with_us if LIBC else None
    )
    children.append(process)
    return process


def _end_with_us() -> None:
    """In the child: it ends when we do, even if we cannot tidy up."""
    assert LIBC is not None
    LIBC.prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL))


def _wait_until_ready(
    server: subprocess.Popen[bytes], port: int, path: str, seconds: float, journal: Journal
) -> None:
    end = time.monotonic() + seconds
    while not _answers(port, path):
        if server.poll() is not None:
            _stop("the server %s before it was ready" % _how(server), server, journal)
        if time.monotonic() > end:
            journal.add(
                "error", phase="load", kind="timeout", message="the server was not ready after %g s" % seconds
            )
            raise Stopped(FAILED)
        time.sleep(POLL_S)


def _answers(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _wait(tool: subprocess.Popen[bytes], server: subprocess.Popen[bytes] | None, journal: Journal) -> None:
    """Until the tool has ended, and the server has not."""
    while tool.poll() is None:
        if server is not None and server.poll() is not None:
            break
        time.sleep(POLL_S)
    if server is not None and server.poll() is not None:
        _stop("the server %s while it was measured" % _how(server), server, journal)
    if tool.returncode:
        raise Stopped(_status(tool))


def _stop(message: str, process: subprocess.Popen[bytes], journal: Journal) -> None:
    journal.add("error", phase=journal.phase, message=message)
    raise Stopped(_status(process) or FAILED)


def _status(process: subprocess.Popen[bytes]) -> int:
    """As a shell has it."""
    return 128 - process.returncode if process.returncode < 0 else process.returncode


def _how(process: subprocess.Popen[bytes]) -> str:
    if process.returncode < 0:
        return "was ended by %s" % signal.Signals(-process.returncode).name
    return "ended with status %d" % process.returncode


def _keep(path: str, journal: Journal) -> None:
    name = os.path.basename(path)
    try:
        if os.path.getsize(path) > MOST:
            journal.add("bench", reason="%s is larger than %d MiB" % (name, MOST >> 20))
            return
        with open(path, encoding="utf-8") as file:
            journal.add("bench", content=json.load(file))
    except OSError:
        journal.add("bench", reason="the tool wrote no %s" % name)
    except ValueError:
        journal.add("bench", reason="%s is not JSON" % name)


@contextlib.contextmanager
def _children() -> Iterator[list[subprocess.Popen[bytes]]]:
    """Processes that are ended with their sessions when this ends, sooner if it is asked to."""
    children: list[subprocess.Popen[bytes]] = []
    grace = [GRACE_S]

    def asked(number: int, _: object) -> None:
        grace[0] = HURRY_S
        sys.exit(128 + number)

    signal.signal(signal.SIGTERM, asked)
    try:
        yield children
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        for number, seconds in ((signal.SIGTERM, grace[0]), (signal.SIGKILL, grace[0])):
            for one in children:
                _signal(one, number)
            end = time.monotonic() + seconds
            for one in children:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    one.wait(max(0.0, end - time.monotonic()))


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """To all of its session that are left; a number is in use as long as one of them is."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)
