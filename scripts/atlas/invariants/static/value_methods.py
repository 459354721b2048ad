"""Methods of values of the user's: strings, lists, dicts, numbers."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from atlas.invariants.model import Json
from atlas.invariants.predicate import NONE, TRUE, Const, Expr, Opaque, Var
from atlas.invariants.static.iteration import variable
from atlas.invariants.static.lowering import lowered
from atlas.invariants.static.measure import opaque_in
from atlas.invariants.static.objects import Item, Sequence
from atlas.invariants.static.state import State
from atlas.invariants.static.strings import formatted, text
from atlas.invariants.static.terms import and_, op, or_, type_in
from atlas.invariants.static.values import (
    Mapped,
    Text,
    Value,
)

if TYPE_CHECKING:
    from atlas.invariants.static.machine import Machine

_MOST_DICTS = 8
_STRINGS: Mapping[str, tuple[int, int]] = {
    **dict.fromkeys(("lower", "upper", "title", "capitalize", "casefold"), (0, 0)),
    **dict.fromkeys(("isdigit", "isalpha", "isalnum", "isnumeric", "isspace", "isidentifier"), (0, 0)),
    **dict.fromkeys(("strip", "lstrip", "rstrip", "split"), (0, 1)),
    **dict.fromkeys(("startswith", "endswith", "removeprefix", "removesuffix", "find", "count"), (1, 1)),
    "replace": (2, 2),
}
"""Methods of texts, and how many arguments each takes."""


def of_expression(
    m: Machine,
    owner: Expr,
    name: str,
    given: list[Value],
    keywords: Mapping[str, Value],
    node: ast.AST,
    state: State,
) -> Value | None:
    if name == "format" and isinstance(owner, Const) and isinstance(owner.value, str):
        return formatted(m, owner.value, given, keywords, state)
    if name == "join" and isinstance(owner, Const):
        return _joined(owner, given, state)
    if name == "get" and isinstance(owner, Const) and isinstance(owner.value, dict) and 0 < len(given) < 3:
        found = _by_unknown(owner.value, given)
        if found is not None:
            return found
    sides = [lowered(one, state) for one in given]
    if isinstance(owner, Opaque) or keywords or any(one is None or isinstance(one, Opaque) for one in sides):
        return None
    arguments = [one for one in sides if one is not None]
    if name in _STRINGS:
        return _string(name, owner, arguments)
    rule = _VALUES.get(name)
    return rule(owner, arguments, state) if rule else None


def _by_unknown(table: Mapping[str, Json], given: list[Value]) -> Value | None:
    """`TABLE.get(key)` of an unknown key: nothing where the table is empty.

    A small table of dicts holds what is special for a few kinds of the environment: taken as none of them,
    as rules that hold for such a one only cannot be told from the rest by what is known here.
    """
    key, default = given[0], given[1] if len(given) > 1 else NONE
    special = isinstance(key, Opaque) and len(table) <= _MOST_DICTS
    return default if special and all(isinstance(one, dict) for one in table.values()) else None


def _string(name: str, owner: Expr, arguments: list[Expr]) -> Value | None:
    least, most = _STRINGS[name]
    if not least <= len(arguments) <= most:
        return None
    if name in ("startswith", "endswith") and isinstance(arguments[0], Const):
        options = arguments[0].value
        if isinstance(options, tuple):
            return or_(*(op(name, owner, Const(one)) for one in options))
    return op(name, owner, *arguments)


def _joined(owner: Const, given: list[Value], state: State) -> Value | None:
    thing = state.object(given[0]) if given else None
    if isinstance(thing, Sequence) and thing.unknown is None:
        parts: list[str | Expr] = []
        for at, item in enumerate(thing.items):
            its = lowered(item.value, state)
            if item.when != TRUE or its is None:
                return Text((Opaque("…", (), False),))
            parts += [str(owner.value)] if at else []
            if isinstance(item.value, Text):
                parts += item.value.parts
            else:
                parts.append(str(its.value) if isinstance(its, Const) else its)
        return text(parts)
    its = lowered(given[0], state) if given else None
    if its is not None and not any(opaque_in(its)):
        return op("join", owner, its)
    return Text((Opaque("…", (), False),))


def _get(owner: Expr, arguments: list[Expr], state: State) -> Value | None:
    if len(arguments) == 1:
        return op("get", owner, arguments[0], NONE)
    return op("get", owner, *arguments) if len(arguments) == 2 else None


def _keys(owner: Expr, arguments: list[Expr], state: State) -> Value | None:
    return op("keys", owner)


def _values(owner: Expr, arguments: list[Expr], state: State) -> Value | None:
    return op("values", owner)


def _items(owner: Expr, arguments: list[Expr], state: State) -> Value | None:
    var = variable("key", state)
    pair = state.new(Sequence("tuple", (Item(Var(var)), Item(op("get", owner, Var(var))))))
    return Mapped("list", var, op("keys", owner), TRUE, pair)


def _is_integer(owner: Expr, arguments: list[Expr], state: State) -> Value | None:
    return and_(type_in(owner, ("int", "float", "bool")), op("isint", owner))


def _same(owner: Expr, arguments: list[Expr], state: State) -> Value | None:
    return owner


_VALUES: Mapping[str, Callable[[Expr, list[Expr], State], Value | None]] = {
    "get": _get,
    "keys": _keys,
    "values": _values,
    "items": _items,
    "is_integer": _is_integer,
    "copy": _same,
}
