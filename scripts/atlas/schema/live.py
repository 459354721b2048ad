"""The live lane: facts from the engine itself, imported in its environment by the probe."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from atlas.engines.model import Cell, ResolveSpec
from atlas.environment.health import failed
from atlas.environment.prepare import environment_digest, platform_name, prepare
from atlas.errors import InputError
from atlas.schema.facts import LaneFacts, Limitation
from atlas.source.tree import SourceTree


def live_facts(
    cell: Cell,
    source_json: Path,
    environment_json: Path | None,
    unstated: Sequence[tuple[str, str]] = (),
) -> LaneFacts:
    """What the running engine says of its surfaces; no classes, and why, where nothing can be run.

    `unstated` are (class, parameter) pairs whose type is to be observed.
    """
    document = _read(environment_json, cell) if environment_json else {"runtime": None, "limitations": []}
    if document["runtime"] is None or cell.venv is None:
        reasons = document["limitations"] or [
            {"code": "no_environment", "subject": cell.engine, "reason": "the engine has no environment"}
        ]
        return LaneFacts("live", {}, limitations=tuple(map(Limitation.from_json, reasons)))
    tree = SourceTree.load(source_json, cell)
    _require_same(document, cell, tree, str(environment_json))
    if failed(document):
        return LaneFacts("live", {}, limitations=tuple(map(Limitation.from_json, document["limitations"])))
    facts = prepare(cell, tree).ask(request_of(cell, unstated), dict(cell.fixtures))
    suffix = cell.venv.overlay.version_suffix
    return LaneFacts.from_json(_without_suffix({**facts, "lane": "live"}, cell.version, suffix))


def request_of(cell: Cell, unstated: Sequence[tuple[str, str]] = ()) -> dict[str, Any]:
    """The probe's request for all that a cell's YAML names, and the types to be observed."""
    return {
        "landmarks": list(cell.landmarks),
        "surfaces": {
            group: [{surface.kind: surface.target, "nested": surface.nested} for surface in surfaces]
            for group, surfaces in cell.surfaces.items()
        },
        "cli": [{"class": spec.cls, "method": spec.method, "parser": spec.parser} for spec in cell.cli],
        "resolve": [_resolve(spec) for spec in cell.resolve],
        "observe": [list(one) for one in unstated],
    }


def _resolve(spec: ResolveSpec) -> dict[str, Any]:
    value = asdict(spec)
    return {"class": value.pop("cls"), **value}


def _read(path: Path, cell: Cell) -> dict[str, Any]:
    """An environment.json of this very cell."""
    rebuild = "run `atlas environment` for this version again"
    try:
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if (document["engine"], document["version"]) != (cell.engine, cell.version):
            raise InputError(
                f"it is about {document['engine']} {document['version']}, not {cell.engine} {cell.version}",
                where=str(path),
            )
        return {"runtime": document["runtime"], "digest": document.get("digest"), **document}
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=str(path), hint=rebuild) from error
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"not an environment.json: {error}", where=str(path), hint=rebuild) from error


def _require_same(document: dict[str, Any], cell: Cell, tree: SourceTree, where: str) -> None:
    """The facts must come from the environment that was found healthy."""
    if document["digest"] == environment_digest(cell, tree):
        return
    if document.get("platform") != platform_name():
        raise InputError(
            f"it was built for {document.get('platform')}, and this is {platform_name()}",
            where=where,
            hint="run `atlas environment` for this version again, or build on that platform",
        )
    raise InputError(
        "lock, sources or settings have changed since it was built",
        where=where,
        hint="run `atlas environment` for this version again",
    )


def _without_suffix(facts: dict[str, Any], version: str, suffix: str) -> dict[str, Any]:
    """Facts in which the version is the pin, wherever the engine repeats what it was told."""
    if not suffix:
        return facts
    text = json.dumps(facts)
    told = json.dumps(version + suffix)[1:-1]
    cleaned: dict[str, Any] = json.loads(text.replace(told, json.dumps(version)[1:-1]))
    return cleaned
