"""What an environment takes: measured where it is here, else as far as that is known without making it."""

from __future__ import annotations

import csv
import functools
import json
import platform
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from atlas.canonical import sha256_file
from atlas.engines.model import VenvSpec
from atlas.environment.lock import SIZE
from atlas.environment.runtimes.engine_api import EngineApi
from atlas.environment.runtimes.images import ImageSpec, locked
from atlas.environment.runtimes.lane import ImageLane
from atlas.environment.runtimes.said import heard
from atlas.errors import InputError, UnavailableError
from atlas.validation import check
from atlas.yamlfile import Document


@dataclass(frozen=True)
class Size:
    """Bytes to fetch, if nothing of it is here, and on disk; None where that is not known."""

    fetch: int | None = None
    disk: int | None = None


@functools.cache
def installed(folder: Path) -> Size:
    """An environment that is here: its packages' files, as their own lists state them.

    Files that uv shares with its cache (hard links) count once for each environment; bytecode does not.
    """
    total = 0
    for record in folder.glob("lib/python*/site-packages/*.dist-info/RECORD"):
        try:
            with record.open(newline="", encoding="utf-8") as lines:
                total += sum(int(row[2]) for row in csv.reader(lines) if len(row) > 2 and row[2])
        except (OSError, ValueError, csv.Error) as error:
            raise UnavailableError(f"not a list of files: {error}", where=str(record)) from error
    return Size(0, total)


def of_lock(root: Path, venv: VenvSpec) -> Size:
    """An environment that is not here, where its lock's size was made for what it would be here.

    InputError where the file cannot be used.
    """
    lock = root / venv.requirements
    file = lock.with_name(f"{lock.stem}{SIZE}")
    if not file.is_file() or not lock.is_file():
        return Size()
    found = _read(file, file.relative_to(root).as_posix())
    made_for = (found["lock"]["digest"], found["python"], found["platform"].partition("-")[0])
    if made_for != (sha256_file(lock), venv.python, platform.machine()) or sys.platform != "linux":
        return Size()
    return Size(found["fetch_bytes"], found["disk_bytes"])


def _read(file: Path, shown: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"cannot be read: {error}", where=shown, hint=f"run `snakemake {shown}`") from error
    check(Document(shown, found, {}), "size")
    return found


def of_image(found: ImageLane, *, present: bool) -> Size:
    """An image: what its file takes and what its runtime says, or else what there is to fetch.

    Of one that is to be built, on disk, at least: registries tell only what a base takes packed.
    """
    file = found.reference.file if found.reference.file and found.reference.file.is_file() else None
    if present or file:
        kept = file.stat().st_size if file else 0
        return Size(0, kept + (_in_runtime(found, file) if present else 0))
    packed = _packed(found.cell.root, found.spec)
    if found.spec.kind != "dockerfile" or found.cell.venv is None:
        return Size(packed)
    packages = of_lock(found.cell.root, found.cell.venv)
    return Size(_sum(packed, packages.fetch), _sum(packed, packages.disk))


def _in_runtime(found: ImageLane, file: Path | None) -> int:
    image = found.by.prepare(found.reference)  # it is there: only its name is asked for
    if isinstance(found.by, EngineApi):
        with heard(f"cannot look for {found.reference.name}", found.by.address):
            return int(found.by.client.images.get(image).attrs["Size"])
    own = Path(image)
    return own.stat().st_size if own != file and own.is_file() else 0


def _packed(root: Path, spec: ImageSpec) -> int | None:
    return locked(root, spec.resolved).bytes if spec.resolved else None


def _sum(first: int | None, second: int | None) -> int | None:
    return None if first is None or second is None else first + second


def told(size: Size, *, present: bool, at_least: bool) -> str:
    """In words; empty where nothing is known."""
    if present:
        return text(size.disk)
    fetch = "nothing to fetch" if size.fetch == 0 else f"{text(size.fetch)} to fetch" if size.fetch else ""
    disk = f"{'at least ' if at_least else ''}{text(size.disk)} on disk" if size.disk is not None else ""
    return ", ".join(filter(None, [fetch, disk]))


def text(number: int | None) -> str:
    if number is None:
        return ""
    return f"{number / (1 << 30):.1f} GiB" if number >= 1 << 30 else f"{number / (1 << 20):.0f} MiB"
