"""JSON Schema fragments as sets of JSON values: what they accept, and what they are put together from.

A class that JSON cannot write (`x-python-type` alone) and a type that could not be read (`x-unknown`) are
*opaque*: what they accept is not known, so nothing is proven by them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

from atlas.schema.compare import same_value

Json: TypeAlias = Any
Fragment: TypeAlias = Mapping[str, Json]

NOTES = frozenset({"examples", "description", "title", "default", "x-python-type", "x-unknown"})
LOWER = {"minimum": False, "exclusiveMinimum": True}
UPPER = {"maximum": False, "exclusiveMaximum": True}
SIZES = {"string": ("minLength", "maxLength"), "array": ("minItems", "maxItems")}


@dataclass(frozen=True)
class Part:
    """One alternative of a type. `kind` is a JSON type, or `any`, `opaque`, `value`."""

    kind: str
    fragment: Fragment
    value: Json = None
    """The value, of a `value`; the name of the class, of an `opaque`."""


def parts(fragment: Json) -> list[Part]:
    """The alternatives that a fragment is a choice of."""
    if fragment is False or fragment == {"not": {}}:
        return []
    if fragment is True:
        return [Part("any", {})]
    keys = set(fragment) - NOTES
    if not keys:
        if "x-unknown" in fragment or "x-python-type" in fragment:
            return [Part("opaque", fragment, fragment.get("x-python-type", "?"))]
        return [Part("any", fragment)]
    if "anyOf" in fragment:
        return [part for one in fragment["anyOf"] for part in parts(one)]
    if "enum" in fragment or "const" in fragment:
        values = fragment.get("enum", (fragment.get("const"),))
        return [Part("value", fragment, value) for value in values]
    kinds = fragment.get("type", "string" if "pattern" in fragment else None)
    if kinds is None:
        return [Part("opaque", fragment, "?")]
    return [Part(kind, fragment) for kind in ([kinds] if isinstance(kinds, str) else kinds)]


def accepts(fragment: Json, value: Json) -> bool | None:
    """Whether the value is one of the type's; None where only an opaque part could take it."""
    unknown = False
    for part in parts(fragment):
        answer = takes(part, value)
        if answer:
            return True
        unknown = unknown or answer is None
    return None if unknown else False


def takes(part: Part, value: Json) -> bool | None:
    """The same of one alternative."""
    if part.kind == "any":
        return True
    if part.kind == "opaque":
        return None
    if part.kind == "value":
        return same_value(part.value, value)
    if part.kind != json_kind(value) and (part.kind, json_kind(value)) != ("number", "integer"):
        return False
    if part.kind in ("integer", "number"):
        return in_bounds(part.fragment, value)
    if part.kind in SIZES and not in_size(part.fragment, part.kind, len(value)):
        return False
    if part.kind == "string":
        pattern = part.fragment.get("pattern")
        return pattern is None or re.search(pattern, value) is not None
    if part.kind == "array":
        return _all(_items(part.fragment, value))
    if part.kind == "object":
        return _all(_members(part.fragment, value))
    return True


def _all(answers: Iterator[bool | None]) -> bool | None:
    found = list(answers)
    if False in found:
        return False
    return None if None in found else True


def _items(fragment: Fragment, value: list[Json]) -> Iterator[bool | None]:
    prefix = fragment.get("prefixItems", ())
    for index, item in enumerate(value):
        yield accepts(prefix[index] if index < len(prefix) else fragment.get("items", True), item)


def _members(fragment: Fragment, value: Mapping[str, Json]) -> Iterator[bool | None]:
    for key, item in value.items():
        yield accepts(fragment.get("propertyNames", True), key)
        yield accepts(fragment.get("additionalProperties", True), item)


def in_bounds(fragment: Fragment, value: float) -> bool:
    step = fragment.get("multipleOf")
    return (
        value >= fragment.get("minimum", value)
        and value <= fragment.get("maximum", value)
        and not ("exclusiveMinimum" in fragment and value <= fragment["exclusiveMinimum"])
        and not ("exclusiveMaximum" in fragment and value >= fragment["exclusiveMaximum"])
        and (step is None or value % step == 0)
    )


def in_size(fragment: Fragment, kind: str, size: int) -> bool:
    lower, upper = SIZES[kind]
    return bool(fragment.get(lower, 0) <= size <= fragment.get(upper, size))


def json_kind(value: Json) -> str:
    """The JSON Schema type; a bool is no integer."""
    kinds = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}
    return "null" if value is None else kinds.get(type(value), "object")


def has(fragment: Json, kind: str) -> bool:
    return any(part.kind == kind for part in parts(fragment))


def is_opaque(fragment: Json) -> bool:
    return has(fragment, "opaque")


def without_null(fragment: Json) -> Json:
    """The type less null."""
    kept = [part for part in parts(fragment) if not is_null(part)]
    return {"anyOf": [as_fragment(part) for part in kept]} if kept else {"not": {}}


def is_null(part: Part) -> bool:
    return part.kind == "null" or (part.kind == "value" and part.value is None)


def as_fragment(part: Part) -> Fragment:
    """One alternative as a fragment of its own."""
    if part.kind == "value":
        return {"const": part.value}
    if part.kind in ("any", "opaque"):
        return part.fragment
    own = {key: value for key, value in part.fragment.items() if key in _words(part.kind)}
    return {**own, "type": part.kind}


@lru_cache
def _words(kind: str) -> frozenset[str]:
    """The keywords that say something of values of this type."""
    words = {
        "string": ("minLength", "maxLength", "pattern"),
        "array": ("items", "prefixItems", "minItems", "maxItems"),
        "object": (
            "additionalProperties",
            "propertyNames",
            "minProperties",
            "maxProperties",
            "x-python-type",
        ),
    }
    number = (*LOWER, *UPPER, "multipleOf")
    return frozenset(words.get(kind, number if kind in ("integer", "number") else ()))
