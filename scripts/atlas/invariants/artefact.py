"""Reading invariants.yaml back: the rules of one engine version, by target."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from atlas.engines.load import load_cell
from atlas.engines.model import Cell
from atlas.errors import InputError
from atlas.invariants.model import Candidate, Target
from atlas.invariants.rules import candidate_of
from atlas.invariants.targets import find_target, targets_of

Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Published:
    """The artefacts of one version: its targets and their rules, by the class."""

    cell: Cell
    schema: Mapping[str, Any]
    document: Mapping[str, Any]
    targets: tuple[Target, ...]

    def rules(self, target: Target) -> list[tuple[str, Candidate]]:
        """Names and rules of a target that were proven."""
        return [
            (entry["id"], candidate_of(entry))
            for entry in self.document["rules"]
            if entry["target"] == target.cls
        ]

    def base(self, target: Target) -> Mapping[str, Any]:
        """Values for the fields that must be given, as they were when the rules were proven."""
        return self._told(target, "base")

    def target(self, name: str) -> Target:
        """The target of that name, with what its fields are when they are unset."""
        found = find_target(self.targets, name)
        return replace(found, ends={**found.defaults(), **self._told(found, "unset")})

    def _told(self, target: Target, key: str) -> Mapping[str, Any]:
        found = (one.get(key, {}) for one in self.document["targets"] if one["class"] == target.cls)
        told: Mapping[str, Any] = next(found, {})
        return told


def load_published(root: Path, pin: str) -> Published:
    """The artefacts behind `engine==version`."""
    engine, _, version = pin.partition("==")
    if not version:
        raise InputError(f"`{pin}` names no version", hint="write ENGINE==VERSION")
    cell = load_cell(root, engine, version)
    folder = root / "results" / engine / version
    schema = json.loads(_text(folder / "schema.discovered.json"))
    document = yaml.load(_text(folder / "invariants.yaml"), Loader=Loader)  # noqa: S506 (a safe loader)
    return Published(cell, schema, document, targets_of(cell, schema, document["families"]))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"cannot be read: {error.strerror}", where=str(path), hint="build it: `atlas build`"
        ) from error
