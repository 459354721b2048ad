"""Findings put in order: those that say no more than another are left out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from atlas.check.model import LEVELS, Finding


def without_repeated(declared: Sequence[Finding], told: Sequence[Finding]) -> list[Finding]:
    """What is declared, but for parameters that a proven rule refuses for that alone."""
    proven = {one.parameter for one in told if one.level == "error" and one.evidence == "proven"}
    return [one for one in declared if one.parameter not in proven or one.kind == "unknown_parameter"]


def without_vague(told: Sequence[Finding]) -> list[Finding]:
    """Of several findings of one statement, those that say no more than another are left out."""
    kept: list[Finding] = []
    for one in sorted(told, key=lambda finding: finding.message.count("…")):
        same_place = (
            other
            for other in kept
            if one.line and (one.file, one.line, one.kind) == (other.file, other.line, other.kind)
        )
        if not any("…" in one.message or one.message == other.message for other in same_place):
            kept.append(one)
    return kept


def in_order(finding: Finding) -> tuple[Any, ...]:
    place = finding.place
    return (LEVELS.index(finding.level), place.name, place.line or 0, place.column or 0, finding.parameter)
