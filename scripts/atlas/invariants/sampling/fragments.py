"""JSON values of a type: what people write for it, and whether a given value is of it.

The fragments are those of the schema artefact. An object of a class of the engine's is, in JSON, an object.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from itertools import islice, product

from atlas.invariants.model import Json
from atlas.invariants.sampling.values import distinct, is_number

Fragment = Mapping[str, Json]

INTEGERS = (1, 0, 2, 3, 4, 8, -1, -2, 5, 16, 64, 100, 128, 1024, 4096, 10**6)
FLOATS = (0.5, 1.0, 0.0, 0.9, -1.0, 0.1, 1e-3, 1.5, 2.0, -0.5, 0.7, 10.0, 100.0, 1e-9, 0, 1, 2)
STRINGS = ("auto", "a", "", "none", "float16", "/nowhere", "a,b", "a:b", "<eos>", "5", "1.5")
ANYTHING: tuple[Json, ...] = (
    True, 1, 0.5, "auto", None, False, 0, 2, 8, -1, 1.0, -0.5, "a", "", [], [1], ["a"], {}, {"a": 1},
)  # fmt: skip
DTYPES = ("auto", "float16", "bfloat16", "float32")
LONGEST = 8
"""How many items the longest list has."""
BOUNDS: dict[str, Callable[[Json, Json], bool]] = {
    "minimum": lambda value, bound: value >= bound,
    "exclusiveMinimum": lambda value, bound: value > bound,
    "maximum": lambda value, bound: value <= bound,
    "exclusiveMaximum": lambda value, bound: value < bound,
    "multipleOf": lambda value, bound: value % bound == 0,
}
SIZES = {
    "minLength": 0, "minItems": 0, "minProperties": 0, "maxLength": 1, "maxItems": 1, "maxProperties": 1,
}  # fmt: skip
PYTHON_TYPES: dict[str, tuple[type, ...]] = {
    "null": (type(None),), "boolean": (bool,), "integer": (int,), "number": (int, float), "string": (str,),
    "array": (list,), "object": (dict,),
}  # fmt: skip


def is_untyped(fragment: Fragment) -> bool:
    """Whether nothing is known of the type, or everything is allowed."""
    return not fragment or "x-unknown" in fragment


def kinds(fragment: Fragment) -> list[str]:
    """The JSON types that a fragment names itself."""
    found = fragment.get("type", [])
    return [found] if isinstance(found, str) else list(found)


def alternatives(fragment: Fragment) -> list[Fragment]:
    """The fragments of which a value must match one."""
    if "anyOf" not in fragment:
        return [fragment]
    return [leaf for one in fragment["anyOf"] for leaf in alternatives(one)]


def examples(fragment: Fragment) -> tuple[Json, ...]:
    """Values of a type, the most ordinary first, none outside its bounds."""
    found = [value for one in alternatives(fragment) for value in _of_one(one)]
    return distinct(value for value in found if accepts(fragment, value))


def accepts(fragment: Fragment, value: Json) -> bool:
    """Whether a value is of the type and within its bounds, with no conversion: 1.0 is no integer."""
    return any(_one_accepts(one, value) for one in alternatives(fragment))


def without_bounds(fragment: Fragment) -> Fragment:
    """The type alone, with no limit to numbers, sizes and texts."""
    if "anyOf" in fragment:
        return {**fragment, "anyOf": [without_bounds(one) for one in fragment["anyOf"]]}
    return {key: value for key, value in fragment.items() if key not in (*BOUNDS, *SIZES, "pattern")}


def _of_one(fragment: Fragment) -> list[Json]:
    if is_untyped(fragment):
        return list(ANYTHING)
    if "enum" in fragment or "const" in fragment:
        return list(fragment.get("enum", [fragment.get("const")]))
    makers: dict[str, Callable[[Fragment], list[Json]]] = {
        "null": lambda _: [None],
        "boolean": lambda _: [True, False],
        "integer": lambda one: [*_near_bounds(one, 1), *INTEGERS],
        "number": lambda one: [*_near_bounds(one, 0.01), *FLOATS],
        "string": _strings,
        "array": _arrays,
        "object": _objects,
    }
    return [value for kind in kinds(fragment) for value in makers[kind](fragment)]


def bounds(fragment: Fragment) -> tuple[Json, ...]:
    """The numbers that bound a type."""
    found = [one[key] for one in alternatives(fragment) for key in BOUNDS if key in one]
    return distinct(bound for bound in found if is_number(bound))


def _near_bounds(fragment: Fragment, step: float) -> list[Json]:
    near = [bound + sign * step for bound in bounds(fragment) for sign in (0, 1, -1)]
    return [*near, *(3 * bound for bound in [fragment.get("multipleOf")] if bound)]


def _strings(fragment: Fragment) -> list[Json]:
    listed = list(fragment.get("examples", []))
    dtypes = DTYPES if "dtype" in str(fragment.get("x-python-type", "")) else ()
    return [*listed, *dtypes, *STRINGS]


def _arrays(fragment: Fragment) -> list[Json]:
    if "prefixItems" in fragment:
        pools = [examples(one)[:3] for one in fragment["prefixItems"]]
        return [list(row) for row in islice(product(*pools), 8)]
    items = examples(fragment.get("items", {}))
    if not items:
        return [[]]
    some = list(items[:LONGEST])
    longest = (some * LONGEST)[:LONGEST]
    return [some[:1], [], some[:2], longest[:5], longest, *([one] for one in some[1:4])]


def _objects(fragment: Fragment) -> list[Json]:
    if "additionalProperties" not in fragment:
        return [{}] if "x-python-type" in fragment else [{}, {"a": 1}, {"a": "b"}]
    of_key = fragment.get("propertyNames", {}).get("pattern")
    keys = [key for key in ("a", "b", "0", "1", "5") if of_key is None or re.search(of_key, key)]
    found = examples(fragment["additionalProperties"])[:3]
    return [{}, *({key: one} for one in found for key in keys[:1]), dict(zip(keys[:2], found, strict=False))]


def _one_accepts(fragment: Fragment, value: Json) -> bool:
    if is_untyped(fragment):
        return True
    if "enum" in fragment or "const" in fragment:
        listed = fragment.get("enum", [fragment.get("const")])
        return any(type(one) is type(value) and one == value for one in listed)
    of_kind = [kind for kind in kinds(fragment) if _is_kind(value, kind)]
    return bool(of_kind) and _within(fragment, value) and _members_accepted(fragment, value)


def _is_kind(value: Json, kind: str) -> bool:
    return isinstance(value, PYTHON_TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))


def _within(fragment: Fragment, value: Json) -> bool:
    if is_number(value):
        return all(holds(value, fragment[key]) for key, holds in BOUNDS.items() if key in fragment)
    if not isinstance(value, str | list | dict):
        return True
    size = len(value)
    fits = all(
        (size <= fragment[key]) if upper else (size >= fragment[key])
        for key, upper in SIZES.items()
        if key in fragment
    )
    return fits and not (isinstance(value, str) and re.search(fragment.get("pattern", ""), value) is None)


def _members_accepted(fragment: Fragment, value: Json) -> bool:
    if isinstance(value, list):
        first = fragment.get("prefixItems", [])
        rest = fragment.get("items", {})
        heads = all(accepts(one, item) for one, item in zip(first, value, strict=False))
        tail = value[len(first) :]
        return heads and (not tail if rest is False else all(accepts(rest, item) for item in tail))
    if isinstance(value, dict):
        of_key = fragment.get("propertyNames", {}).get("pattern", "")
        keyed = all(re.search(of_key, key) for key in value)
        return keyed and all(accepts(fragment.get("additionalProperties", {}), one) for one in value.values())
    return True
