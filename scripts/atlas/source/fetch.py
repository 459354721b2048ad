"""A wheel's sources into the store: by ranges, else whole, else from a local file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import closing
from typing import IO, Protocol, cast

from atlas.errors import IntegrityError, UnavailableError
from atlas.index.releases import ReleaseFile
from atlas.index.web import Web
from atlas.progress import meter, say
from atlas.source import wheel as wheels
from atlas.source.archive import Acquired, Origin, read_metadata, require_sources
from atlas.source.download import download, local_digest
from atlas.source.ranges import Missing, RangesRefused, Remote, Span, SparseFile
from atlas.source.store import Store
from atlas.source.wheel import Entry, Wheel

NOTES = "wheels"


class Bytes(Protocol):
    """Where a wheel's bytes come from."""

    def open(self, name: str) -> Wheel: ...

    def windows(self, spans: Iterable[Span], keep: bool) -> Iterator[Span]:
        """Each span while its bytes can be read; `keep`: also afterwards."""
        ...

    def read(self, span: Span) -> bytes: ...


class FileBytes:
    """A whole wheel on disk."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self.size = file.seek(0, 2)

    def open(self, name: str) -> Wheel:
        return wheels.open_wheel(self.file, name, self.size)

    def windows(self, spans: Iterable[Span], keep: bool) -> Iterator[Span]:  # noqa: ARG002
        yield from spans

    def read(self, span: Span) -> bytes:
        self.file.seek(span[0])
        return self.file.read(span[1] - span[0])


class RemoteBytes:
    """A wheel on a server, of which ranges are fetched; a note of an earlier run saves requests."""

    def __init__(self, web: Web, file: ReleaseFile, note: bytes | None) -> None:
        self.web = web
        self.url = file.url
        self.name = file.filename
        self._remote: Remote | None = None
        if note is None:
            self._remote = Remote(web, file.url, file.size)
            self.file = SparseFile(self._remote.size)
        else:
            self.file = _unpack_note(note)

    @property
    def remote(self) -> Remote:
        if self._remote is None:
            self._remote = Remote(self.web, self.url, self.file.size)
        return self._remote

    def open(self, name: str) -> Wheel:
        wanted: Span | None = None if self.file.chunks else wheels.tail_span(self.file.size)
        while True:
            if wanted is not None:
                if wanted[1] - wanted[0] > wheels.MAX_DIRECTORY:
                    raise IntegrityError("its directory is beyond reason", where=name)
                self.file.add(wanted[0], self.remote.fetch(wanted))
            try:
                return wheels.open_wheel(cast(IO[bytes], self.file), name, self.file.size)
            except Missing as missing:
                wanted = missing.span

    def windows(self, spans: Iterable[Span], keep: bool) -> Iterator[Span]:
        todo = [span for span in spans if not (keep and self._held(span))]
        total = sum(end - start for start, end in todo)
        advance, done = meter(f"fetching parts of {self.name}"), 0
        for span, content in self.remote.stream(todo) if todo else ():
            self.file.add(span[0], content)
            yield span
            if not keep:
                self.file.drop(span[0])
            done += len(content)
            advance(done, total)

    def read(self, span: Span) -> bytes:
        self.file.seek(span[0])
        return self.file.read(span[1] - span[0])

    def _held(self, span: Span) -> bool:
        return len(self.file.chunks.get(span[0], b"")) >= span[1] - span[0]


def acquire_wheel(file: ReleaseFile, packages: tuple[str, ...], store: Store, web: Web) -> Acquired:
    """All sources of a wheel, proven by its RECORD and stored.

    NotASource when it holds none of the packages; nothing is reported unless every file is proven.
    """
    if file.local is not None:
        sha256 = local_digest(file)
        try:
            with file.local.open("rb") as opened:
                return _harvest(FileBytes(opened), file, sha256, packages, store)
        except OSError as error:
            raise UnavailableError(f"{file.filename} cannot be read: {error.strerror}") from error
    with store.exclusive(file.sha256 or file.filename):
        if file.sha256 is not None:
            try:
                source = RemoteBytes(web, file, store.load_note(NOTES, file.sha256))
                return _harvest(source, file, file.sha256, packages, store)
            except RangesRefused as refused:
                say(f"fetching {file.filename} whole: the server does not serve byte ranges ({refused})")
        else:
            say(f"fetching {file.filename} whole: the index promises no sha256 for it")
        with closing(store.scratch()) as scratch:
            sha256 = download(web, file, scratch, store)
            return _harvest(FileBytes(scratch), file, sha256, packages, store)


def _harvest(
    source: Bytes, file: ReleaseFile, sha256: str, packages: tuple[str, ...], store: Store
) -> Acquired:
    wheel = source.open(file.filename)
    wheels.check_total(wheel, wheel.metadata())
    for _ in source.windows(wheels.plan(wheel, wheel.metadata()), keep=True):
        pass
    record = wheels.read_record(wheel)
    note = _pack_note(source, wheel)
    files, metadata = {}, {}
    for entry in wheel.metadata():
        itself = entry.path.endswith("/RECORD")
        content = wheel.read(entry) if itself else wheels.verified(wheel, entry, record)
        files[entry.path] = store.put(content)
        if entry.path.endswith("/METADATA"):
            metadata = read_metadata(content)
    wheels.check_complete(wheel, record, packages)
    sources = wheel.sources(packages)
    wheels.check_total(wheel, sources)
    skipped = require_sources([entry.path for entry in sources], packages, "wheel")
    files |= _collect(source, wheel, sources, record, store)
    store.save_note(NOTES, sha256, note)
    return Acquired(
        origin=Origin("wheel", file.filename, f"sha256:{sha256}", wheel.size, "record"),
        files=dict(sorted(files.items())),
        metadata=metadata,
        cold_fetch=wheels.cold_fetch(wheel, packages),
        skipped=skipped,
    )


def _collect(
    source: Bytes,
    wheel: Wheel,
    entries: list[Entry],
    record: dict[str, tuple[str, str]],
    store: Store,
) -> dict[str, str]:
    """sha256 by path; only what the store lacks is fetched."""
    files: dict[str, str] = {}
    needed = []
    for entry in entries:
        algorithm, value = wheels.promised(wheel, entry, record)
        if algorithm == "sha256" and store.get(value) is not None:
            files[entry.path] = value
        else:
            needed.append(entry)
    edge = wheels.known_from(wheel)
    waiting = [entry for entry in needed if entry.span[0] < edge]
    for entry in needed:
        if entry.span[0] >= edge:
            files[entry.path] = store.put(wheels.verified(wheel, entry, record))
    for start, end in source.windows(wheels.plan(wheel, waiting), keep=False):
        for entry in waiting:
            if start <= entry.span[0] < end:
                files[entry.path] = store.put(wheels.verified(wheel, entry, record))
    return files


def _pack_note(source: Bytes, wheel: Wheel) -> bytes:
    """The bytes that tell what is in a wheel: directory and metadata."""
    edge = wheels.known_from(wheel)
    spans = [(edge, wheel.size), *wheels.plan(wheel, wheel.metadata())]
    head = {"size": wheel.size, "spans": spans}
    return json.dumps(head).encode() + b"\n" + b"".join(source.read(span) for span in spans)


def _unpack_note(note: bytes) -> SparseFile:
    line, _, content = note.partition(b"\n")
    head = json.loads(line)
    file = SparseFile(head["size"])
    at = 0
    for start, end in head["spans"]:
        file.add(start, content[at : at + end - start])
        at += end - start
    return file
