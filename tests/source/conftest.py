"""A package index with good and bad days, served from this process, and toy releases for it."""

from __future__ import annotations

import base64
import hashlib
import html
import io
import json
import os
import socket
import struct
import tarfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
from jsonschema import Draft202012Validator

from atlas.engines.model import Cell, InvariantSpec, SourceSpec
from atlas.index import web
from atlas.source.command import build_source
from atlas.source.store import Store

SCHEMA = Path(__file__).parents[2] / "config/schemas/source.schema.json"
SETTINGS = ("UV_", "PIP_", "SSL_CERT", "REQUESTS_CA", "CURL_CA", "XDG_", "ATLAS_", "NETRC")


@pytest.fixture(autouse=True)
def clean_room(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache of its own, no settings of this machine (but for network tests), no pauses in retries."""
    monkeypatch.chdir(tmp_path)
    if request.node.get_closest_marker("network"):
        monkeypatch.setenv("ATLAS_CACHE", str(tmp_path / "cache"))
        return
    for name in list(os.environ):
        if name.startswith(SETTINGS) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("UV_NO_CONFIG", "1")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ATLAS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(web, "BACKOFF_S", 0)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Index

    def log_message(self, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        index = self.server
        wanted = self.headers.get("Range")
        index.requests.append((self.path, wanted, self.headers.get("Authorization")))
        if index.pause:
            time.sleep(index.pause)
        if index.failures.get(self.path):
            failure = index.failures[self.path].pop(0)
            if failure == "reset":
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.close()
                self.close_connection = True
            elif failure == "cut":
                self.answer(wanted, cut=True)
            else:
                self.reply(int(failure), b"no", {"Retry-After": "0"})
            return
        self.answer(wanted)

    def answer(self, wanted: str | None, cut: bool = False) -> None:
        index = self.server
        if self.path in index.redirects:
            self.reply(302, b"", {"Location": index.redirects[self.path]})
            return
        if self.path not in index.files:
            self.reply(404, b"no such page")
            return
        kind, body = index.files[self.path]
        headers = {"Content-Type": kind}
        if wanted is None or index.ranges == "ignore":
            self.reply(200, body, headers, cut)
            return
        first, _, last = wanted.removeprefix("bytes=").partition("-")
        start, end = int(first), min(int(last) + 1 if last else len(body), len(body))
        part = body[start:end]
        if index.ranges == "short":
            part = part[: max(1, len(part) // 2)]
        if index.ranges == "never":
            part = b""
        if index.ranges == "garbage":
            part = bytes(len(part))
        if index.ranges == "lie":
            start += 1
        headers["Content-Range"] = f"bytes {start}-{start + len(part) - 1}/{len(body)}"
        if index.ranges == "encoded":
            headers["Content-Encoding"] = "gzip"
        self.reply(206, part, headers, cut)

    def reply(self, code: int, body: bytes, headers: dict[str, str] | None = None, cut: bool = False) -> None:
        self.server.sent += len(body)
        self.send_response(code)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        part = body[: len(body) // 2] if cut else body
        step = 50_000 if self.server.drip else len(part) or 1
        try:
            for at in range(0, len(part), step):
                time.sleep(self.server.drip)
                self.wfile.write(part[at : at + step])
        except ConnectionError:
            self.close_connection = True
        if cut:
            self.close_connection = True


class Index(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, tuple[str, bytes]] = {}
        self.redirects: dict[str, str] = {}
        self.failures: dict[str, list[str | int]] = {}
        self.requests: list[tuple[str, str | None, str | None]] = []
        self.ranges = "honour"
        self.pause = 0.0
        self.drip = 0.0
        self.sent = 0
        self.pages: dict[str, list[dict[str, Any]]] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def offer(self, project: str, filename: str, content: bytes, **fields: Any) -> str:
        """Put a release file on the project's page (PEP 691); the path it is served at."""
        path = f"/files/{filename}"
        self.files[path] = ("application/octet-stream", content)
        entry = {
            "filename": filename,
            "url": f"../../files/{filename}",
            "hashes": {"sha256": hashlib.sha256(content).hexdigest()},
            "size": len(content),
            "requires-python": None,
            "yanked": False,
        } | fields
        self.pages.setdefault(project, []).append(entry)
        page = {"meta": {"api-version": "1.1"}, "name": project, "versions": [], "files": self.pages[project]}
        kind = "application/vnd.pypi.simple.v1+json"
        self.files[f"/simple/{project}/"] = (kind, json.dumps(page).encode())
        return path

    def offer_html(self, project: str, filename: str, content: bytes, hashed: bool = True) -> str:
        """The same as a PEP 503 page, which has no sizes."""
        path = self.offer(project, filename, content)
        links = [
            f'<a href="../../files/{html.escape(entry["filename"])}'
            + (f"#sha256={entry['hashes']['sha256']}" if hashed else "")
            + f'">{html.escape(entry["filename"])}</a>'
            for entry in self.pages[project]
        ]
        text = "<!DOCTYPE html><html><body>" + "\n".join(links) + "</body></html>"
        self.files[f"/simple/{project}/"] = ("text/html", text.encode())
        return path

    def fetched(self, path: str) -> list[str | None]:
        """The ranges asked of a file."""
        return [wanted for asked, wanted, _ in self.requests if asked == path]


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch) -> Iterator[Index]:
    server = Index()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    monkeypatch.setenv("UV_DEFAULT_INDEX", f"{server.url}/simple")
    yield server
    server.shutdown()
    server.server_close()


