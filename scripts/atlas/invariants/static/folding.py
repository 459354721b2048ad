"""Operators and functions of the predicate language on constants, as Python computes them."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping
from functools import partial
from operator import methodcaller
from typing import Any

from atlas.invariants.predicate import Const
from atlas.schema.static.operations import apply

_FAILURES = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, RecursionError)
_LONGEST = 2_000
_KINDS = {bool: "bool", int: "int", float: "float", str: "str", tuple: "list", dict: "dict"}


def fold(name: str, values: list[Any]) -> Const | None:
    """The result as a constant; None where Python raises or the result is nothing JSON can hold."""
    rule = _RULES.get(name)
    if rule is None:
        return None
    try:
        result = rule(*values)
    except _FAILURES:
        return None
    if isinstance(result, complex) or (isinstance(result, str | tuple) and len(result) > _LONGEST):
        return None
    return Const(result)


_TESTS = ("isdigit", "isalpha", "isalnum", "isnumeric", "isspace", "isidentifier")
_ARITHMETIC: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
    "**": operator.pow,
    "&": operator.and_,
    "|": operator.or_,
    "^": operator.xor,
    "<<": operator.lshift,
}


def _get(container: Any, key: Any, default: Any = None) -> Any:
    return container.get(key, default) if isinstance(container, dict) else container[key]


_RULES: Mapping[str, Callable[..., Any]] = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "in": lambda a, b: a in b,
    "not_in": lambda a, b: a not in b,
    **{symbol: partial(apply, step) for symbol, step in _ARITHMETIC.items()},
    "neg": lambda a: -a,
    "len": len,
    "int": int,
    "float": float,
    "str": str,
    "abs": abs,
    "min": min,
    "max": max,
    "round": round,
    "floor": math.floor,
    "ceil": math.ceil,
    "isnan": math.isnan,
    "isinf": math.isinf,
    "isfinite": math.isfinite,
    "lower": lambda a: a.lower(),
    "upper": lambda a: a.upper(),
    "strip": lambda a, *b: a.strip(*b),
    "lstrip": lambda a, *b: a.lstrip(*b),
    "rstrip": lambda a, *b: a.rstrip(*b),
    "split": lambda a, *b: tuple(a.split(*b)),
    "replace": lambda a, b, c: a.replace(b, c),
    **{name: methodcaller(name) for name in _TESTS},
    "title": lambda a: a.title(),
    "capitalize": lambda a: a.capitalize(),
    "casefold": lambda a: a.casefold(),
    "removeprefix": lambda a, b: a.removeprefix(b),
    "removesuffix": lambda a, b: a.removesuffix(b),
    "find": lambda a, b: a.find(b),
    "count": lambda a, b: a.count(b),
    "join": lambda a, b: a.join(b),
    "slice": lambda a, start, end: a[start:end],
    "unique": lambda a: tuple(dict.fromkeys(a)),
    "sqrt": math.sqrt,
    "log2": math.log2,
    "startswith": lambda a, b: a.startswith(b),
    "endswith": lambda a, b: a.endswith(b),
    "matches": lambda pattern, a: re.search(pattern, a) is not None,
    "fullmatch": lambda pattern, a: re.fullmatch(pattern, a) is not None,
    "get": _get,
    "keys": tuple,
    "values": lambda a: tuple(a.values()),
    "sum": sum,
    "sorted": lambda a: tuple(sorted(a)),
    "type": lambda a: "null" if a is None else _KINDS[type(a)],
}
