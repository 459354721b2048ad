"""An sdist's sources into the store; the whole archive is needed, and proven by the index's sha256.

Nothing is extracted: regular files are read and stored by their digest, links and devices are not read.
"""

from __future__ import annotations

import json
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict
from typing import IO

from atlas.canonical import compact, digest
from atlas.errors import IntegrityError, UnavailableError
from atlas.index.releases import ReleaseFile
from atlas.index.web import Web
from atlas.source.archive import (
    MAX_ENTRIES,
    Acquired,
    Origin,
    check_limits,
    check_name,
    hex_digest,
    is_source,
    read_metadata,
    require_sources,
)
from atlas.source.download import download, local_digest
from atlas.source.store import Store

NOTES = "sdists"
ROOTS = ("", "src/", "python/")
"""Where a project's packages are, from its top folder."""
MAX_UNPACKED = 16 * 1024**3
UNREADABLE = (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, ValueError)

Member = tuple[str, int, Callable[[], bytes] | str]
"""Name in the archive, size, and how to read it, or why it is not read."""


def acquire_sdist(file: ReleaseFile, packages: tuple[str, ...], store: Store, web: Web) -> Acquired:
    """All sources of an sdist; NotASource when it holds none of the packages."""
    if file.local is not None:
        sha256 = local_digest(file)
        try:
            with file.local.open("rb") as opened:
                return _unpack(opened, file, sha256, packages, store)
        except OSError as error:
            raise UnavailableError(f"{file.filename} cannot be read: {error.strerror}") from error
    with store.exclusive(file.sha256 or file.filename):
        if file.sha256 is not None and (noted := _noted(store, file.sha256, packages)):
            return noted
        with closing(store.scratch()) as scratch:
            sha256 = download(web, file, scratch, store)
            acquired = _unpack(scratch, file, sha256, packages, store)
        store.save_note(NOTES, _key(sha256, packages), compact(asdict(acquired)))
        return acquired


def _unpack(
    opened: IO[bytes], file: ReleaseFile, sha256: str, packages: tuple[str, ...], store: Store
) -> Acquired:
    size = opened.seek(0, 2)
    opened.seek(0)
    try:
        found, skipped, information = _read(opened, file.filename, packages, store)
    except UNREADABLE as error:
        raise IntegrityError(f"it cannot be unpacked: {error}", where=file.filename) from error
    skipped += require_sources(found, packages, "sdist")
    return Acquired(
        origin=Origin("sdist", file.filename, f"sha256:{sha256}", size, "archive"),
        files=dict(sorted(found.items())),
        metadata=read_metadata(information),
        cold_fetch={"bytes": size, "requests": 1},
        skipped=sorted(skipped, key=lambda entry: entry["path"]),
    )


def _read(
    opened: IO[bytes], name: str, packages: tuple[str, ...], store: Store
) -> tuple[dict[str, str], list[dict[str, str]], bytes]:
    """Sources as installed, what was left out, and PKG-INFO."""
    found: dict[tuple[str, str], str] = {}
    skipped: list[dict[str, str]] = []
    information, total, read_bytes, count = b"", 0, 0, 0
    for member, size, read in _zip(opened) if name.endswith(".zip") else _tar(opened):
        count += 1
        total += max(size, 0)
        if count > MAX_ENTRIES or total > MAX_UNPACKED:
            raise IntegrityError("it unpacks to more than an sdist can hold", where=name)
        _, _, path = check_name(member, name).partition("/")
        root = next((r for r in ROOTS if path.startswith(r) and is_source(path[len(r) :], packages)), None)
        if root is None and path != "PKG-INFO":
            continue
        if isinstance(read, str):
            skipped.append({"path": path, "reason": read})
            continue
        read_bytes += size
        check_limits(path, size, read_bytes, name)
        content = read()
        if root is None:
            information = content
        elif found.setdefault((root, path[len(root) :]), store.put(content)) != hex_digest(content):
            raise IntegrityError(f"it has two entries {path}", where=name)
    return _first_roots(found, packages), skipped, information


def _first_roots(found: dict[tuple[str, str], str], packages: tuple[str, ...]) -> dict[str, str]:
    """Each package from the first of ROOTS that has it."""
    files: dict[str, str] = {}
    for package in packages:
        for root in ROOTS:
            here = {p: sha for (r, p), sha in found.items() if r == root and is_source(p, [package])}
            if here:
                files |= here
                break
    return files


def _tar(opened: IO[bytes]) -> Iterator[Member]:
    with tarfile.open(fileobj=opened, mode="r|*") as archive:
        for info in archive:
            if info.isdir():
                continue
            if not info.isreg():
                yield info.name, 0, "a link or special file, not read"
                continue
            yield info.name, info.size, _tar_reader(archive, info)


def _tar_reader(archive: tarfile.TarFile, info: tarfile.TarInfo) -> Callable[[], bytes]:
    def read() -> bytes:
        member = archive.extractfile(info)
        content = member.read() if member else b""
        if len(content) != info.size:
            raise EOFError(f"{info.name} is cut short")
        return content

    return read


def _zip(opened: IO[bytes]) -> Iterator[Member]:
    with zipfile.ZipFile(opened) as archive:
        for info in archive.infolist():
            if not info.is_dir():
                yield info.orig_filename, info.file_size, _zip_reader(archive, info)


def _zip_reader(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Callable[[], bytes]:
    def read() -> bytes:
        with archive.open(info) as member:
            content = member.read(info.file_size + 1)
        if len(content) != info.file_size:
            raise EOFError(f"{info.filename} has not the size its directory states")
        return content

    return read


def _noted(store: Store, sha256: str, packages: tuple[str, ...]) -> Acquired | None:
    """What an earlier run found, when the store still has all of it."""
    note = store.load_note(NOTES, _key(sha256, packages))
    if note is None:
        return None
    fields = json.loads(note)
    acquired = Acquired(**{**fields, "origin": Origin(**fields["origin"])})
    complete = all(store.get(value) is not None for value in acquired.files.values())
    return acquired if complete else None


def _key(sha256: str, packages: tuple[str, ...]) -> str:
    return digest([sha256, list(packages)]).removeprefix("sha256:")
