"""One parameter of `schema.discovered.json` as a typed record. Apart, as checking needs none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Json: TypeAlias = Any


@dataclass(frozen=True)
class Parameter:
    """One parameter as `schema.discovered.json` has it (docs/schema.md says what each key means)."""

    group: str
    path: str
    name: str
    root: str
    owner: str
    type: Mapping[str, Json]
    display: str
    default_kind: str
    annotation: str | None = None
    default: Json = None
    has_default: bool = False
    """Whether `default` is one: None may be a default, or stand for none."""
    default_text: str | None = None
    effective_default: Mapping[str, Json] | None = None
    description: str | None = None
    enum: tuple[Json, ...] = ()
    open: bool = False
    constraints: Mapping[str, Json] = field(default_factory=dict)
    deprecated: Mapping[str, Json] | None = None
    cli_flag: str | None = None
    cli_flags: tuple[str, ...] = ()
    """All spellings, the usual one among them."""
    aliases: tuple[str, ...] = ()
    env: str | None = None
    private: bool = False
    readonly: bool = False
    via: str | None = None
    joins: str | None = None
    same_as: str | None = None
    also_in: tuple[str, ...] = ()
    file: str | None = None
    line: int | None = None
    lanes: tuple[str, ...] = ()

    @property
    def settable(self) -> bool:
        return not self.readonly and self.via != "init_attr"


def parameter_of(group: str, entry: Mapping[str, Json]) -> Parameter:
    """The record of an artefact's entry."""
    evidence = entry["evidence"]
    place: Mapping[str, Json] = next((one for one in evidence if one.get("file")), {})
    flag = entry.get("cli_flag")
    return Parameter(
        group=group,
        path=entry["path"],
        name=entry["name"],
        root=entry["root"],
        owner=entry["owner"],
        type=entry["type"],
        display=entry["display"],
        default_kind=entry["default_kind"],
        annotation=entry.get("annotation"),
        default=entry.get("default"),
        has_default="default" in entry or entry["default_kind"] == "none",
        default_text=entry.get("default_text"),
        effective_default=entry.get("effective_default"),
        description=entry.get("description"),
        enum=tuple(entry.get("enum", ())),
        open=entry.get("open", False),
        constraints=entry.get("constraints", {}),
        deprecated=entry.get("deprecated"),
        cli_flag=flag,
        cli_flags=tuple(entry.get("cli_flags", (flag,) if flag else ())),
        aliases=tuple(entry.get("aliases", ())),
        env=entry.get("env"),
        private=entry.get("private", False),
        readonly=entry.get("readonly", False),
        via=entry.get("via"),
        joins=entry.get("joins"),
        same_as=entry.get("same_as"),
        also_in=tuple(entry.get("also_in", ())),
        file=place.get("file"),
        line=place.get("line"),
        lanes=tuple(one["lane"] for one in evidence),
    )
