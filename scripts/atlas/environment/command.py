"""`atlas environment`: what the live lane runs in, and whether the engine can be imported there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from atlas.canonical import dump_json, write_atomic
from atlas.cost import recording
from atlas.engines.model import Cell
from atlas.environment.overlay import stripped
from atlas.environment.prepare import (
    environment_digest,
    platform_name,
    prepare,
    requirements_of,
)
from atlas.errors import RunError
from atlas.source.tree import SourceTree
from atlas.validation import schema

FORMAT_VERSION = 1


def build_environment(cell: Cell, source_json: Path, output: Path) -> None:
    """Build a cell's environment, import its landmarks there, and write what it is to `output`.

    A cell without an environment, or without sources to lay over one, is written as such. An
    environment that is not healthy raises, and what was written before stays.
    """
    with recording("environment", cell.engine, cell.version) as cost:
        cost.counted = False
        tree = SourceTree.load(source_json, cell)
        if cell.venv is None:
            document = _without(cell, "no_environment", "the engine's YAML names no environment")
        elif not tree.available:
            document = _without(cell, "no_sources", "there are no sources to lay over an environment")
        else:
            document = _healthy(cell, tree)
            cost.note = f"{len(document['requirements']['packages'])} packages by uv"
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


def _healthy(cell: Cell, tree: SourceTree) -> dict[str, Any]:
    assert cell.venv is not None and tree.origin is not None
    facts = prepare(cell, tree).ask({"landmarks": list(cell.landmarks)})
    overlay = cell.venv.overlay
    version = _checked(cell, facts)
    return {
        "format_version": FORMAT_VERSION,
        "engine": cell.engine,
        "version": cell.version,
        "runtime": "venv",
        "digest": environment_digest(cell, tree),
        "platform": platform_name(),
        "python": cell.venv.python,
        "requirements": requirements_of(cell),
        "overlay": {
            "origin": tree.origin["digest"],
            "files": len(tree.files()),
            "version_suffix": overlay.version_suffix,
            "stubs": sorted(overlay.stubs),
        },
        "env": dict(sorted(cell.venv.env.items())),
        "health": {"verdict": "ok", "version_reported": version, "landmarks": facts["landmarks"]},
        "limitations": _limitations(cell),
    }


def _checked(cell: Cell, facts: dict[str, Any]) -> str:
    """The version that the engine reports of itself; RunError where it is not healthy."""
    assert cell.venv is not None
    missing = {name: verdict for name, verdict in facts["landmarks"].items() if verdict != "ok"}
    if missing:
        named = "".join(f"\n  {name}: {verdict}" for name, verdict in missing.items())
        absent = any("ModuleNotFoundError" in verdict for verdict in missing.values())
        raise RunError(
            f"{len(missing)} of {len(facts['landmarks'])} landmarks cannot be imported{named}",
            where=f"{cell.engine} {cell.version}",
            hint=f"add the missing module to `dependencies` in engine_versions/{cell.engine}.yaml, and "
            f"run `atlas lock {Path(cell.venv.requirements).stem}`" if absent
            else "see whether the landmark still exists in this version",
        )  # fmt: skip
    reported = stripped(str(facts["version"]), cell.venv.overlay.version_suffix)
    if reported != cell.version:
        raise RunError(
            f"the engine reports version {facts['version']}, not {cell.version}",
            where=f"{cell.engine} {cell.version}",
            hint=f"is {cell.library_name} itself among the `dependencies`?",
        )
    return reported


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
