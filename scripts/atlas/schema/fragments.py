"""JSON Schema fragments, and one fragment for a choice between several."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from atlas.canonical import compact
from atlas.schema.facts import Json

Schema = dict[str, Any]

KEY_ORDER = (
    "type", "const", "enum", "anyOf", "items", "prefixItems", "additionalProperties", "propertyNames",
    "minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength",
    "pattern", "minItems", "maxItems", "minProperties", "maxProperties", "examples",
    "x-python-type", "x-unknown",
)  # fmt: skip
SCALARS = {"int": "integer", "float": "number", "str": "string", "bool": "boolean"}
JSON_TYPES = {
    type(None): "null", bool: "boolean", int: "integer", float: "number", str: "string",
    list: "array", dict: "object",
}  # fmt: skip
NULL: Schema = {"type": "null"}


def json_type(value: Json) -> str:
    """The JSON Schema type of a value; a bool is never an integer."""
    return JSON_TYPES[type(value)]


def choice(alternatives: Iterable[Schema]) -> Schema:
    """One fragment for a choice: no repeats, nothing another member already accepts, null last."""
    found = list(alternatives)
    if any(not one for one in found):
        return {}
    opaque = list(dict.fromkeys(one["x-python-type"] for one in found if set(one) == {"x-python-type"}))
    nulls = [one for one in found if one == NULL]
    members = _absorbed([one for one in found if one != NULL and set(one) != {"x-python-type"}])
    if opaque and not members:
        return _combined([{"x-python-type": " | ".join(opaque)}, *nulls[:1]])
    joined = _combined([*members, *nulls[:1]])
    if opaque:
        known = [joined["x-python-type"]] if "x-python-type" in joined else []
        joined["x-python-type"] = " | ".join(dict.fromkeys([*known, *opaque]))
    return ordered(joined)


def _absorbed(found: list[Schema]) -> list[Schema]:
    """Listed values merged into one enum, and left as examples of a scalar that takes them anyway."""
    examples: dict[str, list[Json]] = {one["type"]: [] for one in found if _is_bare(one)}
    if "number" in examples:
        examples.pop("integer", None)
    closed: list[Json] = []
    for value in _distinct(value for one in found for value in listed(one)):
        kind = json_type(value)
        home = "number" if kind == "integer" and "integer" not in examples else kind
        examples.get(home, closed).append(value)
    out: list[Schema] = []
    for one in found:
        if _is_bare(one):
            kind = one["type"]
            replacement = {"type": kind, **_unless_empty("examples", examples.get(kind))}
            if kind not in examples:
                continue
        elif _is_enum(one):
            replacement = {"const": closed[0]} if len(closed) == 1 else {"enum": closed}
            if not closed:
                continue
        elif one.get("type") in examples and set(one) == {"type", "x-python-type"}:
            continue  # a path beside a string
        else:
            replacement = one
        out.append(replacement)
    return list({compact(one): one for one in out}.values())


def listed(schema: Schema) -> list[Json]:
    """The values that one alternative names, enforced or not."""
    return [
        *schema.get("enum", ()),
        *([schema["const"]] if "const" in schema else ()),
        *schema.get("examples", ()),
    ]


def _is_enum(schema: Schema) -> bool:
    return "enum" in schema or "const" in schema


def _is_bare(schema: Schema) -> bool:
    """A scalar JSON type without a constraint."""
    return not set(schema) - {"type", "examples"} and schema.get("type") in SCALARS.values()


def _combined(members: list[Schema]) -> Schema:
    """One alternative as it is; scalars whose keywords can't be confused as a list of types; else anyOf."""
    if len(members) == 1:
        return dict(members[0])
    types = [one.get("type") for one in members]
    scalar = all(kind == "null" or kind in SCALARS.values() for kind in types)
    apart = len(set(types)) == len(types) and not {"integer", "number"} <= set(types)
    plain = all(not set(one) & {"x-python-type", "enum", "const"} for one in members)
    if members and scalar and apart and plain:
        merged: Schema = {"type": types}
        for one in members:
            merged.update({key: value for key, value in one.items() if key not in ("type", "examples")})
        return {
            **merged,
            **_unless_empty("examples", [v for one in members for v in one.get("examples", ())]),
        }
    return {"anyOf": members} if members else {"not": {}}


def _unless_empty(key: str, values: list[Json] | None) -> Schema:
    return {key: _distinct(values)} if values else {}


def _distinct(values: Iterable[Json]) -> list[Json]:
    """Without repeats, in order; 1, 1.0 and true are three values."""
    return list({json.dumps(value, sort_keys=True): value for value in values}.values())


def ordered(schema: Schema) -> Schema:
    order = {key: index for index, key in enumerate(KEY_ORDER)}
    return {key: schema[key] for key in sorted(schema, key=lambda key: (order.get(key, -1), key))}
