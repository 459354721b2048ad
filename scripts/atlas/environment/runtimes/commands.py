"""`atlas images`: names to digests, and the project's own images."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from atlas.canonical import dump_json, write_atomic
from atlas.engines.load import load_all
from atlas.engines.model import Cell
from atlas.environment.runtimes import build, registry
from atlas.environment.runtimes.images import LOCK, ImageSpec, load_image, read_lock, write_lock
from atlas.errors import AtlasError, InputError
from atlas.progress import say
from atlas.validation import nearest


@dataclass(frozen=True)
class Moved:
    """A name that stands for another image than the locked; `now` is None where that is unknown."""

    name: str
    locked: str
    now: str | None
    reason: str = ""


def image_cells(
    root: Path, engine: str | None = None, version: str | None = None
) -> Iterator[tuple[Cell, ImageSpec]]:
    """The cells that have an image, of all engines or one."""
    engines = load_all(root)[0]
    names = [one.name for one in engines]
    if engine is not None and engine not in names:
        raise InputError(f"no engine `{engine}`{nearest(engine, names)}", where="engine_versions/")
    for one in engines:
        for number in one.versions:
            spec = load_image(root, one.name, number)
            if spec and engine in (None, one.name) and version in (None, number):
                yield one.cell(number), spec


def run_resolve(root: Path, names: Iterable[str]) -> None:
    """Ask the registries what the names (all that YAMLs have, if none is given) stand for, and lock it."""
    wanted = list(dict.fromkeys(names))
    known = _names(root)
    for name in wanted:
        if name not in known:
            raise InputError(
                f"no `environments.image` names {name}{nearest(name, known)}", where="engine_versions/"
            )
    images = read_lock(root)
    found: dict[str, Any] = {name: entry for name, entry in images.items() if name in known}
    for name in wanted or known:
        entry = registry.resolve(name)
        before = images.get(name)
        if before is None:
            say(f"{name}: {entry['index']}")
        elif before["index"] != entry["index"]:
            say(f"{name}: moved from {before['index']} to {entry['index']}")
        found[name] = entry
    write_lock(root, found)
    say(f"{len(found)} names in {LOCK}")


def moved(root: Path) -> list[Moved]:
    """The locked names that stand for something else now, or of which that cannot be found out."""
    found = []
    for name, entry in read_lock(root).items():
        try:
            now = registry.resolve(name, sleep=lambda _: None)["index"]
        except AtlasError as error:
            found.append(Moved(name, entry["index"], None, error.what))
            continue
        if now != entry["index"]:
            found.append(Moved(name, entry["index"], now))
    return found


def run_build(root: Path, engine: str | None, version: str | None) -> list[dict[str, str]]:
    """Build the project's own images that are not there yet; returns which there are."""
    found = []
    for cell, spec in image_cells(root, engine, version):
        if spec.kind == "dockerfile":
            reference = build.built(cell, spec)
            facts = {"engine": cell.engine, "version": cell.version, "name": reference.name}
            found.append({**facts, "digest": reference.digest, "file": str(reference.file)})
            say(f"{cell.engine} {cell.version}: {reference.name} {reference.digest} in {reference.file}")
    return found


def write_record(cell: Cell, output: Path) -> None:
    """Build a cell's image, and write what it was built from."""
    spec = load_image(cell.root, cell.engine, cell.version)
    if spec is None or spec.kind != "dockerfile":
        raise InputError(
            f"{cell.engine} {cell.version} has no image of the project's own",
            where=f"engine_versions/{cell.engine}.yaml",
        )
    reference = build.built(cell, spec)
    document = {
        "format_version": 1,
        "engine": cell.engine,
        "version": cell.version,
        "reference": reference.name,
        "digest": reference.digest,
        "made_from": build.made_from(cell, spec),
    }
    write_atomic(output, dump_json(document))


def _names(root: Path) -> list[str]:
    return sorted({spec.resolved for _, spec in image_cells(root) if spec.resolved})
