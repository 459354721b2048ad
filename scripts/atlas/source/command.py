"""`atlas source`: from a pin to source.json, which names every source file by its sha256."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from atlas.canonical import digest, dump_json, write_atomic
from atlas.cost import Cost, recording
from atlas.engines.model import Cell, SourceSpec
from atlas.index.releases import MissingRelease, Releases
from atlas.index.settings import load_settings
from atlas.index.web import Web
from atlas.progress import say
from atlas.source.archive import FORMAT_VERSION, Acquired, NotASource
from atlas.source.fetch import acquire_wheel
from atlas.source.localtree import acquire_tree
from atlas.source.sdist import acquire_sdist
from atlas.source.store import Store


def build_source(cell: Cell, output: Path, store: Store | None = None) -> None:
    """Find the cell's sources, store them, and write what they are to `output`.

    Where the places that were asked have none, that is the result (`unavailable`, with the reasons).
    Raises, and writes nothing, where a place cannot be read (exit 5), lies (6), or has no such release
    while no other source serves (4).
    """
    with recording("source", cell.engine, cell.version) as cost:
        acquired, attempts = acquire(cell, store or Store.default(), cost)
    write_atomic(output, dump_json(_document(cell, acquired, attempts)))
    if acquired is None:
        reasons = "; ".join(attempt["reason"] for attempt in attempts)
        say(f"source {cell.engine} {cell.version}: unavailable: {reasons}")


def acquire(cell: Cell, store: Store, cost: Cost) -> tuple[Acquired | None, list[dict[str, str]]]:
    """The first of the cell's sources that has its files, and why those before it did not."""
    attempts: list[dict[str, str]] = []
    missing: MissingRelease | None = None
    with Web(load_settings(), cost) as web:
        releases = Releases(web)
        for source in cell.sources:
            try:
                return _acquire(source, cell, releases, store), attempts
            except NotASource as error:
                attempts.append({"kind": source.kind, "reason": str(error)})
            except MissingRelease as error:
                missing = missing or error
                attempts.append({"kind": source.kind, "reason": f"no {_name(source, cell)} {cell.version}"})
    if missing is not None:
        raise missing
    return None, attempts


def _acquire(source: SourceSpec, cell: Cell, releases: Releases, store: Store) -> Acquired:
    if source.kind == "path":
        return acquire_tree(source.path or "", cell.root, cell.packages, store)
    file = releases.choose(_name(source, cell), cell.version, source.kind)
    if file is None:
        raise NotASource(f"the release has no {source.kind}")
    if file.yanked:
        say(f"warning: {file.filename} was yanked from the index: {file.yanked}")
    fetch = {"wheel": acquire_wheel, "sdist": acquire_sdist}[source.kind]
    return fetch(file, cell.packages, store, releases.web)


def _name(source: SourceSpec, cell: Cell) -> str:
    return source.name or cell.library_name


def _document(cell: Cell, acquired: Acquired | None, attempts: list[dict[str, str]]) -> dict[str, Any]:
    return {
        "format_version": FORMAT_VERSION,
        "engine": cell.engine,
        "version": cell.version,
        "status": "available" if acquired else "unavailable",
        "spec_digest": digest(cell.source_spec()),
        "origin": asdict(acquired.origin) if acquired else None,
        "cold_fetch": acquired.cold_fetch if acquired else None,
        "metadata": acquired.metadata if acquired else None,
        "attempts": attempts,
        "skipped": acquired.skipped if acquired else [],
        "files": acquired.files if acquired else {},
    }
