"""The nodes of a predicate: immutable, hashable, nothing but structure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

Json: TypeAlias = Any


def frozen(value: Json) -> Json:
    """The value with its lists made tuples."""
    if isinstance(value, list | tuple):
        return tuple(map(frozen, value))
    if isinstance(value, Mapping):
        return {key: frozen(item) for key, item in value.items()}
    return value


def identity(value: Json) -> tuple[Any, ...]:
    """A hashable thing that is equal for equal JSON of the same types only; NaN is equal to itself."""
    if isinstance(value, tuple | list):
        return ("list", *map(identity, value))
    if isinstance(value, frozenset):
        return ("set", frozenset(map(identity, value)))
    if isinstance(value, Mapping):
        return ("dict", *((key, identity(item)) for key, item in value.items()))
    if isinstance(value, float):
        return ("float", repr(value))
    return (type(value).__name__, value)


@dataclass(frozen=True)
class Field:
    """What a parameter is: `("a",)` is `a`, `("a", "b")` the key `b` of the object `a`."""

    path: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Const:
    """A JSON value. Lists are kept as tuples; a frozenset stands for a set of the engine's.

    Unlike in Python, `Const(True)`, `Const(1)` and `Const(1.0)` are three different constants.
    """

    value: Json

    def __post_init__(self) -> None:
        object.__setattr__(self, "value", frozen(self.value))
        object.__setattr__(self, "_key", identity(self.value))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Const) and self._key == other._key  # type: ignore[attr-defined]

    def __hash__(self) -> int:
        return hash(self._key)  # type: ignore[attr-defined]


TRUE, FALSE, NONE = Const(True), Const(False), Const(None)


@dataclass(frozen=True)
class Var:
    """The item that an `Each` around it is at."""

    name: str


@dataclass(frozen=True)
class Op:
    """An operator or a function; `OPERATORS` and `FUNCTIONS` say how many arguments each takes."""

    name: str
    args: tuple[Expr, ...]

    def __hash__(self) -> int:
        return _remembered(self, (self.name, self.args))


@dataclass(frozen=True)
class Each:
    """`any(body for var in over)`, `all(...)`, or the list `[body for var in over if only]`."""

    kind: Literal["any", "all", "list"]
    var: str
    over: Expr
    body: Expr
    only: Expr = TRUE

    def __hash__(self) -> int:
        return _remembered(self, (self.kind, self.var, self.over, self.body, self.only))


def _remembered(node: Op | Each | Opaque, parts: tuple[Any, ...]) -> int:
    """The hash of a node that may be large, computed once."""
    known: int | None = node.__dict__.get("_hash")
    if known is None:
        known = hash(parts)
        object.__setattr__(node, "_hash", known)
    return known


@dataclass(frozen=True)
class Opaque:
    """A clause that cannot be translated, as its source text; it has no value.

    `environment`: it is about the machine, the platform or installed packages, not about the configuration.
    """

    text: str
    fields: tuple[Field, ...] = ()
    environment: bool = False

    def __hash__(self) -> int:
        return _remembered(self, (self.text, self.fields, self.environment))


Expr: TypeAlias = Field | Const | Var | Op | Each | Opaque

ANY_NUMBER = 99
OPERATORS: Mapping[str, tuple[int, int]] = {
    **dict.fromkeys(("and", "or"), (0, ANY_NUMBER)),
    **dict.fromkeys(("==", "!=", "<", "<=", ">", ">=", "in", "not_in"), (2, 2)),
    **dict.fromkeys(("+", "-", "*", "/", "//", "%", "**", "&", "|", "^", "<<", ">>"), (2, 2)),
    **dict.fromkeys(("not", "neg"), (1, 1)),
    "if": (3, 3),
    "slice": (3, 3),
    **dict.fromkeys(("list", "set", "dict"), (0, 100_000)),
}
"""Name of an operator → how many arguments it takes, at least and at most. `if` is (condition, then, else);
`slice` is `x[start:end]`; `list`, `set` take items; `dict` takes keys and values in turn."""

FUNCTIONS: Mapping[str, tuple[int, int]] = {
    **dict.fromkeys(("given", "raw", "type", "truth", "raises"), (1, 1)),
    **dict.fromkeys(("len", "int", "float", "str", "abs", "sum", "sorted", "keys", "values"), (1, 1)),
    **dict.fromkeys(("unique", "sqrt", "log2"), (1, 1)),
    **dict.fromkeys(("min", "max"), (1, ANY_NUMBER)),
    "round": (1, 2),
    **dict.fromkeys(("floor", "ceil", "isint", "isnan", "isinf", "isfinite"), (1, 1)),
    **dict.fromkeys(("lower", "upper", "title", "capitalize", "casefold"), (1, 1)),
    **dict.fromkeys(("isdigit", "isalpha", "isalnum", "isnumeric", "isspace", "isidentifier"), (1, 1)),
    **dict.fromkeys(("removeprefix", "removesuffix", "find", "count", "join"), (2, 2)),
    **dict.fromkeys(("strip", "lstrip", "rstrip", "split"), (1, 2)),
    **dict.fromkeys(("startswith", "endswith", "matches", "fullmatch", "same"), (2, 2)),
    "replace": (3, 3),
    "get": (2, 3),
    **dict.fromkeys(("conforms", "convert"), (2, 2)),
}
"""Name of a function → how many arguments it takes, at least and at most."""
