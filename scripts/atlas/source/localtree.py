"""A folder of sources on this machine: a checkout, work in progress, or a copy for a closed network."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

from atlas.canonical import digest, sha256_bytes
from atlas.errors import InputError
from atlas.source.archive import Acquired, NotASource, Origin, check_limits, is_source, require_sources
from atlas.source.sdist import ROOTS
from atlas.source.store import Store


def acquire_tree(written: str, root: Path, packages: tuple[str, ...], store: Store) -> Acquired:
    """All sources under a folder, given absolute, relative to the project, or by `${VARIABLE}`.

    The digest is that of the files' names and contents, so it is the same wherever the folder is.
    """
    return _read_tree(written, root, packages, store.put)


def tree_digest(written: str, root: Path, packages: tuple[str, ...]) -> str | None:
    """The digest that `acquire_tree` would give, nothing being stored; None without such a folder."""
    try:
        return _read_tree(written, root, packages, lambda content: sha256_bytes(content)[7:]).origin.digest
    except NotASource:
        return None


def _read_tree(written: str, root: Path, packages: tuple[str, ...], put: Callable[[bytes], str]) -> Acquired:
    folder = _folder(written, root)
    files: dict[str, str] = {}
    skipped: list[dict[str, str]] = []
    total = 0
    for package in packages:
        for base in ROOTS:
            paths = [path for path in _walk(folder / base) if is_source(path, [package])]
            for path in paths:
                file = folder / base / path
                if not file.resolve().is_relative_to(folder.resolve()) or not file.is_file():
                    skipped.append({"path": path, "reason": "a link out of the folder, not read"})
                    continue
                content = _read(file, path)
                total += len(content)
                check_limits(path, len(content), total, written)
                files[path] = put(content)
            if paths:
                break
    skipped += require_sources(files, packages, "folder")
    return Acquired(
        origin=Origin("path", None, digest(files), total, "tree"),
        files=dict(sorted(files.items())),
        metadata={"requires_python": None, "requires_dist": [], "provides_extra": []},
        cold_fetch={"bytes": 0, "requests": 0},
        skipped=sorted(skipped, key=lambda entry: entry["path"]),
    )


def _folder(written: str, root: Path) -> Path:
    absent = [name for name in re.findall(r"\$\{(\w+)\}", written) if not os.environ.get(name)]
    if absent:
        raise NotASource(f"the environment variable {absent[0]} is not set")
    expanded = re.sub(r"\$\{(\w+)\}", lambda match: os.environ[match[1]], written)
    folder = root / Path(expanded).expanduser()
    if not folder.is_dir():
        raise NotASource(f"there is no folder {written}")
    return folder


def _walk(folder: Path) -> list[str]:
    """Files below a folder, as relative POSIX paths; links to folders are not followed."""
    found = []
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name != "__pycache__" and not name.startswith(".")]
        found += [(Path(parent) / name).relative_to(folder).as_posix() for name in names]
    return sorted(found)


def _read(file: Path, path: str) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=path) from error