def record_line(name: str, content: bytes) -> str:
    encoded = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    return f"{name},sha256={encoded},{len(content)}\n"


def wheel(
    files: dict[str, bytes],
    project: str = "toy",
    version: str = "1.0",
    record: str | None = None,
    compression: int = zipfile.ZIP_DEFLATED,
    force_zip64: bool = False,
    padding: int = 0,
) -> bytes:
    """A wheel with these files; `padding` incompressible bytes of ballast lie between two of them."""
    info = f"{project}-{version}.dist-info"
    members = {
        **files,
        f"{info}/METADATA": (
            f"Metadata-Version: 2.4\nName: {project}\nVersion: {version}\nRequires-Python: >=3.11\n"
            "Requires-Dist: numpy>=2; extra == 'math'\nProvides-Extra: math\n\nText.\n"
        ).encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nTag: py3-none-any\n",
    }
    listed = "".join(record_line(name, content) for name, content in members.items())
    members[f"{info}/RECORD"] = (listed + f"{info}/RECORD,,\n" if record is None else record).encode()
    return zipped(members, compression, force_zip64, padding)


def zipped(
    members: dict[str, bytes],
    compression: int = zipfile.ZIP_DEFLATED,
    force_zip64: bool = False,
    padding: int = 0,
) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        for number, (name, content) in enumerate(members.items()):
            if padding and number == 1:
                ballast = hashlib.shake_128(b"ballast").digest(padding)
                archive.writestr(zipfile.ZipInfo("ballast.bin"), ballast)
            entry = zipfile.ZipInfo(name)
            entry.compress_type = compression
            with archive.open(entry, "w", force_zip64=force_zip64) as member:
                member.write(content)
    return out.getvalue()


def sdist(files: dict[str, bytes], top: str = "toy-1.0", mode: str = "w:gz") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:  # type: ignore[call-overload]
        for name, content in files.items():
            entry = tarfile.TarInfo(f"{top}/{name}" if top else name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return out.getvalue()


def cell(
    version: str = "1.0",
    packages: tuple[str, ...] = ("toy",),
    sources: tuple[SourceSpec, ...] = (SourceSpec("wheel"), SourceSpec("sdist")),
    root: Path = Path(),
) -> Cell:
    return Cell(
        engine="toy",
        version=version,
        library_name="toy",
        source_url=None,
        packages=packages,
        sources=sources,
        venv=None,
        surfaces={},
        cli=(),
        fixtures={},
        resolve=(),
        landmarks=(),
        invariants=InvariantSpec(),
        root=root,
    )


@pytest.fixture
def toy() -> Any:
    """The builders of toy releases, for test modules (which cannot import a conftest)."""

    class Toy:
        FILES: ClassVar = {
            "toy/__init__.py": b"from toy.config import Config\n",
            "toy/config.py": b"class Config:\n    size: int = 1\n" * 50,
            "toy/kernel.so": hashlib.shake_128(b"so").digest(300_000),
            "toy/deep/er.py": b"x = 1\n",
            "other/module.py": b"y = 2\n",
        }
        wheel = staticmethod(wheel)
        zipped = staticmethod(zipped)
        sdist = staticmethod(sdist)
        cell = staticmethod(cell)
        record_line = staticmethod(record_line)

    return Toy


@pytest.fixture
def build(tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Run the stage and read its source.json, which must follow its schema."""

    def run(pinned: Cell | None = None, store: Store | None = None) -> dict[str, Any]:
        output = tmp_path / "results/source.json"
        output.unlink(missing_ok=True)
        try:
            build_source(pinned or cell(), output, store)
        except BaseException:
            assert not output.exists()
            raise
        value: dict[str, Any] = json.loads(output.read_text())
        errors = Draft202012Validator(json.loads(SCHEMA.read_text())).iter_errors(value)
        assert not [error.message for error in errors]
        return value

    return run
