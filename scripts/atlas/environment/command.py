"""`atlas environment`: what the live lane runs in, and whether the engine can be imported there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from atlas.canonical import dump_json, write_atomic
from atlas.cost import recording
from atlas.engines.model import Cell
from atlas.environment.health import FAILED, OK, Health, examine, explain, reasons, remedy
from atlas.environment.lane import container_lane
from atlas.environment.prepare import (
    environment_digest,
    platform_name,
    prepare,
    requirements_of,
)
from atlas.errors import RunError
from atlas.progress import say
from atlas.source.tree import SourceTree
from atlas.validation import schema

FORMAT_VERSION = 1


def build_environment(cell: Cell, source_json: Path, output: Path) -> None:
    """Build a cell's environment, import its landmarks there, and write what it is to `output`.

    A cell without an environment, or without sources to lay over one, is written as such; and so is
    an engine that cannot be imported. Raises, and what was written before stays, where the environment
    cannot be built, the machine fails, or a healthy environment was written before.
    """
    with recording("environment", cell.engine, cell.version) as cost:
        cost.counted = False
        tree = SourceTree.load(source_json, cell)
        if cell.venv is None:
            document = _without(cell, "no_environment", "the engine's YAML names no environment")
        elif not tree.available:
            document = _without(cell, "no_sources", "there are no sources to lay over an environment")
        else:
            document = _examined(cell, tree, output)
            packages = document.get("requirements", {}).get("packages")
            cost.note = f"{len(packages)} packages by uv" if packages is not None else "an image"
    errors = sorted(
        error.message for error in Draft202012Validator(schema("environment")).iter_errors(document)
    )
    if errors:
        raise AssertionError(f"environment.json is not in its own format: {errors}")
    write_atomic(output, dump_json(document))


def _without(cell: Cell, code: str, reason: str) -> dict[str, Any]:
    return {
        "format_version": FORMAT_VERSION,
        "engine": cell.engine,
        "version": cell.version,
        "runtime": None,
        "health": {"verdict": "none", "version_reported": None, "landmarks": {}},
        "limitations": [{"code": code, "subject": cell.engine, "reason": reason}],
    }


def _examined(cell: Cell, tree: SourceTree, output: Path) -> dict[str, Any]:
    assert cell.venv is not None and tree.origin is not None
    prepared = prepare(cell, tree)
    health = examine(cell, prepared)
    if health.verdict == FAILED:
        _tell(cell, health, output)
    overlay = cell.venv.overlay
    lane = container_lane(cell)
    return {
        "format_version": FORMAT_VERSION,
        "engine": cell.engine,
        "version": cell.version,
        "runtime": "image" if lane else "venv",
        "digest": environment_digest(cell, tree),
        "platform": platform_name(),
        "python": cell.venv.python,
        **({"image": lane.document()} if lane else {"requirements": requirements_of(cell)}),
        "overlay": {
            "origin": tree.origin["digest"],
            "files": len(tree.files()),
            "version_suffix": overlay.version_suffix,
            "stubs": sorted(overlay.stubs),
        },
        "env": dict(sorted(cell.venv.env.items())),
        "health": {
            "verdict": health.verdict,
            "version_reported": health.version,
            "landmarks": dict(health.landmarks),
        },
        "limitations": reasons(cell, health) if health.verdict == FAILED else _limitations(cell),
    }


def _tell(cell: Cell, health: Health, output: Path) -> None:
    """Say what is wrong; RunError where it would take the place of an environment that is healthy."""
    where, what = f"{cell.engine} {cell.version}", explain(health)
    advice = remedy(cell, next(iter(health.misses.values()), health.ended or ""))
    if _was_healthy(cell, output):
        raise RunError(
            what,
            where=where,
            hint=f"{advice}; the last good {output.name} stays. To publish static facts alone, remove it and "
            "the schema, and build again",
        )
    say(f"warning: {where}: {what}\nStatic facts alone will be published. To have live ones, {advice}.")


def _was_healthy(cell: Cell, output: Path) -> bool:
    """Whether the artefact that is there says so of this cell."""
    try:
        document = json.loads(output.read_text(encoding="utf-8"))
        said = (document["engine"], document["version"], document["health"]["verdict"])
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return said == (cell.engine, cell.version, OK)


def _limitations(cell: Cell) -> list[dict[str, str]]:
    """What in this environment is not as in production."""
    assert cell.venv is not None
    found = [
        {
            "code": "cpu_only",
            "subject": cell.engine,
            "reason": "no accelerator; no compiled code of the engine",
        }
    ]
    if cell.venv.overlay.version_suffix:
        suffix = cell.venv.overlay.version_suffix
        found.append(
            {
                "code": "version_suffix",
                "subject": cell.library_name,
                "reason": f"the engine is told that its version ends in {suffix}; the facts have it without",
            }
        )
    for stub in sorted(cell.venv.overlay.stubs):
        found.append(
            {"code": "stub", "subject": stub, "reason": "an empty module of this name is imported instead"}
        )
    for folder in sorted(cell.venv.overlay.folders):
        found.append({"code": "empty_folder", "subject": folder, "reason": "this folder is there, and empty"})
    return found
