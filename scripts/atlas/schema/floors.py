"""Floors under coverage: what config/config.yaml demands, and whether a cell reaches it."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from atlas.validation import check
from atlas.yamlfile import load_yaml

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Floor:
    """A share that a measure has to reach; `engine` and `class_` are globs."""

    measure: str
    floor: float
    engine: str = "*"
    class_: str = "*"


@dataclass(frozen=True)
class Share:
    """So many of so many."""

    part: int
    whole: int

    def percent(self) -> str:
        """Rounded down, so that 100 % means all."""
        return f"{self.part * 1000 // self.whole / 10:.1f} %" if self.whole else "–"

    def text(self) -> str:
        return f"{self.percent()} ({self.part}/{self.whole})" if self.whole else "–"


@dataclass(frozen=True)
class Finding:
    """A floor held against one cell."""

    engine: str
    version: str
    floor: Floor
    share: Share

    @property
    def reached(self) -> bool:
        return self.share.part >= self.floor.floor * self.share.whole


MEASURES = ("static_recall", "default", "type", "bounds", "enum", "typed", "described")
LIVE_MEASURES = ("static_recall", "default", "type", "bounds", "enum")
"""Those that compare the lanes, and so have nothing to say where one did not run."""


def load_floors(root: Path) -> list[Floor]:
    document = load_yaml(root / "config" / "config.yaml")
    check(document, "project")
    return [
        Floor(entry["measure"], entry["floor"], entry.get("engine", "*"), entry.get("class", "*"))
        for entry in document.value["coverage_floors"]
    ]


def share(measure: str, rows: Iterable[Row]) -> Share:
    """A measure over some rows of a schema's `lanes`."""
    found = list(rows)
    if measure == "static_recall":
        return Share(sum(row["both"] for row in found), sum(row["live"] for row in found))
    if measure in ("typed", "written_types"):
        # What nobody can set needs no type: it is left out of both numbers.
        part, whole = (sum(row["settable"][key] for row in found) for key in ("typed", "n"))
        unwritten = sum(len(row["unwritten_types"]) for row in found)
        return Share(part, whole - (unwritten if measure == "written_types" else 0))
    if measure == "described":
        return Share(sum(row[measure] for row in found), sum(row["n"] for row in found))
    return Share(sum(row[measure]["equal"] for row in found), sum(row[measure]["compared"] for row in found))


def hold(schema: Mapping[str, Any], floors: Sequence[Floor]) -> list[Finding]:
    """Every floor that speaks about a cell and has something to count there."""
    findings = []
    for floor in floors:
        if not fnmatch.fnmatchcase(schema["engine"], floor.engine):
            continue
        if floor.measure in LIVE_MEASURES and schema["status"] != "complete":
            continue
        rows = [row for row in schema["lanes"]["rows"] if fnmatch.fnmatchcase(row["class"], floor.class_)]
        counted = share(floor.measure, rows)
        if counted.whole:
            findings.append(Finding(schema["engine"], schema["version"], floor, counted))
    return findings
