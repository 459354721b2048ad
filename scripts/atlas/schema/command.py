"""`atlas schema`: both lanes of one engine version, merged into its two schema artefacts."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from atlas.cost import recording
from atlas.engines.model import Cell
from atlas.environment.health import failed
from atlas.errors import UnavailableError
from atlas.schema.assemble import Assembled, assemble
from atlas.schema.config_schema import config_schema
from atlas.schema.facts import LaneFacts, Limitation
from atlas.schema.live import live_facts
from atlas.schema.merge import Merged, merge_lanes
from atlas.schema.observed import unstated
from atlas.schema.publish import (
    Origin,
    document,
    require_nothing_lost,
    require_parameters,
    write_artefacts,
)
from atlas.schema.static.lane import extract, parsers_of, roots_of
from atlas.schema.static.modules import SourceIndex
from atlas.source.tree import SourceTree


def build_schema(
    cell: Cell, source_json: Path, environment_json: Path | None, output: Path, config_schema_output: Path
) -> None:
    """Read both lanes (the live one where there is an environment), and write both artefacts or neither."""
    with recording("schema", cell.engine, cell.version) as cost:
        tree = SourceTree.load(source_json, cell)
        if not tree.available:
            raise _unavailable(cell, tree, source_json)
        static = static_facts(cell, tree)
        live = live_facts(cell, source_json, environment_json, unstated(static))
        environment = _environment(environment_json)
        if environment is not None and failed(environment):
            require_nothing_lost(output, cell.engine, cell.version)
        origin, merged, assembled = combine(cell, tree, static, live, environment)
        found = document(origin, merged, assembled)
        require_parameters(found, list(cell.surfaces), where=f"{cell.engine} {cell.version}")
        config = config_schema(cell.engine, cell.version, merged, assembled)
        write_artefacts(output, found, config_schema_output, config)
        cost.note = f"{found['coverage']['n']} parameters, {found['status'].replace('_', ' ')}"


def static_facts(cell: Cell, tree: SourceTree) -> LaneFacts:
    """What the engine's sources say of its surfaces."""
    index = SourceIndex({path: partial(tree.read, path) for path in tree.modules()})
    return extract(index, roots_of(cell.surfaces), parsers_of(cell.cli))


def combine(
    cell: Cell, tree: SourceTree, static: LaneFacts, live: LaneFacts, environment: dict[str, Any] | None
) -> tuple[Origin, Merged, Assembled]:
    """Both lanes as one; a live lane that saw no class counts only by the reasons it gives."""
    ran = environment is not None and bool(live.classes)
    merged = merge_lanes(static, live if ran else None)
    told = [*live.limitations, *map(Limitation.from_json, (environment or {}).get("limitations", ()))]
    kept = [one for one in merged.limitations if one[0] == "static"]
    merged = replace(merged, limitations=[*kept, *(("live", one) for one in dict.fromkeys(told))])
    assert tree.origin is not None
    origin = Origin(
        engine=cell.engine,
        version=cell.version,
        sources=({"kind": tree.origin["kind"], "ref": tree.origin["name"], "digest": tree.origin["digest"]},),
        environment=_shown(environment) if ran else None,
        files={path: f"sha256:{sha256}" for path, sha256 in tree.sha256.items()},
    )
    return origin, merged, assemble(merged, cell.surfaces)


def _environment(environment_json: Path | None) -> dict[str, Any] | None:
    """environment.json, which the live lane has checked; None where nothing runs."""
    if environment_json is None:
        return None
    found: dict[str, Any] = json.loads(environment_json.read_text(encoding="utf-8"))
    return found if found["runtime"] is not None else None


def _shown(environment: dict[str, Any] | None) -> dict[str, Any] | None:
    if environment is None:
        return None
    return {
        "kind": environment["runtime"],
        "digest": environment["digest"],
        "platform": environment["platform"],
    }


def _unavailable(cell: Cell, tree: SourceTree, source_json: Path) -> UnavailableError:
    reasons = "; ".join(f"{attempt['kind']}: {attempt['reason']}" for attempt in tree.attempts)
    return UnavailableError(
        f"source unavailable: {reasons or 'no source is named'}",
        where=str(source_json),
        hint=f"give a source tree in engine_versions/{cell.engine}.yaml: "
        f"`sources: [{{kind: path, path: …}}]`, then run `atlas source` again",
    )
