"""What wheels, sdists and trees have in common: names that are safe, limits, and what was found."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from email.parser import HeaderParser
from typing import Any

from atlas.errors import IntegrityError

FORMAT_VERSION = 1
"""Of source.json."""
MAX_FILE = 64 * 1024 * 1024
MAX_TOTAL = 1024 * 1024 * 1024
MAX_ENTRIES = 500_000


class NotASource(Exception):
    """Nothing is wrong, but this place has no sources of the engine; the text says why."""


@dataclass(frozen=True)
class Origin:
    """The archive or tree that files were read from; no host or machine path in it."""

    kind: str
    name: str | None
    digest: str
    size: int
    evidence: str
    """`record`: each file has the sha256 in the wheel's RECORD; `archive`: the sdist has the sha256
    that the index promises; `tree`: the digest is that of the files themselves."""


@dataclass(frozen=True)
class Acquired:
    """The files of a source, all of them in the store."""

    origin: Origin
    files: dict[str, str]
    """sha256 by path, as installed: `package/module.py`."""
    metadata: dict[str, Any]
    cold_fetch: dict[str, int]
    skipped: list[dict[str, str]] = field(default_factory=list)


def check_name(name: str, archive: str) -> str:
    """The name of an archive's entry; IntegrityError for one that could leave its folder."""
    parts = name.rstrip("/").split("/")
    if (
        not name.strip("/")
        or name.startswith("/")
        or re.search(r"[\x00-\x1f\\]", name)
        or re.match(r"[A-Za-z]:", name)
        or any(part in ("", ".", "..") for part in parts)
    ):
        raise IntegrityError(f"an entry has the unsafe name {name!r}", where=archive)
    return name


def check_limits(path: str, size: int, total: int, archive: str) -> None:
    """Refuse what no engine's sources need: the archive is broken or hostile."""
    if size > MAX_FILE:
        raise IntegrityError(f"{path} would unpack to {size} bytes, more than {MAX_FILE}", where=archive)
    if total > MAX_TOTAL:
        raise IntegrityError(f"its sources would unpack to more than {MAX_TOTAL} bytes", where=archive)


def is_source(path: str, packages: Iterable[str]) -> bool:
    """Whether an installed path is Python text of one of the packages."""
    return path.endswith(".py") and any(
        path.startswith(root + "/") or path == root + ".py" for root in map(_folder, packages)
    )


def missing_packages(files: Iterable[str], packages: Iterable[str]) -> list[str]:
    held = list(files)
    return [package for package in packages if not any(is_source(path, [package]) for path in held)]


def require_sources(files: Iterable[str], packages: tuple[str, ...], kind: str) -> list[dict[str, str]]:
    """NotASource when no package has a file; else the `skipped` entries of packages that have none."""
    absent = missing_packages(files, packages)
    if len(absent) == len(packages):
        stub = ": a stub" if kind == "sdist" else ""
        raise NotASource(f"the {kind} holds no file of package {', '.join(packages)}{stub}")
    return [{"path": package, "reason": f"the {kind} holds no file of this package"} for package in absent]


def read_metadata(text: bytes) -> dict[str, Any]:
    """What an installer reads in METADATA or PKG-INFO."""
    headers = HeaderParser().parsestr(text.decode("utf-8", "replace"))
    return {
        "requires_python": headers.get("Requires-Python"),
        "requires_dist": [" ".join(value.split()) for value in headers.get_all("Requires-Dist", [])],
        "provides_extra": [value.strip() for value in headers.get_all("Provides-Extra", [])],
    }


def hex_digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _folder(package: str) -> str:
    return package.replace(".", "/")
