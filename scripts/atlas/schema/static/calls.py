"""The pure builtins and methods that the evaluator may call on constants."""

from __future__ import annotations

import math
import os.path
import re
from collections.abc import Callable, Mapping
from typing import Any

from atlas.schema.static.values import Unknown

_MAX_LENGTH = 20_000
_WIDTH = re.compile(r"\d+")

_BUILTINS: Mapping[str, Callable[..., Any]] = {
    "int": int,
    "float": float,
    "str": str,
    "bool": bool,
    "bytes": lambda value=b"": value if isinstance(value, bytes) else bytes(list(value)),
    "list": list,
    "tuple": tuple,
    "set": set,
    "frozenset": frozenset,
    "dict": dict,
    "len": len,
    "sorted": sorted,
    "reversed": lambda value: list(reversed(value)),
    "min": min,
    "max": max,
    "sum": sum,
    "abs": abs,
    "round": round,
    "any": any,
    "all": all,
    "enumerate": lambda value, start=0: list(enumerate(value, start)),
    "zip": lambda *values: list(zip(*values, strict=False)),
    "repr": repr,
    "ord": ord,
    "chr": chr,
    "divmod": divmod,
    "hex": hex,
}
_FIRST_ITERATES = frozenset(
    {"list", "tuple", "set", "frozenset", "sorted", "reversed", "enumerate", "sum", "any", "all"}
)
_OTHERS: Mapping[str, Callable[..., Any]] = {
    "types.MappingProxyType": dict,
    "collections.OrderedDict": dict,
    "math.sqrt": math.sqrt,
    "math.log": math.log,
    "math.log2": math.log2,
    "math.floor": math.floor,
    "math.ceil": math.ceil,
    "os.path.join": os.path.join,
    "typing.cast": lambda _kind, value: value,
}
_VALUES: Mapping[str, Any] = {
    "math.inf": math.inf,
    "math.nan": math.nan,
    "math.pi": math.pi,
    "math.e": math.e,
    "sys.maxsize": 2**63 - 1,
    "typing.TYPE_CHECKING": False,
    "builtins.True": True,
    "builtins.False": False,
    "builtins.None": None,
    "builtins.Ellipsis": ...,
    "logging.CRITICAL": 50,
    "logging.ERROR": 40,
    "logging.WARNING": 30,
    "logging.WARN": 30,
    "logging.INFO": 20,
    "logging.DEBUG": 10,
    "logging.NOTSET": 0,
}
_CONVERSIONS: Mapping[str, Callable[[Any], str]] = {"s": str, "r": repr, "a": ascii}
_METHODS: Mapping[type, frozenset[str]] = {
    str: frozenset(
        [
            "upper",
            "lower",
            "strip",
            "lstrip",
            "rstrip",
            "split",
            "rsplit",
            "splitlines",
            "join",
            "replace",
            "format",
            "title",
            "capitalize",
            "removeprefix",
            "removesuffix",
            "startswith",
            "endswith",
            "casefold",
            "swapcase",
            "partition",
            "rpartition",
            "count",
            "find",
            "index",
            "isdigit",
            "isalpha",
            "zfill",
            "encode",
        ]
    ),
    bytes: frozenset({"decode", "hex"}),
    dict: frozenset({"keys", "values", "items", "get", "copy"}),
    list: frozenset({"copy", "index", "count"}),
    tuple: frozenset({"index", "count"}),
    set: frozenset({"union", "intersection", "difference", "symmetric_difference", "copy"}),
    frozenset: frozenset({"union", "intersection", "difference", "symmetric_difference", "copy"}),
    int: frozenset({"bit_length"}),
    float: frozenset({"is_integer"}),
}


def short(dotted: str) -> str:
    """The last part of a dotted name."""
    return dotted.rpartition(".")[2]


def external_value(dotted: str, otherwise: Any) -> Any:
    """The constant behind a name of the standard library, where it is the same everywhere."""
    return _VALUES.get(dotted, otherwise)


def call_builtin(
    dotted: str,
    arguments: list[Any],
    keywords: Mapping[str, Any],
    iterate: Callable[[Any], list[Any]],
) -> Any:
    """The result of a pure builtin, or an Unknown where it is none; what it raises is for the caller."""
    name = short(dotted) if dotted.startswith("builtins.") else ""
    if name == "range":
        made = range(*arguments)
        return list(made) if len(made) <= _MAX_LENGTH else Unknown(dotted)
    function = _BUILTINS.get(name) or _OTHERS.get(dotted)
    if function is None or any(callable(value) for value in keywords.values()):
        return Unknown(dotted)
    if name in _FIRST_ITERATES and arguments:
        arguments = [iterate(arguments[0]), *arguments[1:]]
    if name == "len" and not isinstance(arguments[0], str | list | tuple | dict | set | frozenset):
        arguments = [iterate(arguments[0])]
    if name in ("int", "str", "float") and any(len(str(argument)) > 1000 for argument in arguments):
        return Unknown(dotted)
    return function(*arguments, **keywords)


def call_method(owner: Any, name: str, arguments: list[Any]) -> Any:
    """The result of a pure method of a constant; raises TypeError for any other."""
    allowed = _METHODS.get(type(owner), frozenset())
    if name not in allowed:
        raise TypeError(name)
    if name == "format" and (_too_wide(owner) or any(isinstance(one, dict) for one in arguments)):
        raise ValueError("too wide")
    if name in ("zfill", "replace", "join") and _result_too_long(owner, name, arguments):
        raise ValueError("too long")
    result = getattr(owner, name)(*arguments)
    return list(result) if name in ("keys", "values", "items") else result


def copied(value: Any) -> Any:
    """A copy that may be changed without changing the original constant."""
    return type(value)(value)


def formatted(value: Any, conversion: int, form: str) -> str:
    """One `{value!r:form}` of an f-string; `conversion` is the code of s, r or a, else -1."""
    if _too_wide(form):
        raise ValueError("too wide")
    if conversion != -1:
        value = _CONVERSIONS[chr(conversion)](value)
    return format(value, form)


def bounded_percent(left: str | bytes, right: Any) -> Any:
    if isinstance(left, bytes) or _too_wide(left):
        raise ValueError("too wide")
    return left % right


def _too_wide(form: str) -> bool:
    return any(len(width) > 3 for width in _WIDTH.findall(form)) or "*" in form


def _result_too_long(owner: Any, name: str, arguments: list[Any]) -> bool:
    if name == "zfill":
        return bool(arguments[0] > _MAX_LENGTH)
    if name == "replace":
        return len(owner) * (len(arguments[1]) + 1) > _MAX_LENGTH * 10
    return len(owner) * len(arguments[0]) > _MAX_LENGTH * 10
