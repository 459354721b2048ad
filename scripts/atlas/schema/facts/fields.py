"""The model of what a lane saw: classes, fields, flags, resolved values, and what it could not see.

Both lanes, static and live, produce a `LaneFacts`; everything here is plain JSON once `to_json`ed.
A type is a `TypeExpr`: a JSON object with a kind `k`, built by the functions below.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal, TypeAlias

Json: TypeAlias = Any
TypeExpr: TypeAlias = dict[str, Any]
Lane: TypeAlias = Literal["static", "live"]

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
    default: DefaultFact = DefaultFact("unknown")
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
        known = _known(cls, value)
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
        known = _known(cls, value)
        known["bases"] = tuple(value.get("bases") or ())
        known["validators"] = tuple(value.get("validators") or ())
        known["fields"] = tuple(FieldFact.from_json(field) for field in value.get("fields") or ())
        return cls(**known)


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
    default: DefaultFact = DefaultFact("unknown")
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
        known = _known(cls, value)
        known["flags"] = tuple(value["flags"])
        known["choices"] = None if value.get("choices") is None else tuple(value["choices"])
        known["default"] = DefaultFact.from_json(value.get("default") or {"kind": "unknown"})
        return cls(**known)


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
        return cls(**_known(cls, value))


@dataclass(frozen=True)
class LaneFacts:
    """All that one lane saw of one engine version. `classes` keeps the order in which they were reached."""

    lane: Lane
    classes: Mapping[str, ClassFact]
    flags: Sequence[FlagFact] = ()
    effective: Sequence[EffectiveFact] = ()
    limitations: Sequence[Limitation] = ()

    def to_json(self) -> dict[str, Json]:
        return {
            "lane": self.lane,
            "classes": {name: fact.to_json() for name, fact in self.classes.items()},
            "flags": [flag.to_json() for flag in self.flags],
            "effective": [effective.to_json() for effective in self.effective],
            "limitations": [limitation.to_json() for limitation in self.limitations],
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Json]) -> LaneFacts:
        return cls(
            lane=value["lane"],
            classes={name: ClassFact.from_json(fact) for name, fact in value["classes"].items()},
            flags=tuple(FlagFact.from_json(flag) for flag in value.get("flags") or ()),
            effective=tuple(EffectiveFact.from_json(item) for item in value.get("effective") or ()),
            limitations=tuple(Limitation.from_json(item) for item in value.get("limitations") or ()),
        )


def _known(cls: type, value: Mapping[str, Json]) -> dict[str, Json]:
    names = {field.name for field in fields(cls)}
    return {key: item for key, item in value.items() if key in names}


# --- type expressions -------------------------------------------------------------------------

NONE: TypeExpr = {"k": "none"}
ANY: TypeExpr = {"k": "any"}
CALLABLE: TypeExpr = {"k": "callable"}
PATH: TypeExpr = {"k": "path"}


def prim(name: str) -> TypeExpr:
    """`int`, `float`, `str`, `bool` or `bytes`."""
    return {"k": "prim", "name": name}


def literal(values: Sequence[Json]) -> TypeExpr:
    return {"k": "literal", "values": list(values)}


def enum(name: str, members: Mapping[str, Json]) -> TypeExpr:
    return {"k": "enum", "name": name, "members": dict(members)}


def union(of: Sequence[TypeExpr]) -> TypeExpr:
    """The members flattened and without repeats, in order; a union of one is that one."""
    flat: list[TypeExpr] = []
    for member in of:
        for one in member["of"] if member["k"] == "union" else (member,):
            if all(repr(one) != repr(other) for other in flat):  # repr: Literal[1] is not Literal[True]
                flat.append(one)
    return flat[0] if len(flat) == 1 else {"k": "union", "of": flat}


def sequence(kind: str, item: TypeExpr) -> TypeExpr:
    """`list`, `set` or `frozenset` of `item`."""
    return {"k": kind, "item": item}


def tuple_of(items: Sequence[TypeExpr]) -> TypeExpr:
    return {"k": "tuple", "items": list(items)}


def tuple_all(item: TypeExpr) -> TypeExpr:
    return {"k": "tuple", "item": item}


def dict_of(key: TypeExpr, value: TypeExpr) -> TypeExpr:
    return {"k": "dict", "key": key, "value": value}


def class_of(name: str) -> TypeExpr:
    """A configuration class, by the qualname of its definition."""
    return {"k": "class", "name": name}


def opaque(name: str) -> TypeExpr:
    """A class whose inside is not configuration (`torch.dtype`)."""
    return {"k": "opaque", "name": name}


def annotated(base: TypeExpr, constraints: Mapping[str, Json], *, is_open: bool = False) -> TypeExpr:
    """`base` under constraints; open = not enforced (a validation-skipping marker)."""
    return {"k": "annotated", "base": base, "constraints": dict(constraints), "open": is_open}


def unknown(text: str) -> TypeExpr:
    return {"k": "unknown", "text": text}
