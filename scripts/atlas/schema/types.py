"""Type expressions as JSON Schema (2020-12), as text for people, and compared between lanes.

A fragment says what a configuration file may hold: a Python object that JSON cannot write accepts
anything when it stands alone (`x-python-type` names it), and adds nothing beside types JSON has.
`str | Literal["a"]` takes any string, so its listed values become `examples`; see `listed_values`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from atlas.canonical import compact
from atlas.schema.facts import Json, TypeExpr

Schema = dict[str, Any]
ClassRef = Callable[[str], Schema | None]

KEY_ORDER = (
    "type", "const", "enum", "anyOf", "items", "prefixItems", "additionalProperties", "propertyNames",
    "minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength",
    "pattern", "minItems", "maxItems", "minProperties", "maxProperties", "examples",
    "x-python-type", "x-unknown",
)  # fmt: skip
SCALARS = {"int": "integer", "float": "number", "str": "string", "bool": "boolean"}
NUMERIC = ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum", "multipleOf")
LENGTHS = {
    "string": {"minLength": "minLength", "maxLength": "maxLength", "pattern": "pattern"},
    "array": {
        "minLength": "minItems", "maxLength": "maxItems", "minItems": "minItems", "maxItems": "maxItems",
    },
    "object": {"minLength": "minProperties", "maxLength": "maxProperties"},
}  # fmt: skip
JSON_TYPES = {
    type(None): "null", bool: "boolean", int: "integer", float: "number", str: "string",
    list: "array", dict: "object",
}  # fmt: skip
NULL: Schema = {"type": "null"}
KEYWORDS: dict[str, dict[str, str]] = {
    **LENGTHS,
    "integer": {key: key for key in NUMERIC},
    "number": {key: key for key in NUMERIC},
}


def to_json_schema(
    type_: TypeExpr | None,
    constraints: Mapping[str, Json] | None = None,
    class_ref: ClassRef | None = None,
) -> Schema:
    """The JSON values a parameter of this type accepts; `class_ref` may give a `$ref` for a config class."""
    if type_ is None:
        return {"x-unknown": ""}
    return constrained(_join(_alternatives(type_, class_ref)), constraints or {})


def json_type(value: Json) -> str:
    """The JSON Schema type of a value; a bool is never an integer."""
    return JSON_TYPES[type(value)]


def constrained(schema: Schema, constraints: Mapping[str, Json]) -> Schema:
    """`schema` with each constraint at the alternatives it speaks about."""
    wanted = {key: value for key, value in constraints.items() if _meaningful(key, value)}
    if not wanted:
        return schema
    if "anyOf" in schema:
        return _ordered({**schema, "anyOf": [constrained(one, wanted) for one in schema["anyOf"]]})
    if "const" in schema or "enum" in schema or "$ref" in schema:
        return schema
    kinds = schema.get("type", list(KEYWORDS))
    out = dict(schema)
    for kind in [kinds] if isinstance(kinds, str) else kinds:
        names = KEYWORDS.get(kind, {})
        if "type" not in schema and kind in ("array", "object"):
            continue  # of an unknown type only strings are sure to be meant by minLength
        out.update({names[key]: value for key, value in wanted.items() if key in names})
    return _ordered(out)


def _meaningful(key: str, value: Json) -> bool:
    """Whether a keyword has a value that JSON Schema allows."""
    if key == "pattern":
        return isinstance(value, str)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    if key in NUMERIC:
        return key != "multipleOf" or value > 0
    return isinstance(value, int) and value >= 0


def _alternatives(type_: TypeExpr, class_ref: ClassRef | None) -> list[Schema]:
    """The fragments of which a value must match one; none of them is an anyOf."""
    kind = type_["k"]
    if kind == "union":
        return [one for member in type_["of"] for one in _alternatives(member, class_ref)]
    if kind == "annotated" and type_.get("open"):
        return _alternatives(widened(type_["base"]), class_ref)
    if kind == "annotated":
        rules = type_.get("constraints") or {}
        return [constrained(one, rules) for one in _alternatives(type_["base"], class_ref)]
    if kind in ("literal", "enum"):
        return _values(_listed(type_))
    return [_fragment(type_, class_ref)]


def _fragment(type_: TypeExpr, class_ref: ClassRef | None) -> Schema:
    def inner(part: TypeExpr) -> Schema:
        return _join(_alternatives(part, class_ref))

    match type_["k"]:
        case "prim":
            name = SCALARS.get(type_["name"])
            return {"type": name} if name else {"x-python-type": type_["name"]}
        case "none":
            return {"type": "null"}
        case "any":
            return {}
        case "list" | "set" | "frozenset":
            return _ordered({"type": "array", **_unless_any("items", inner(type_["item"]))})
        case "tuple" if "item" in type_:
            return _ordered({"type": "array", **_unless_any("items", inner(type_["item"]))})
        case "tuple":
            return _tuple([inner(item) for item in type_["items"]])
        case "dict":
            return _mapping(inner(type_["key"]), inner(type_["value"]))
        case "class":
            known = class_ref(type_["name"]) if class_ref else None
            return known or {"type": "object", "x-python-type": type_["name"]}
        case "opaque":
            return {"x-python-type": type_["name"]}
        case "callable":
            return {"x-python-type": "Callable"}
        case "path":
            return {"type": "string", "x-python-type": "pathlib.Path"}
        case _:
            return {"x-unknown": str(type_.get("text", ""))}


def _unless_any(key: str, schema: Schema) -> Schema:
    return {key: schema} if schema else {}


def _tuple(items: list[Schema]) -> Schema:
    if not items:
        return {"type": "array", "maxItems": 0}
    size = len(items)
    return _ordered(
        {"type": "array", "prefixItems": items, "items": False, "minItems": size, "maxItems": size}
    )


def _mapping(key: Schema, value: Schema) -> Schema:
    """An object; keys of JSON are strings, so integer keys are strings of digits."""
    schema = {"type": "object", **_unless_any("additionalProperties", value)}
    names = {name: key[name] for name in ("const", "enum", "pattern") if name in key}
    if key.get("type") == "integer":
        names = {"pattern": "^-?[0-9]+$"}
    if names and all(isinstance(one, str) for one in names.get("enum", [names.get("const", "")])):
        schema["propertyNames"] = names
    return _ordered(schema)


def _listed(type_: TypeExpr) -> list[Json]:
    """The values of a literal or enum; a member whose value JSON cannot hold counts by its name."""
    if type_["k"] == "literal":
        return list(type_["values"])
    members: Mapping[str, Json] = type_["members"]
    return [name if json_type(value) not in SCALARS.values() else value for name, value in members.items()]


def _values(values: list[Json]) -> list[Schema]:
    plain = [value for value in values if value is not None]
    found: list[Schema] = [{"enum": plain}] if plain else []
    return [*found, {"type": "null"}] if None in values else found


def widened(type_: TypeExpr) -> TypeExpr:
    """A type whose listed values are not enforced: any value of their kinds, the listed ones kept."""
    kinds = {"integer": "int", "number": "float", "string": "str", "boolean": "bool"}
    if type_["k"] == "union":
        return {"k": "union", "of": [widened(member) for member in type_["of"]]}
    if type_["k"] in ("literal", "enum"):
        names = dict.fromkeys(kinds[json_type(v)] for v in _listed(type_) if json_type(v) in kinds)
        return {"k": "union", "of": [type_, *({"k": "prim", "name": name} for name in names)]}
    return type_


def _join(alternatives: Iterable[Schema]) -> Schema:
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
    return _ordered(joined)


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


def _ordered(schema: Schema) -> Schema:
    order = {key: index for index, key in enumerate(KEY_ORDER)}
    return {key: schema[key] for key in sorted(schema, key=lambda key: (order.get(key, -1), key))}
