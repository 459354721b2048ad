"""Connections to the engine's processes: JSON messages, one a line."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping, Sequence

from atlas.invariants.model import Config, Json


class Link:
    """A connection to one process. `suffix` is what the engine takes its version for, and what it is."""

    def __init__(self, connection: socket.socket, suffix: tuple[str, str], process: int = 0) -> None:
        self._connection = connection
        self._lines = connection.makefile("rb")
        self._suffix = suffix
        self._chunks = 0
        self.process = process

    def read(self, patience_s: float) -> Json:
        self._connection.settimeout(patience_s)
        line = self._lines.readline()
        if not line.endswith(b"\n"):
            raise EOFError("the process has ended")
        told, version = self._suffix
        text = line.decode()
        return json.loads(text.replace(told, version) if told else text)

    def ask(self, configs: Sequence[Config], patience_s: float) -> list[Json]:
        self._chunks += 1
        message = json.dumps({"chunk": self._chunks, "configs": [dict(config) for config in configs]})
        self._connection.settimeout(patience_s)
        self._connection.sendall(message.encode() + b"\n")
        found: dict[int, Json] = {}
        while len(found) < len(configs):
            try:
                answer = self.read(patience_s)
            except ValueError:
                continue  # The first half of an answer whose process died; another one follows.
            if answer["chunk"] == self._chunks:
                found.setdefault(answer["index"], answer)
        return [found[index] for index in range(len(configs))]

    def sub_link(self, message: Mapping[str, Json], patience_s: float) -> Link:
        """A connection to a new process that this one's forks."""
        ours, theirs = socket.socketpair()
        with theirs:
            text = json.dumps(message).encode() + b"\n"
            sent = socket.send_fds(self._connection, [text], [theirs.fileno()])
            self._connection.sendall(text[sent:])
        link = Link(ours, self._suffix)
        try:
            link.process = link.read(patience_s)["process"]
        except BaseException:
            link.close()
            raise
        return link

    def close(self) -> None:
        self._lines.close()
        self._connection.close()
