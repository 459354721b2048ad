"""A wheel's directory, RECORD and members: read where the bytes are, proven before they are used."""

from __future__ import annotations

import base64
import binascii
import csv
import hashlib
import io
import lzma
import re
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import IO

from packaging.utils import canonicalize_name

from atlas.errors import IntegrityError
from atlas.source.archive import MAX_ENTRIES, check_limits, check_name, is_source
from atlas.source.ranges import Span, coalesce

TAIL = 65536 + 22
"""The longest end-of-central-directory record with its comment."""
MAX_DIRECTORY = 128 * 1024 * 1024
LOCAL_HEADER = 30
SLACK = 2 * 65535 + 24
"""Local header: the extra field and what a name takes beyond its characters; and a data descriptor."""
DIST_INFO = ("METADATA", "RECORD", "WHEEL", "entry_points.txt", "top_level.txt")
STRONG = ("sha256", "sha384", "sha512")
UNREADABLE = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, OSError, EOFError, RuntimeError, NotImplementedError,
    ValueError, IndexError,
)  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """A member: `path` is where it gets installed, `span` holds all its bytes in the archive."""

    path: str
    span: Span
    size: int
    info: zipfile.ZipInfo


@dataclass(frozen=True)
class Wheel:
    """An opened wheel whose directory has been read and checked."""

    name: str
    size: int
    archive: zipfile.ZipFile
    entries: dict[str, Entry]
    """By installed path."""
    dist_info: str
    directory: int
    """Where the central directory starts."""

    def metadata(self) -> list[Entry]:
        names = [f"{self.dist_info}/{name}" for name in DIST_INFO]
        return [self.entries[name] for name in names if name in self.entries]

    def sources(self, packages: tuple[str, ...]) -> list[Entry]:
        return [entry for path, entry in sorted(self.entries.items()) if is_source(path, packages)]

    def read(self, entry: Entry) -> bytes:
        """A member's content, its CRC checked."""
        try:
            with self.archive.open(entry.info) as member:
                content = member.read(entry.size + 1)
        except UNREADABLE as error:
            raise IntegrityError(f"{entry.path} cannot be unpacked: {error}", where=self.name) from error
        if len(content) != entry.size:
            raise IntegrityError(f"{entry.path} has not the size its directory states", where=self.name)
        return content


def open_wheel(file: IO[bytes], name: str, size: int) -> Wheel:
    """Read the directory; ranges.Missing passes through where bytes are not here yet."""
    try:
        archive = zipfile.ZipFile(file)
    except UNREADABLE as error:
        raise IntegrityError(f"it is not a zip archive: {error}", where=name) from error
    infos = archive.infolist()
    if len(infos) > MAX_ENTRIES:
        raise IntegrityError(f"it has {len(infos)} entries, more than {MAX_ENTRIES}", where=name)
    spans = _spans(infos, archive.start_dir, name)
    entries: dict[str, Entry] = {}
    for info in infos:
        check_name(info.orig_filename, name)
        if info.is_dir():
            continue
        path = _installed(info.filename)
        if path in entries:
            raise IntegrityError(f"it has two entries {path}", where=name)
        entries[path] = Entry(path, spans[info.header_offset], info.file_size, info)
    return Wheel(name, size, archive, entries, _dist_info(entries, name), archive.start_dir)


def read_record(wheel: Wheel) -> dict[str, tuple[str, str]]:
    """Algorithm and hex digest of each member, by its name in the archive."""
    record = f"{wheel.dist_info}/RECORD"
    found: dict[str, tuple[str, str]] = {}
    try:
        rows = list(csv.reader(io.StringIO(wheel.read(wheel.entries[record]).decode("utf-8"))))
    except (UnicodeDecodeError, csv.Error) as error:
        raise IntegrityError(f"{record} cannot be parsed: {error}", where=wheel.name) from error
    for row in filter(None, rows):
        algorithm, _, encoded = (row[1] if len(row) > 1 else "").partition("=")
        if not encoded:
            continue
        try:
            value = base64.b64decode(encoded + "=" * (-len(encoded) % 4), b"-_", validate=True).hex()
        except (binascii.Error, ValueError) as error:
            raise IntegrityError(f"{record} has no digest for {row[0]}", where=wheel.name) from error
        if found.setdefault(row[0], (algorithm, value)) != (algorithm, value):
            raise IntegrityError(f"{record} has two digests for {row[0]}", where=wheel.name)
    return found


