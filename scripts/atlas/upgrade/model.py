"""What an upgrade comes to: points about the configuration, edits, and what is left to the user."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from atlas.check.model import Finding, Place

Json: TypeAlias = Any
DocumentPath: TypeAlias = tuple[str | int, ...]
Kind: TypeAlias = Literal["breaks", "may_break", "meaning", "default", "pointless", "deprecated", "not_known"]
KINDS: tuple[Kind, ...] = (
    "breaks",
    "may_break",
    "meaning",
    "default",
    "deprecated",
    "pointless",
    "not_known",
)
"""`default` is about parameters that are *not* set; all others are about those that are."""


@dataclass(frozen=True)
class Edit:
    """One change of the configuration that is certain: `rename`, `remove` or `set`."""

    action: Literal["rename", "remove", "set"]
    written: str
    """The name as the user wrote it."""
    path: DocumentPath
    """Where it is in the document."""
    reason: str
    to: Json = None
    """The new name, or the new value."""


@dataclass(frozen=True)
class Point:
    """One thing to know about the upgrade. `changes` are ids as `atlas diff` has them."""

    kind: Kind
    parameter: str
    message: str
    written: str = ""
    place: Place | None = None
    evidence: str = ""
    changes: tuple[str, ...] = ()
    edit: Edit | None = None
    left: str = ""
    """What the user has to decide, where no edit is certain."""
    detail: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True)
class Upgrade:
    """One configuration between two versions."""

    name: str
    engine: str
    old: str
    new: str
    group: str
    target: str
    points: tuple[Point, ...]
    accepted_before: bool
    """Whether nothing is known that the older version would refuse."""
    accepted_after: bool
    """The same of the newer version and the edited configuration."""
    remaining: tuple[Finding, ...] = ()
    """What the newer version still refuses of the edited configuration."""
    note: str = ""
    """What is to be said of how the versions are compared."""

    @property
    def edits(self) -> tuple[Edit, ...]:
        return tuple(point.edit for point in self.points if point.edit is not None)

    def of(self, *kinds: Kind) -> list[Point]:
        return [point for point in self.points if point.kind in kinds]

    @property
    def left(self) -> list[Point]:
        """What breaks, and no edit is certain for."""
        return [point for point in self.of("breaks") if point.edit is None]
