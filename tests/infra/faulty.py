"""Between clients and real servers: a registry that fails as it is told, and an engine that is slow."""

from __future__ import annotations

import contextlib
import re
import socket
import socketserver
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar


class Faulty(BaseHTTPRequestHandler):
    """`plan` has pairs of a pattern and what to do; each is used up by one request, but for `always`."""

    upstream: ClassVar[str]
    plan: ClassVar[list[tuple[str, str]]]
    asked: ClassVar[Counter[str]]
    until: ClassVar[threading.Event | None]
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._serve()

    def do_HEAD(self) -> None:
        self._serve()

    def log_message(self, format: str, *args: object) -> None:
        del format, args

    def _serve(self) -> None:
        self.asked[self.path] += 1
        fault = self._fault()
        if fault.isdigit():
            self.send_response(int(fault))
            self.send_header("Content-Length", "0")
            if fault == "429":
                self.send_header("Retry-After", "1")
            self.end_headers()
            return
        if fault == "slow":
            time.sleep(5)
        headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
        request = urllib.request.Request(
            f"http://{self.upstream}{self.path}", headers=headers, method=self.command
        )
        try:
            answer = urllib.request.urlopen(request, timeout=30)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            body = answer.read()
            told = {name: value for name, value in answer.headers.items() if name.lower() != "connection"}
        if fault == "html":
            body = b"<html>Sign in to the network</html>"
            told = {"Content-Length": str(len(body)), "Content-Type": "text/html"}
        if fault == "other":
            body = body.replace(b'"size"', b'"size "', 1)
            told |= {"Content-Length": str(len(body))}
        self.send_response(answer.status or 200)
        for name, value in told.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        with contextlib.suppress(OSError):
            if fault == "truncated":
                self.wfile.write(body[: len(body) // 2])
                self.wfile.flush()
                self.connection.shutdown(socket.SHUT_RDWR)
                self.close_connection = True
            else:
                self.wfile.write(body)

    def _fault(self) -> str:
        if self.until is not None and self.until.is_set():
            return ""
        for place, (pattern, fault) in enumerate(self.plan):
            if re.search(pattern, self.path):
                if fault.startswith("always "):
                    return fault.removeprefix("always ")
                del self.plan[place]
                return fault
        return ""


class Quiet(ThreadingHTTPServer):
    """Says nothing of clients that went away, or that it cut short itself."""

    def handle_error(self, request: object, client_address: object) -> None:
        del request, client_address


@contextlib.contextmanager
def faulty(
    upstream: str,
    *plan: tuple[str, str],
    until: threading.Event | None = None,
    changing: list[tuple[str, str]] | None = None,
):
    """The proxy's host:port, and how often each path was asked for; it fails no more when `until` is set.

    `changing` is a plan that may be changed while it runs.
    """
    faults = list(plan) if changing is None else changing
    state = {"upstream": upstream, "plan": faults, "asked": Counter(), "until": until}
    handler = type("Handler", (Faulty,), state)
    with Quiet(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_address[1]}", handler.asked
        finally:
            server.shutdown()
            thread.join(5)


class SlowSocket(socketserver.StreamRequestHandler):
    """Passes all on; a request that has the pattern waits for so many seconds."""

    upstream: ClassVar[str]
    pattern: ClassVar[re.Pattern[bytes]]
    seconds: ClassVar[float]
    seen: ClassVar[list[str]]

    def handle(self) -> None:
        with socket.socket(socket.AF_UNIX) as server:
            server.connect(self.upstream)
            back = threading.Thread(target=self._pass, args=(server, self.connection), daemon=True)
            back.start()
            self._pass(self.connection, server, slowly=True)
            back.join(60)

    def _pass(self, source: socket.socket, target: socket.socket, *, slowly: bool = False) -> None:
        with contextlib.suppress(OSError):
            while block := source.recv(1 << 16):
                found = self.pattern.match(block) if slowly else None
                if found:
                    self.seen.append(found[0].decode())
                    time.sleep(self.seconds)
                target.sendall(block)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def slow_socket(upstream: Path, place: Path, pattern: str, seconds: float):
    """A Unix socket before another one; yields the requests that were slow."""
    words = re.compile(rb"(GET|POST) \S*(" + pattern.encode() + rb")\S*")
    state = {"upstream": str(upstream), "pattern": words, "seconds": seconds, "seen": []}
    handler = type("Handler", (SlowSocket,), state)
    with socketserver.ThreadingUnixStreamServer(str(place), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield handler.seen
        finally:
            server.shutdown()
            thread.join(5)
