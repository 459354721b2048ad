"""The operations of the language on JSON values."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

from atlas.invariants.predicate.containers import (
    as_dict,
    as_list,
    as_set,
    count_of,
    joined,
    keys_of,
    part_of,
    unique,
    values_of,
)
from atlas.invariants.predicate.errors import Unknown
from atlas.invariants.predicate.expr import Json
from atlas.invariants.predicate.limits import (
    MAX_ITEMS,
    add,
    modulo,
    multiply,
    power,
    rounded,
    shift_left,
)
from atlas.invariants.predicate.missing import MISSING, known
from atlas.invariants.predicate.patterns import searched

NUMBERS = ("bool", "float", "int")
SIZED = ("dict", "list", "set", "str")

_TYPE_NAMES: Mapping[type, str] = {
    type(None): "null",
    bool: "bool",
    int: "int",
    float: "float",
    str: "str",
    list: "list",
    tuple: "list",
    dict: "dict",
    frozenset: "set",
}


def type_name(value: Json) -> str:
    """`null`, `bool`, `int`, `float`, `str`, `list`, `dict` or `set` (of an engine's)."""
    if value is MISSING:
        raise Unknown
    return _TYPE_NAMES.get(type(value)) or _inherited(value)


def _inherited(value: Json) -> str:
    return next((name for kind, name in _TYPE_NAMES.items() if isinstance(value, kind)), "object")


def is_in(value: Json, container: Json) -> bool:
    return known(value) in container


def look_up(container: Json, key: Json, *default: Json) -> Json:
    """`container[key]`, or with a default `container.get(key, default)`."""
    if not default:
        return container[key]
    if not isinstance(container, dict):
        raise AttributeError("get")
    return container.get(key, known(default[0]))


def is_integral(value: Json) -> bool:
    """Whether the value is a number without a fraction; no bool is."""
    kind = type_name(value)
    return kind == "int" or (kind == "float" and value.is_integer())


def same(left: Json, right: Json) -> bool:
    """Equal as JSON: 1 is 1.0 but not true, not-a-number is itself, and keys are text."""
    if isinstance(left, bool) or isinstance(right, bool):
        return known(left) is known(right)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        other = {str(key): value for key, value in right.items()}
        named = {str(key): value for key, value in left.items()}
        return named.keys() == other.keys() and all(same(value, other[key]) for key, value in named.items())
    return bool(left == right) or bool(left != left and right != right)


def as_text(value: Json) -> str:
    """`str`; a set is written in an order that changes from one run to the next."""
    if _holds_set(value):
        raise Unknown
    return str(value)


def _holds_set(value: Json) -> bool:
    if isinstance(value, list):
        return any(map(_holds_set, value))
    if isinstance(value, dict):
        return any(map(_holds_set, value.values()))
    return isinstance(value, frozenset)


def _text(method: Callable[..., Any]) -> Callable[..., Any]:
    def apply(value: Json, *args: Json) -> Any:
        if not isinstance(known(value), str):
            raise AttributeError(method.__name__)
        return method(value, *(tuple(arg) if isinstance(arg, list) else arg for arg in args))

    return apply


def _replaced(text: str, old: Json, new: Json) -> str:
    if text.count(old) * max(len(new) - len(old), 0) > MAX_ITEMS:
        raise Unknown
    return text.replace(old, new)


CALLS: Mapping[str, Callable[..., Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "in": is_in,
    "not_in": lambda value, container: not is_in(value, container),
    "+": add,
    "-": operator.sub,
    "*": multiply,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": modulo,
    "**": power,
    "&": operator.and_,
    "|": operator.or_,
    "^": operator.xor,
    "<<": shift_left,
    ">>": operator.rshift,
    "neg": operator.neg,
    "list": as_list,
    "set": as_set,
    "dict": as_dict,
    "type": type_name,
    "truth": bool,
    "len": len,
    "int": int,
    "float": float,
    "str": as_text,
    "abs": abs,
    "sum": sum,
    "sorted": sorted,
    "unique": unique,
    "slice": part_of,
    "join": joined,
    "count": count_of,
    "sqrt": math.sqrt,
    "log2": math.log2,
    "keys": keys_of,
    "values": values_of,
    "min": min,
    "max": max,
    "round": rounded,
    "floor": math.floor,
    "ceil": math.ceil,
    "isint": is_integral,
    "isnan": math.isnan,
    "isinf": math.isinf,
    "isfinite": math.isfinite,
    "lower": _text(str.lower),
    "upper": _text(str.upper),
    "title": _text(str.title),
    "capitalize": _text(str.capitalize),
    "casefold": _text(str.casefold),
    "isdigit": _text(str.isdigit),
    "isalpha": _text(str.isalpha),
    "isalnum": _text(str.isalnum),
    "isnumeric": _text(str.isnumeric),
    "isspace": _text(str.isspace),
    "isidentifier": _text(str.isidentifier),
    "removeprefix": _text(str.removeprefix),
    "removesuffix": _text(str.removesuffix),
    "find": _text(str.find),
    "strip": _text(str.strip),
    "lstrip": _text(str.lstrip),
    "rstrip": _text(str.rstrip),
    "split": _text(str.split),
    "startswith": _text(str.startswith),
    "endswith": _text(str.endswith),
    "replace": _text(_replaced),
    "get": look_up,
    "same": same,
    "matches": lambda pattern, text: searched(pattern, text, whole=False),
    "fullmatch": lambda pattern, text: searched(pattern, text, whole=True),
}
"""Every operation whose value depends on those of its arguments alone."""
