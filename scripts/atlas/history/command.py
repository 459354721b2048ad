"""`atlas history facts`: the static facts of one tracked version, in the compact form that is kept of it."""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from atlas.canonical import write_atomic
from atlas.cost import recording
from atlas.engines.model import Cell
from atlas.errors import UnavailableError
from atlas.history.facts import FORMAT, lines, packed
from atlas.schema.assemble import assemble
from atlas.schema.merge import merge_lanes
from atlas.schema.publish import Origin, document, require_parameters
from atlas.schema.static.lane import extract, parsers_of, roots_of
from atlas.schema.static.modules import SourceIndex
from atlas.source.command import acquire
from atlas.source.store import Store
from atlas.source.tree import SourceTree
from atlas.validation import check
from atlas.yamlfile import Document


def build_facts(cell: Cell, source_json: Path | None, output: Path) -> None:
    """Read the sources that `source_json` names, or those that the pin leads to, and write what they say."""
    with recording("history", cell.engine, cell.version) as cost:
        store = Store.default()
        if source_json is not None:
            tree = SourceTree.load(source_json, cell, store)
        else:
            acquired, attempts = acquire(cell, store, cost)
            origin = asdict(acquired.origin) if acquired else None
            files = acquired.files if acquired else {}
            tree = SourceTree(cell, origin, tuple(attempts), files, store, f"{cell.engine} {cell.version}")
        found = packed(static_schema(cell, tree))
        text = lines(found)
        check(Document(output.name, json.loads(text), {}), FORMAT)
        write_atomic(output, text)
        cost.note = f"{sum(map(len, found['parameters'].values()))} parameters"


def static_schema(cell: Cell, tree: SourceTree) -> dict[str, Any]:
    """The schema that the static lane alone makes.

    UnavailableError without sources; RunError where no surface of the engine is found in them: that would
    look as if every parameter had been removed.
    """
    if tree.origin is None:
        reasons = "; ".join(f"{attempt['kind']}: {attempt['reason']}" for attempt in tree.attempts)
        raise UnavailableError(
            f"source unavailable: {reasons or 'no source is named'}",
            where=tree.where,
            hint=f"remove the version from engine_versions/{cell.engine}.yaml, or give it a source",
        )
    index = SourceIndex({path: partial(tree.read, path) for path in tree.modules()})
    merged = merge_lanes(extract(index, roots_of(cell.surfaces), parsers_of(cell.cli)), None)
    origin = Origin(
        engine=cell.engine,
        version=cell.version,
        sources=({"kind": tree.origin["kind"], "ref": tree.origin["name"], "digest": tree.origin["digest"]},),
        environment=None,
        files={path: f"sha256:{sha256}" for path, sha256 in tree.sha256.items()},
    )
    found = document(origin, merged, assemble(merged, cell.surfaces))
    require_parameters(found, list(cell.surfaces), where=f"{cell.engine} {cell.version}")
    return found
