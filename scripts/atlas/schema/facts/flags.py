"""What a lane saw of a command line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from atlas.schema.facts.fields import UNKNOWN_DEFAULT, DefaultFact, known_keys
from atlas.schema.facts.types import Json


@dataclass(frozen=True)
class FlagFact:
    """A command-line flag; `field` is the parameter that its value ends in, where that is known."""

    flags: tuple[str, ...]
    dest: str | None = None
    owner: str | None = None
    field: str | None = None
    action: str | None = None
    type: str | None = None
    choices: tuple[Json, ...] | None = None
    default: DefaultFact = UNKNOWN_DEFAULT
    help: str | None = None
    file: str | None = None
    line: int | None = None

    def to_json(self) -> dict[str, Json]:
        return {
            "flags": list(self.flags),
            "dest": self.dest,
            "owner": self.owner,
            "field": self.field,
            "action": self.action,
            "type": self.type,
            "choices": None if self.choices is None else list(self.choices),
            "default": self.default.to_json(),
            "help": self.help,
            "file": self.file,
            "line": self.line,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Json]) -> FlagFact:
        known = known_keys(cls, value)
        known["flags"] = tuple(value["flags"])
        known["choices"] = None if value.get("choices") is None else tuple(value["choices"])
        known["default"] = DefaultFact.from_json(value.get("default") or {"kind": "unknown"})
        return cls(**known)
