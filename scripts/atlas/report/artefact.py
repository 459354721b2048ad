"""Reading committed artefacts, and the groups of parameters in them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from atlas.errors import InputError


def read_artefact(path: Path) -> dict[str, Any]:
    """One artefact of a cell; InputError naming the file when it is not one."""
    try:
        artefact = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(
            f"cannot be read: {error}", where=str(path), hint="build it again, or restore it from git"
        ) from error
    if not isinstance(artefact, dict) or not all(
        isinstance(artefact.get(key), str) for key in ("engine", "version")
    ):
        raise InputError("is no artefact of an engine version", where=str(path))
    return artefact


def groups(schema: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """The groups of parameters of schema.discovered.json, in the order of its surfaces."""
    return {name: schema[name] for name in schema["roots"]}
