"""What a lane saw of a class: its fields, with their defaults and deprecations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

from atlas.schema.facts.types import Json, TypeExpr

DEFAULT_KINDS = ("value", "none", "required", "factory", "computed", "unknown")
CONSTRAINT_KEYS = (
    "minimum",
    "exclusiveMinimum",
    "maximum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "pattern",
)
CLASS_KINDS = (
    "dataclass",
    "pydantic",
    "pydantic_dataclass",
    "msgspec",
    "attrs",
    "plain",
    "function",
    "typed_dict",
    "named_tuple",
    "namespace",
)


@dataclass(frozen=True)
class DefaultFact:
    """A parameter's default; `value` counts for kind `value`, and for `factory` where it is known."""

    kind: str
    value: Json = None
    text: str | None = None

    def to_json(self) -> dict[str, Json]:
        out: dict[str, Json] = {"kind": self.kind}
        if self.kind == "value" or (self.kind == "factory" and self.value is not None):
            out["value"] = self.value
        out["text"] = self.text
        return out

    @classmethod
    def from_json(cls, value: Mapping[str, Json]) -> DefaultFact:
        return cls(value["kind"], value.get("value"), value.get("text"))


UNKNOWN_DEFAULT = DefaultFact("unknown")


@dataclass(frozen=True)
class DeprecationFact:
    since: str | None = None
    message: str | None = None
    replacement: str | None = None

    def to_json(self) -> dict[str, Json]:
        return {"since": self.since, "message": self.message, "replacement": self.replacement}

    @classmethod
    def from_json(cls, value: Mapping[str, Json]) -> DeprecationFact:
        return cls(value.get("since"), value.get("message"), value.get("replacement"))


@dataclass(frozen=True)
class FieldFact:
    """One parameter of a class or function.

    `owner` is the qualname of the class that defines it; `via` is how it was seen
    (`field|signature|init_attr|kwargs|docstring`); `joins` names the `module.Class.field`
    its description, constraints or type were inherited from.
    """

    name: str
    owner: str
    type: TypeExpr | None = None
    annotation: str | None = None
    default: DefaultFact = UNKNOWN_DEFAULT
    description: str | None = None
    constraints: Mapping[str, Json] | None = None
    deprecated: DeprecationFact | None = None
    aliases: tuple[str, ...] = ()
    env: str | None = None
    init: bool = True
    private: bool = False
    via: str = "field"
    joins: str | None = None
    file: str | None = None
    line: int | None = None

    def to_json(self) -> dict[str, Json]:
        return {
            "name": self.name,
            "owner": self.owner,
            "type": self.type,
            "annotation": self.annotation,
            "default": self.default.to_json(),
            "description": self.description,
            "constraints": dict(self.constraints or {}),
            "deprecated": self.deprecated.to_json() if self.deprecated else None,
            "aliases": list(self.aliases),
            "env": self.env,
            "init": self.init,
            "private": self.private,
            "via": self.via,
            "joins": self.joins,
            "file": self.file,
            "line": self.line,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Json]) -> FieldFact:
        known = known_keys(cls, value)
        known["default"] = DefaultFact.from_json(value.get("default") or {"kind": "unknown"})
        known["deprecated"] = (
            DeprecationFact.from_json(value["deprecated"]) if value.get("deprecated") else None
        )
        known["aliases"] = tuple(value.get("aliases") or ())
        known["constraints"] = dict(value.get("constraints") or {})
        return cls(**known)


@dataclass(frozen=True)
class ClassFact:
    """A configuration class, or a function whose signature counts as one (kind `function`)."""

    qualname: str
    kind: str
    bases: tuple[str, ...] = ()
    doc: str | None = None
    extra: str | None = None
    validators: tuple[str, ...] = ()
    fields: tuple[FieldFact, ...] = ()
    file: str | None = None
    line: int | None = None

    def to_json(self) -> dict[str, Json]:
        return {
            "qualname": self.qualname,
            "kind": self.kind,
            "bases": list(self.bases),
            "doc": self.doc,
            "extra": self.extra,
            "validators": list(self.validators),
            "fields": [field.to_json() for field in self.fields],
            "file": self.file,
            "line": self.line,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Json]) -> ClassFact:
        known = known_keys(cls, value)
        known["bases"] = tuple(value.get("bases") or ())
        known["validators"] = tuple(value.get("validators") or ())
        known["fields"] = tuple(FieldFact.from_json(field) for field in value.get("fields") or ())
        return cls(**known)


def known_keys(cls: type, value: Mapping[str, Json]) -> dict[str, Json]:
    """The keys of `value` that `cls` has a field for."""
    names = {field.name for field in fields(cls)}
    return {key: item for key, item in value.items() if key in names}
