"""A virtual environment per lock, built once, complete or absent."""

from __future__ import annotations

import csv
import json
import platform
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from atlas.canonical import digest, dump_json, sha256_bytes, write_atomic
from atlas.environment.uv import places_of, run_uv
from atlas.errors import InputError
from atlas.paths import cache_dir
from atlas.progress import say

# Raised when environments must be built differently from the same lock.
RECIPE = 1
MARKER = "atlas.json"


def venv_key(lock: bytes, python: str) -> str:
    """What an environment is made of: the lock, Python, the machine's kind and the recipe."""
    parts = [sha256_bytes(lock), python, sys.platform, platform.machine(), RECIPE]
    return digest(parts)[7:23]


def prepare_venv(lock: Path, python: str) -> Path:
    """The folder of a lock's environment, built if need be.

    It is built beside its place and renamed when complete. Jobs that want the same one wait for one
    build; what a killed build left is removed by the next.
    """
    try:
        content = lock.read_bytes()
    except FileNotFoundError:
        raise InputError(
            "there is no such lock", where=str(lock), hint=f"run `atlas lock {lock.stem}`"
        ) from None
    key = venv_key(content, python)
    folder = cache_dir() / "venvs" / key
    if is_complete(folder):
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with waiting_lock(folder.with_name(f"{key}.lock"), f"another job builds the environment of {lock.name}"):
        if not is_complete(folder):
            _build(folder, lock, content, python)
    return folder


def python_of(folder: Path) -> Path:
    return folder / "bin" / "python"


def is_complete(folder: Path) -> bool:
    """Whether an environment was finished, and still has its interpreter and all its packages."""
    try:
        marker = json.loads((folder / MARKER).read_text(encoding="utf-8"))
        return python_of(folder).exists() and _installed(folder) == marker["installed"]
    except (OSError, ValueError, KeyError, TypeError):
        return False


def set_aside(folder: Path) -> int:
    """How many files of its packages an environment has lost; if any, it will be built anew."""
    lost = 0
    for record in folder.glob("lib/python*/site-packages/*.dist-info/RECORD"):
        site = record.parents[1]
        with record.open(newline="", encoding="utf-8") as lines:
            for path, _, size in csv.reader(lines):
                file = site / path
                lost += not file.is_file() or (size != "" and file.stat().st_size != int(size))
    if lost:
        (folder / MARKER).unlink(missing_ok=True)
    return lost


def _installed(folder: Path) -> list[str]:
    return sorted(found.name for found in folder.glob("lib/python*/site-packages/*.dist-info"))


@contextmanager
def waiting_lock(path: Path, reason: str) -> Iterator[None]:
    """Hold a file lock; say so once when another job has to be waited for."""
    held = FileLock(path)
    try:
        held.acquire(timeout=0)
    except Timeout:
        say(f"{reason}: waiting for it")
        held.acquire()
    try:
        yield
    finally:
        held.release()


def _build(folder: Path, lock: Path, content: bytes, python: str) -> None:
    say(f"building the environment of {lock.name} (Python {python})")
    for left in [*folder.parent.glob(f"{folder.name}.*.tmp"), folder]:
        shutil.rmtree(left, ignore_errors=True)
    building = folder.with_name(f"{folder.name}.new.tmp")
    try:
        # Relocatable, because it is renamed when it is complete.
        run_uv(
            ["venv", "--quiet", "--relocatable", "--no-project", "--python", python, building],
            places=places_of(""),
            failed=f"no virtual environment with Python {python}",
        )
        # Bytecode is made for what is imported, at the first import: a tenth of all that is installed.
        run_uv(
            [
                "pip",
                "sync",
                "--require-hashes",
                "--only-binary",
                ":all:",
                "--python",
                python_of(building),
                lock,
            ],
            places=places_of(content.decode()),
            failed=f"the packages of {lock.name} cannot be installed",
        )
        marker = {"recipe": RECIPE, "lock": sha256_bytes(content), "python": python}
        write_atomic(building / MARKER, dump_json({**marker, "installed": _installed(building)}))
        building.rename(folder)
    except BaseException:
        shutil.rmtree(building, ignore_errors=True)
        raise
