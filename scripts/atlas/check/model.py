"""What the parts of a check hand to one another: items with their places, findings, results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

Json: TypeAlias = Any
Level: TypeAlias = Literal["error", "warning", "note"]
Evidence: TypeAlias = Literal["proven", "declared", "static"]
Path: TypeAlias = tuple[str | int, ...]
LEVELS: tuple[Level, ...] = ("error", "warning", "note")


class _Unknown:
    """The value of something that is filled in later: `$PORT`, `{{ .Values.port }}`."""

    def __repr__(self) -> str:
        return "…"


UNKNOWN = _Unknown()


@dataclass(frozen=True)
class Place:
    """Where something was written: line and column are counted from 1; None where there are none."""

    name: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        parts = [self.name, *(str(part) for part in (self.line, self.column) if part is not None)]
        return ":".join(parts)


@dataclass(frozen=True)
class Item:
    """One thing that is set: `name` as written (`max_num_seqs`, `--max-num-seqs`), and its value.

    `raw` values are text of a command line, still to be read as what the parameter takes.
    """

    name: str
    value: Json
    place: Place
    inner: Mapping[Path, Place] = field(default_factory=dict)
    """Places inside the value."""
    raw: bool = False

    def at(self, path: Path) -> Place:
        """The place of a part of the value, or of the nearest thing around it."""
        while path:
            if path in self.inner:
                return self.inner[path]
            path = path[:-1]
        return self.place


@dataclass(frozen=True)
class Subject:
    """One configuration: a file, a container, a command line."""

    name: str
    items: tuple[Item, ...]
    flags: bool = False
    """Whether names are flags of a command line, or keys of a file of flags."""
    group: str | None = None
    engine: str | None = None
    version: str | None = None
    notes: tuple[Finding, ...] = ()
    """What was found while reading it."""


@dataclass(frozen=True)
class Finding:
    """One thing to tell. `evidence`: `proven` on the running engine, `declared` by its types and parsers, or
    `static`, where only its sources say so. `conditions`: it is so only where these hold."""

    kind: str
    level: Level
    message: str
    place: Place
    parameter: str = ""
    """As the engine names it, dotted for what is nested."""
    written: str = ""
    """As the user names it."""
    value: Json = None
    evidence: Evidence = "declared"
    rule: str | None = None
    depth: str | None = None
    conditions: tuple[str, ...] = ()
    effective: Mapping[str, Json] = field(default_factory=dict)
    """What parameters become."""
    nearest: tuple[str, ...] = ()
    file: str | None = None
    """The engine's source that says so."""
    line: int | None = None
    link: str | None = None


@dataclass(frozen=True)
class Result:
    """What was found in one configuration."""

    subject: str
    engine: str
    version: str
    group: str
    target: str
    findings: tuple[Finding, ...]
    effective: Mapping[str, Json] = field(default_factory=dict)
    """The parameters that end up as something else than was given, as far as rules tell."""
    checked: int = 0
    """How many parameters were given."""
    in_full: bool = True
    """Whether more is known of the version than parameters, types and defaults."""

    def count(self, level: Level) -> int:
        return sum(one.level == level for one in self.findings)

    @property
    def accepted(self) -> bool:
        """Whether nothing is known that the engine would refuse."""
        return self.count("error") == 0
