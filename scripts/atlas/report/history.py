"""What changed between two versions of an engine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from atlas.report.model import Cell, Parameter

KINDS: Mapping[str, tuple[str, ...]] = {
    "type": ("type",),
    "values": ("values", "open"),
    "default": ("default", "default_kind"),
    "effective default": ("effective", "default"),
    "limits": ("limits",),
    "description": ("description",),
    "deprecated": ("deprecated",),
    "CLI flag": ("flag",),
}
"""Kinds of change and the facts that make one. The page reads this table too, so both decide alike."""

EFFECTIVE = "effective default"
"""Only the live lane sees it: it is not compared where a version lacks that lane. Where none was seen
the default stands for it, so that a default that becomes an effective one is no change."""


@dataclass(frozen=True)
class Change:
    """One parameter that differs: `added`, `removed`, or the kinds of KINDS, in that order."""

    id: str
    kinds: tuple[str, ...]


def differences(old: Cell, new: Cell) -> list[Change]:
    """All changes from `old` to `new`, by the names of the parameters."""
    before = {parameter.id: parameter for parameter in old.parameters}
    after = {parameter.id: parameter for parameter in new.parameters}
    both_live = "live" in old.lanes and "live" in new.lanes
    found = [
        Change(name, change_kinds(before.get(name), after.get(name), both_live))
        for name in sorted(before.keys() | after.keys())
    ]
    return [change for change in found if change.kinds]


def change_kinds(old: Parameter | None, new: Parameter | None, both_live: bool) -> tuple[str, ...]:
    """How a parameter changed; empty when it did not."""
    if old is None or new is None:
        return () if old is new else ("added",) if old is None else ("removed",)
    return tuple(
        kind
        for kind, facts in KINDS.items()
        if (both_live and _in_effect_differs(old, new) if kind == EFFECTIVE else _differs(old, new, facts))
    )


def _differs(old: Parameter, new: Parameter, facts: tuple[str, ...]) -> bool:
    return any(old.facts.get(fact) != new.facts.get(fact) for fact in facts)


def _in_effect_differs(old: Parameter, new: Parameter) -> bool:
    resolved = "effective" in old.facts or "effective" in new.facts
    return resolved and _in_effect(old) != _in_effect(new)


def _in_effect(parameter: Parameter) -> str | None:
    """What counts when nothing is set."""
    effective = parameter.facts.get("effective")
    text: str | None = effective["text"] if effective else parameter.facts.get("default")
    return text


def counts(changes: list[Change]) -> dict[str, int]:
    """How many parameters were added, removed, and changed otherwise."""
    found = Counter("changed" if change.kinds[0] in KINDS else change.kinds[0] for change in changes)
    return {kind: found[kind] for kind in ("added", "removed", "changed")}
