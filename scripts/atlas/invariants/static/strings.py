"""Strings put together of values: f-strings, `%`, `.format`, `.join`."""

from __future__ import annotations

import ast
import re
import string
from collections.abc import Mapping
from typing import TYPE_CHECKING

from atlas.invariants.predicate import Const, Expr, Opaque
from atlas.invariants.static.lowering import lowered
from atlas.invariants.static.objects import Sequence
from atlas.invariants.static.state import State
from atlas.invariants.static.values import Known, Raised, Text, Value
from atlas.schema.static.calls import short

if TYPE_CHECKING:
    from atlas.invariants.static.machine import Machine

_PERCENT = re.compile(r"%(?:\((\w+)\))?[-+ #0]*\d*(?:\.\d+)?([diouxXeEfFgGcrsa%])")
_MAX_PARTS = 60


def joined(m: Machine, node: ast.JoinedStr, state: State) -> Value:
    parts: list[str | Expr] = []
    for part in node.values:
        if isinstance(part, ast.Constant):
            parts.append(str(part.value))
        elif isinstance(part, ast.FormattedValue):
            plain = part.format_spec is None
            parts += shown(m, m.value(part.value, state), state, part.value, part.conversion if plain else 0)
    return text(parts)


def text(parts: list[str | Expr]) -> Value:
    """Neighbouring constants become one; a text of constants only is one."""
    out: list[str | Expr] = []
    for part in parts[:_MAX_PARTS]:
        if isinstance(part, str) and out and isinstance(out[-1], str):
            out[-1] += part
        elif part != "":
            out.append(part)
    if not out:
        return Const("")
    if len(out) == 1 and isinstance(out[0], str):
        return Const(out[0])
    return Text(tuple(out))


def shown(m: Machine, value: Value, state: State, node: ast.AST, conversion: int = -1) -> list[str | Expr]:
    """What a value looks like in a text."""
    if isinstance(value, Text):
        return list(value.parts)
    if isinstance(value, Raised):
        return shown(m, value.message, state, node)
    if isinstance(value, Known):
        return [f"<class '{value.qualname}'>" if value.kind == "class" else short(value.qualname)]
    if isinstance(value, Const):
        if isinstance(value.value, frozenset):
            return [repr(set(value.value)) if len(value.value) < 2 else value]
        plain = value.value
        return [repr(plain) if conversion == 114 else str(plain)]
    its = lowered(value, state)
    return [its if its is not None else Opaque(type(node).__name__, (), False)]


def percent(m: Machine, left: Value, right: Value, state: State) -> Value | None:
    """`"… %s …" % value` and the arguments of a log call."""
    if not (isinstance(left, Const) and isinstance(left.value, str)):
        return None
    thing = state.object(right)
    if isinstance(thing, Sequence) and thing.kind == "tuple":
        arguments = [item.value for item in thing.items]
    elif isinstance(right, Const) and isinstance(right.value, tuple):
        arguments = [Const(one) for one in right.value]
    else:
        arguments = [right]
    return filled(m, left.value, arguments, state)


def filled(m: Machine, template: str, arguments: list[Value], state: State) -> Value:
    parts: list[str | Expr] = []
    rest = list(arguments)
    last = 0
    for found in _PERCENT.finditer(template):
        parts.append(template[last : found.start()])
        last = found.end()
        if found[2] == "%":
            parts.append("%")
        elif rest and found[1] is None:
            parts += shown(m, rest.pop(0), state, ast.Constant(None), 114 if found[2] == "r" else -1)
        else:
            parts.append(found[0])
    return text([*parts, template[last:]])


def formatted(
    m: Machine, template: str, arguments: list[Value], keywords: Mapping[str, Value], state: State
) -> Value | None:
    """`template.format(…)`."""
    parts: list[str | Expr] = []
    try:
        for at, (literal, name, _, conversion) in enumerate(string.Formatter().parse(template)):
            parts.append(literal)
            if name is None:
                continue
            position = at if name == "" else int(name) if name.isdigit() else None
            value = keywords.get(name) if position is None else arguments[position]
            if value is None:
                return None
            parts += shown(m, value, state, ast.Constant(None), ord(conversion) if conversion else -1)
    except (ValueError, IndexError):
        return None
    return text(parts)
