"""`atlas images apptainer`: what jobs need that Snakemake puts into engines' own images.

Each image as a file where `container:` of the rules says it is, and beside them the project's own packages
for the Python of each image, as an engine's image has none of them.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Collection
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from atlas.canonical import sha256_file
from atlas.environment.runtimes import build
from atlas.environment.runtimes.apptainer import Apptainer
from atlas.environment.runtimes.commands import image_cells
from atlas.environment.runtimes.lane import ImageLane
from atlas.environment.runtimes.model import Job
from atlas.environment.runtimes.protocol import run_job
from atlas.environment.runtimes.within import file_of
from atlas.environment.venv import waiting_lock
from atlas.errors import InputError, UnavailableError
from atlas.progress import say

LOCK = "envs/atlas.txt"
PACKAGES = "containers/packages"
PULLED = ".snakemake/singularity"
"""Where Snakemake keeps the images of registries, unless `--apptainer-prefix` says otherwise."""
PROJECT, PLANNING = "engine-atlas", ("snakemake",)
OLDEST = (3, 11)
START_S = 120.0
VERSION = "import sys; print('python', '%d.%d' % sys.version_info[:2])"


def make_ready(root: Path, engine: str | None, version: str | None) -> int:
    """Have all of it here for an engine, a version of it, or all; returns how many images there are."""
    by = Apptainer()
    reason = by.missing()
    if reason:
        raise UnavailableError(reason.partition("\nhint: ")[0], hint=reason.partition("\nhint: ")[2] or None)
    done: dict[str, str] = {}
    for cell, spec in image_cells(root, engine, version):
        lane = ImageLane(cell, spec, by)
        container = lane.container
        if container not in done:
            if spec.kind == "dockerfile":
                build.built(cell, spec)
            file = Path(by.prepare(lane.reference))
            _show(file, _place(root, container))
            done[container] = _python(by, file, spec.where)
            fetch_packages(root, done[container])
        say(f"{cell.pin()}: {container}, Python {done[container]}")
    return len(done)


def _place(root: Path, container: str) -> Path:
    return root / (f"{PULLED}/{file_of(container)}" if "://" in container else container)


def _show(file: Path, place: Path) -> None:
    """A link to the image; one that is in the checkout itself is there already."""
    if place.exists() and place.samefile(file):
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    part = place.with_name(f"{place.name}.{os.getpid()}.tmp")
    part.symlink_to(file)
    part.rename(place)


def _python(by: Apptainer, file: Path, where: str) -> str:
    """Which Python the image has on its path; InputError where atlas cannot be run by it."""
    outcome = run_job(by, str(file), Job(("python3", "-c", VERSION)), START_S)
    found = re.search(r"^python (\d+)\.(\d+)$", outcome.log, re.M)
    if found is None:
        raise InputError(
            f"the image has no python3 on its path: {' '.join(outcome.log.split())[-300:]}",
            where=where,
            hint="use `runtime: apptainer` without `--sdm apptainer`",
        )
    number = (int(found[1]), int(found[2]))
    if number < OLDEST:
        raise InputError(
            f"the image's Python is {found[1]}.{found[2]}, and atlas needs {OLDEST[0]}.{OLDEST[1]} or newer",
            where=where,
            hint="use `runtime: apptainer` without `--sdm apptainer`: there, atlas runs outside",
        )
    return f"{found[1]}.{found[2]}"


def pins_of(lock: str, names: Collection[str]) -> str:
    """The entries of a lock for these packages, with their hashes."""
    entries = re.split(r"^(?=[^\s#])", lock, flags=re.M)
    return "".join(
        entry for entry in entries if canonicalize_name(re.split("[=;@ ]", entry, maxsplit=1)[0]) in names
    )


def _needed() -> set[str]:
    """The project's packages, and theirs, but for those that plan jobs, and run none."""
    found: set[str] = set()
    todo = [PROJECT]
    while todo:
        name = todo.pop()
        if name in found or name in PLANNING:
            continue
        found.add(name)
        try:
            wanted = [Requirement(text) for text in metadata.requires(name) or ()]
        except metadata.PackageNotFoundError:  # for another platform than this
            continue
        todo += [
            canonicalize_name(one.name)
            for one in wanted
            if one.marker is None or "extra" not in str(one.marker)
        ]
    return found


def fetch_packages(root: Path, python: str) -> Path:
    """The packages of the project's lock for a Python; made anew where the lock is another."""
    folder = root / PACKAGES / python
    lock = root / LOCK
    marker, made_of = folder / ".made-of", sha256_file(lock)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with waiting_lock(folder.with_name(f"{python}.lock"), f"another job fetches packages for {python}"):
        if marker.is_file() and marker.read_text(encoding="utf-8") == made_of:
            return folder
        say(f"fetching the packages of {LOCK} for Python {python}")
        with tempfile.TemporaryDirectory(prefix=f"{python}.", dir=folder.parent) as name:
            making, pins = Path(name) / "packages", Path(name) / lock.name
            pins.write_text(pins_of(lock.read_text(encoding="utf-8"), _needed()), encoding="utf-8")
            build.fetch(pins, python, making)
            (making / ".made-of").write_text(made_of, encoding="utf-8")
            shutil.rmtree(folder, ignore_errors=True)
            making.rename(folder)
    return folder
