"""One parameter as schema.discovered.json holds it. Keys without a fact are left out."""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping
from typing import Any

from jsonschema import Draft202012Validator

from atlas.schema.assemble import Parameter
from atlas.schema.compare import bounds, known_default, one_line
from atlas.schema.facts import DefaultFact, DeprecationFact, EffectiveFact, FieldFact, FlagFact, Json
from atlas.schema.flags import all_flags, choices, primary_flag
from atlas.schema.fragments import Schema
from atlas.schema.merge import MergedField
from atlas.schema.paragraphs import unwrapped
from atlas.schema.type_questions import display, listed_values
from atlas.schema.types import to_json_schema


def parameter_json(one: Parameter) -> dict[str, Json]:
    """All facts of a parameter, in the order of the format."""
    fact = one.merged.fact
    optional: dict[str, Json] = {
        "default_text": default_text(fact.default),
        "effective_default": effective_json(one.effective),
        "description": fact.description and unwrapped(fact.description),
        **listed_json(fact, one.flags),
        "constraints": bounds(fact),
        "deprecated": deprecated_json(fact.deprecated),
        **flags_json(one.flags),
        "aliases": list(fact.aliases),
        "env": fact.env,
        "private": fact.private,
        "readonly": not fact.init,
        "via": fact.via if fact.via != "field" else None,
        "joins": fact.joins,
        "same_as": one.same_as,
        "also_in": list(one.also_in),
        "static_only": one.merged.static_only,
        "disagreement": [
            {"fact": d.fact, "static": d.static, "live": d.live} for d in one.merged.disagreements
        ],
    }
    shown: dict[str, Json] = {
        "path": one.path,
        "name": fact.name,
        "root": one.root,
        "owner": fact.owner,
        "type": value_schema(fact),
        "display": display(fact.type),
        "annotation": one_line(fact.annotation) if fact.annotation else None,
        "default_kind": fact.default.kind,
        **default_json(fact.default),
        **{key: value for key, value in optional.items() if value not in (None, False, [], {}, "")},
    }
    if "enum" in shown:
        shown["open"] = bool(optional["open"])
    shown["evidence"] = evidence_json(one.merged)
    return shown


def evidence_json(merged: MergedField) -> list[dict[str, Json]]:
    """Where each lane saw the parameter; and, of the live lane, what it was seen to accept."""
    shown: dict[str, dict[str, Json]] = {
        one.lane: {"lane": one.lane, **({"file": one.file, "line": one.line} if one.file else {})}
        for one in merged.evidence
    }
    if merged.observed:
        shown.setdefault("live", {"lane": "live"})["observed"] = list(merged.observed)
    return list(shown.values())


def value_schema(fact: FieldFact) -> Schema:
    """The type, wide enough for the parameter's own default (`x: int = None` accepts null)."""
    return admitting(to_json_schema(fact.type, fact.constraints), fact.default)


def admitting(schema: Schema, default: DefaultFact, defs: Mapping[str, Any] | None = None) -> Schema:
    """`schema`, with the default added where it does not accept it."""
    if default.kind == "required" or not known_default(default):
        return schema
    if Draft202012Validator({**schema, "$defs": dict(defs or {})}).is_valid(default.value):
        return schema
    if default.value is None and "type" in schema:
        kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        return {**schema, "type": [*kinds, "null"]}
    extra = {"type": "null"} if default.value is None else {"const": default.value}
    return {"anyOf": [*schema.get("anyOf", [schema]), extra]}


def outside_type(fact: FieldFact) -> bool:
    """Whether a default is none of the values its type has."""
    schema = to_json_schema(fact.type, fact.constraints)
    return admitting(schema, fact.default) is not schema


def default_json(default: DefaultFact) -> dict[str, Json]:
    """`default`, where there is one and it is a JSON value."""
    if default.kind == "none":
        return {"default": None}
    return {"default": default.value} if known_default(default) and default.kind != "required" else {}


def default_text(default: DefaultFact) -> str | None:
    """The default as written, where that says more than its value does."""
    if not default.text or default.kind in ("none", "required"):
        return None
    if not known_default(default):
        return default.text
    try:
        written = ast.literal_eval(default.text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return default.text
    plain = list(written) if isinstance(written, tuple | set | frozenset) else written
    return None if _dumps(plain) == _dumps(default.value) else default.text


def _dumps(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=repr)


def effective_json(effective: EffectiveFact | None) -> dict[str, Json] | None:
    return None if effective is None else {"value": effective.value, "platform": effective.platform}


def listed_json(fact: FieldFact, flags: tuple[FlagFact, ...]) -> dict[str, Json]:
    """Named values; a parser's choices are open, for the class behind the parser takes others."""
    listed = listed_values(fact.type)
    if listed is not None:
        return {"enum": list(listed.values), "open": listed.open}
    offered = choices(flags)
    return {"enum": offered, "open": True} if offered else {"enum": None, "open": None}


def deprecated_json(deprecated: DeprecationFact | None) -> dict[str, Json] | None:
    """What is known of a deprecation; at least that there is one."""
    return (
        None
        if deprecated is None
        else {
            "since": deprecated.since,
            "message": deprecated.message and one_line(deprecated.message),
            "replacement": deprecated.replacement,
        }
    )


def flags_json(flags: tuple[FlagFact, ...]) -> dict[str, Json]:
    """The usual spelling, and all spellings where there are more."""
    spellings = all_flags(flags)
    return {"cli_flag": primary_flag(flags), "cli_flags": spellings if len(spellings) > 1 else None}
