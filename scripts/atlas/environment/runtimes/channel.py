"""The line between this process and the engine's in a container: see `inside` for what is said over it.

Descriptors are sent along, so that an engine prints into a pipe of ours and answers over sockets of ours: no
daemon stands between, and neither arguments nor variables are seen by anything that lists containers.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from atlas.environment.run import LOG_BYTES, drain
from atlas.environment.runtimes import inside
from atlas.environment.runtimes.lent import job_user

FOLDER = Path("/run/atlas")
"""Where a container has the folder of the socket, short enough for one."""
STEP_S = 0.2


class Channel:
    """A folder with the socket and the program that connects to it; gone when it is closed."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="atlas-run-"))
        try:
            shutil.copyfile(inside.__file__, self.folder / "inside.py")
            self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            # Through a descriptor, as the path may be too long for a socket.
            opened = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                self._listener.bind(f"/proc/self/fd/{opened}/s")
            finally:
                os.close(opened)
            self._listener.listen(1)
            (self.folder / "s").chmod(0o666)
            self.folder.chmod(0o755)
        except BaseException:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise
        self._connection: socket.socket | None = None
        self._pending = b""
        self._status: int | None = None
        self.failed: str | None = None
        self.ended = False
        """Whether the other side is gone."""
        self._tail = bytearray()
        self._reader: threading.Thread | None = None

    @staticmethod
    def command(python: str) -> tuple[str, ...]:
        """What the container has to run; without packages (-S), of which it needs none."""
        return (python, "-S", str(FOLDER / "inside.py"), str(FOLDER / "s"))

    def accept(self, alive: Callable[[], bool], patience_s: float) -> bool:
        """Wait for the container to connect; false where it ended, or did not in time."""
        end = time.monotonic() + patience_s
        while time.monotonic() < end:
            if select.select([self._listener], [], [], STEP_S)[0]:
                self._connection = self._listener.accept()[0]
                return True
            if not alive():
                return False
        return False

    def order(
        self, command: Sequence[str], env: Mapping[str, str], cwd: Path, descriptors: Sequence[int]
    ) -> None:
        """Have the command started there."""
        assert self._connection is not None
        message = {
            "command": list(command),
            "env": dict(env),
            "cwd": str(cwd),
            "descriptors": list(descriptors),
            "user": job_user(),
        }
        reading, writing = os.pipe()
        try:
            text = json.dumps(message).encode() + b"\n"
            sent = socket.send_fds(self._connection, [text], [writing, *descriptors])
            self._connection.sendall(text[sent:])
        finally:
            os.close(writing)
        stream = os.fdopen(reading, "rb")
        self._reader = threading.Thread(target=drain, args=(stream, self._tail), daemon=True)
        self._reader.start()

    def wait(self, timeout_s: float) -> int | None:
        """The command's exit status; None where there is none in time, or nobody there (`ended`)."""
        assert self._connection is not None
        end = time.monotonic() + timeout_s
        while self._status is None and not self.ended and self.failed is None:
            left = end - time.monotonic()
            if not select.select([self._connection], [], [], max(left, 0))[0]:
                return None
            try:
                block = self._connection.recv(4096)
            except OSError:
                block = b""
            self.ended = not block
            self._pending += block
            if self._pending.endswith(b"\n"):
                message = json.loads(self._pending)
                self._status, self.failed = message.get("status"), message.get("failed")
        return self._status

    def kill(self, process: int) -> None:
        if self._connection is not None and not self.ended:
            try:
                self._connection.sendall(json.dumps({"kill": process}).encode() + b"\n")
            except OSError:
                self.ended = True

    def log(self) -> str:
        return self._tail[-LOG_BYTES:].decode(errors="replace")

    def hang_up(self) -> None:
        """What is in the container ends itself at this."""
        self._listener.close()
        if self._connection is not None:
            self._connection.close()
            self.ended = True

    def close(self) -> None:
        self.hang_up()
        if self._reader is not None:
            self._reader.join(5)
        shutil.rmtree(self.folder, ignore_errors=True)
