"""Type expressions as JSON Schema (2020-12), as text for people, and compared between lanes.

A fragment says what a configuration file may hold: a Python object that JSON cannot write accepts
anything when it stands alone (`x-python-type` names it), and adds nothing beside types JSON has.
`str | Literal["a"]` takes any string, so its listed values become `examples`; see `listed_values`.
An enum takes its values, and its names where they say more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from atlas.schema.facts import Json, TypeExpr
from atlas.schema.fragments import SCALARS, Schema, choice, json_type, ordered

ClassRef = Callable[[str], Schema | None]

NUMERIC = ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum", "multipleOf")
LENGTHS = {
    "string": {"minLength": "minLength", "maxLength": "maxLength", "pattern": "pattern"},
    "array": {
        "minLength": "minItems", "maxLength": "maxItems", "minItems": "minItems", "maxItems": "maxItems",
    },
    "object": {"minLength": "minProperties", "maxLength": "maxProperties"},
}  # fmt: skip
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
    return constrained(choice(_alternatives(type_, class_ref)), constraints or {})


def constrained(schema: Schema, constraints: Mapping[str, Json]) -> Schema:
    """`schema` with each constraint at the alternatives it speaks about."""
    wanted = {key: value for key, value in constraints.items() if _meaningful(key, value)}
    if not wanted:
        return schema
    if "anyOf" in schema:
        return ordered({**schema, "anyOf": [constrained(one, wanted) for one in schema["anyOf"]]})
    if "const" in schema or "enum" in schema or "$ref" in schema:
        return schema
    kinds = schema.get("type", list(KEYWORDS))
    out = dict(schema)
    for kind in [kinds] if isinstance(kinds, str) else kinds:
        names = KEYWORDS.get(kind, {})
        if "type" not in schema and kind in ("array", "object"):
            continue  # of an unknown type only strings are sure to be meant by minLength
        out.update({names[key]: value for key, value in wanted.items() if key in names})
    return ordered(out)


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
        return choice(_alternatives(part, class_ref))

    match type_["k"]:
        case "prim":
            name = SCALARS.get(type_["name"])
            return {"type": name} if name else {"x-python-type": type_["name"]}
        case "none":
            return {"type": "null"}
        case "any":
            return {}
        case "list" | "set" | "frozenset":
            return ordered({"type": "array", **_unless_any("items", inner(type_["item"]))})
        case "tuple" if "item" in type_:
            return ordered({"type": "array", **_unless_any("items", inner(type_["item"]))})
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
    return ordered(
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
    return ordered(schema)


def enum_values(type_: TypeExpr) -> list[Json]:
    """The values of an enum's members; one that JSON cannot hold counts by its name."""
    members: Mapping[str, Json] = type_["members"]
    return [value if json_type(value) in SCALARS.values() else name for name, value in members.items()]


def _listed(type_: TypeExpr) -> list[Json]:
    """The values of a literal, or those of an enum and the names that are more than its values in other
    letters: engines take `FLASH_ATTN` where the value is a dotted path or a number."""
    if type_["k"] == "literal":
        return list(type_["values"])
    values = enum_values(type_)
    names = [
        name
        for name, value in zip(type_["members"], values, strict=True)
        if _letters(name) != _letters(value)
    ]
    return [*values, *(name for name in names if name not in values)]


def _letters(text: Json) -> str:
    return "".join(char for char in str(text).lower() if char.isalnum())


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