def check_complete(wheel: Wheel, record: dict[str, tuple[str, str]], packages: tuple[str, ...]) -> None:
    """Refuse a wheel that lacks a source file which its RECORD lists."""
    for path in map(_installed, record):
        if is_source(path, packages) and path not in wheel.entries:
            raise IntegrityError(f"RECORD lists {path}, which is not there", where=wheel.name)


def promised(wheel: Wheel, entry: Entry, record: dict[str, tuple[str, str]]) -> tuple[str, str]:
    """The strong digest that RECORD gives a member."""
    algorithm, value = record.get(entry.info.filename, ("", ""))
    if algorithm not in STRONG or len(value) != 2 * hashlib.new(algorithm).digest_size:
        raise IntegrityError(f"RECORD has no sha256 of {entry.path}", where=wheel.name)
    return algorithm, value


def verified(wheel: Wheel, entry: Entry, record: dict[str, tuple[str, str]]) -> bytes:
    """A member whose bytes are those that RECORD promises."""
    algorithm, value = promised(wheel, entry, record)
    content = wheel.read(entry)
    if hashlib.new(algorithm, content).hexdigest() != value:
        raise IntegrityError(
            f"{entry.path} has not the digest that RECORD promises",
            where=wheel.name,
            hint="the download or the release is corrupted: try again, or use another index",
        )
    return content


def tail_span(size: int) -> Span:
    return max(0, size - TAIL), size


def known_from(wheel: Wheel) -> int:
    """Start of the bytes that reading the directory has brought along."""
    return min(tail_span(wheel.size)[0], wheel.directory)


def plan(wheel: Wheel, entries: Iterable[Entry]) -> list[Span]:
    """The ranges to fetch for these entries once the directory is here."""
    edge = known_from(wheel)
    spans = ((entry.span[0], min(entry.span[1], edge)) for entry in entries)
    return coalesce(span for span in spans if span[0] < span[1])


def cold_fetch(wheel: Wheel, packages: tuple[str, ...]) -> dict[str, int]:
    """Bytes and requests that an empty cache costs over ranges; it follows from the directory alone."""
    tail = tail_span(wheel.size)
    spans = [tail, *([(wheel.directory, tail[0])] if wheel.directory < tail[0] else [])]
    spans += plan(wheel, wheel.metadata()) + plan(wheel, wheel.sources(packages))
    return {"bytes": sum(end - start for start, end in spans), "requests": len(spans)}


def check_total(wheel: Wheel, entries: Iterable[Entry]) -> None:
    total = 0
    for entry in entries:
        total += entry.size
        check_limits(entry.path, entry.size, total, wheel.name)


def _spans(infos: list[zipfile.ZipInfo], directory: int, name: str) -> dict[int, Span]:
    """The bytes of each member by its offset: up to the next one, but no more than it can have."""
    ordered = sorted(infos, key=lambda info: info.header_offset)
    ends = [info.header_offset for info in ordered[1:]] + [directory]
    spans = {}
    for info, end in zip(ordered, ends, strict=True):
        start = info.header_offset
        least = start + LOCAL_HEADER + len(info.orig_filename) + info.compress_size
        if start < 0 or least > end:
            raise IntegrityError(f"entry {info.filename} overlaps another", where=name)
        spans[start] = (start, min(end, least + SLACK))
    return spans


def _installed(name: str) -> str:
    """Where a member goes, from site-packages."""
    return re.sub(r"^[^/]+\.data/(purelib|platlib)/", "", name)


def _dist_info(entries: dict[str, Entry], name: str) -> str:
    """The one `.dist-info` folder, which must be that of the wheel's own project."""
    found = sorted({path.split("/")[0] for path in entries if re.match(r"[^/]+\.dist-info/", path)})
    project = canonicalize_name(name.split("-")[0])
    if len(found) != 1 or canonicalize_name(found[0].split("-")[0]) != project:
        raise IntegrityError(f"it should have one .dist-info folder of {project}, not {found}", where=name)
    for needed in ("RECORD", "METADATA"):
        if f"{found[0]}/{needed}" not in entries:
            raise IntegrityError(f"it has no {needed}", where=name)
    return found[0]
