"""All that a lane saw, and what it could not see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from atlas.schema.facts.fields import ClassFact, known_keys
from atlas.schema.facts.flags import FlagFact
from atlas.schema.facts.types import Json

Lane: TypeAlias = Literal["static", "live"]


@dataclass(frozen=True)
class EffectiveFact:
    """What the engine makes of a parameter that nobody set, on a platform."""

    owner: str
    name: str
    value: Json
    source: str = "resolve"
    platform: str = "cpu"

    def to_json(self) -> dict[str, Json]:
        return {
            "owner": self.owner,
            "name": self.name,
            "value": self.value,
            "from": self.source,
            "platform": self.platform,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Json]) -> EffectiveFact:
        return cls(
            value["owner"],
            value["name"],
            value.get("value"),
            value.get("from", "resolve"),
            value.get("platform", "cpu"),
        )


@dataclass(frozen=True)
class ObservedFact:
    """The JSON types with which a parameter's class was seen to be made (`null`, `boolean`, …)."""

    owner: str
    name: str
    accepted: tuple[str, ...]

    def to_json(self) -> dict[str, Json]:
        return {"class": self.owner, "name": self.name, "accepted": list(self.accepted)}

    @classmethod
    def from_json(cls, value: Mapping[str, Json]) -> ObservedFact:
        return cls(value["class"], value["name"], tuple(value["accepted"]))


@dataclass(frozen=True)
class Limitation:
    """Something a lane could not see, and why; `code` is stable and machine-readable."""

    code: str
    subject: str
    reason: str
    file: str | None = None
    line: int | None = None

    def to_json(self) -> dict[str, Json]:
        return {
            key: value
            for key, value in (
                ("code", self.code),
                ("subject", self.subject),
                ("reason", self.reason),
                ("file", self.file),
                ("line", self.line),
            )
            if value is not None
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Json]) -> Limitation:
        return cls(**known_keys(cls, value))


@dataclass(frozen=True)
class LaneFacts:
    """All that one lane saw of one engine version. `classes` keeps the order in which they were reached."""

    lane: Lane
    classes: Mapping[str, ClassFact]
    flags: Sequence[FlagFact] = ()
    effective: Sequence[EffectiveFact] = ()
    observed: Sequence[ObservedFact] = ()
    limitations: Sequence[Limitation] = ()

    def to_json(self) -> dict[str, Json]:
        return {
            "lane": self.lane,
            "classes": {name: fact.to_json() for name, fact in self.classes.items()},
            "flags": [flag.to_json() for flag in self.flags],
            "effective": [effective.to_json() for effective in self.effective],
            "observed": [observed.to_json() for observed in self.observed],
            "limitations": [limitation.to_json() for limitation in self.limitations],
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Json]) -> LaneFacts:
        return cls(
            lane=value["lane"],
            classes={name: ClassFact.from_json(fact) for name, fact in value["classes"].items()},
            flags=tuple(FlagFact.from_json(flag) for flag in value.get("flags") or ()),
            effective=tuple(EffectiveFact.from_json(item) for item in value.get("effective") or ()),
            observed=tuple(ObservedFact.from_json(item) for item in value.get("observed") or ()),
            limitations=tuple(Limitation.from_json(item) for item in value.get("limitations") or ()),
        )
