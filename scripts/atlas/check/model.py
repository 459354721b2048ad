"""What the parts of a check hand to one another: items with their places, findings, results.

Named tuples, as are most records here: a dataclass takes ten times as long to make, at every start.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, TypeAlias

Json: TypeAlias = Any
Level: TypeAlias = Literal["error", "warning", "note"]
Evidence: TypeAlias = Literal["proven", "declared", "static"]
Path: TypeAlias = tuple[str | int, ...]
NOTHING: Mapping[Any, Any] = MappingProxyType({})
LEVELS: tuple[Level, ...] = ("error", "warning", "note")


class _Unknown:
    """The value of something that is filled in later: `$PORT`, `{{ .Values.port }}`."""

    def __repr__(self) -> str:
        return "…"


UNKNOWN = _Unknown()


class Place(NamedTuple):
    """Where something was written: line and column are counted from 1; None where there are none."""

    name: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        parts = [self.name, *(str(part) for part in (self.line, self.column) if part is not None)]
        return ":".join(parts)


class Item(NamedTuple):
    """One thing that is set: `name` as written (`max_num_seqs`, `--max-num-seqs`), and its value.

    `raw` values are text of a command line, still to be read as what the parameter takes.
    """

    name: str
    value: Json
    place: Place
    inner: Mapping[Path, Place] = NOTHING
    """Places inside the value."""
    raw: bool = False

    def at(self, path: Path) -> Place:
        """The place of a part of the value, or of the nearest thing around it."""
        while path:
            if path in self.inner:
                return self.inner[path]
            path = path[:-1]
        return self.place


class Finding(NamedTuple):
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
    effective: Mapping[str, Json] = NOTHING
    """What parameters become."""
    nearest: tuple[str, ...] = ()
    file: str | None = None
    """The engine's source that says so."""
    line: int | None = None
    link: str | None = None


class Result:
    """What was found in one configuration.

    `effective` has the parameters that end up as something else than was given, as far as rules tell;
    `checked` says how many were given, and `in_full` whether more is known of the version than parameters,
    types and defaults.
    """

    def __init__(
        self,
        subject: str,
        engine: str,
        version: str,
        group: str,
        target: str,
        findings: tuple[Finding, ...],
        effective: Mapping[str, Json] = NOTHING,
        checked: int = 0,
        in_full: bool = True,
    ) -> None:
        self.subject = subject
        self.engine = engine
        self.version = version
        self.group = group
        self.target = target
        self.findings = findings
        self.effective = effective
        self.checked = checked
        self.in_full = in_full

    def __repr__(self) -> str:
        verdict = "accepted" if self.accepted else "rejected"
        return f"Result({self.subject!r}, {self.engine} {self.version}, {verdict}: {list(self.findings)})"

    def count(self, level: Level) -> int:
        return sum(one.level == level for one in self.findings)

    @property
    def accepted(self) -> bool:
        """Whether nothing is known that the engine would refuse."""
        return self.count("error") == 0
