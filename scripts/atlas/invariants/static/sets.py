"""Differences and intersections of sets: which items of the left one are kept."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import TYPE_CHECKING

from atlas.invariants.predicate import FALSE, TRUE, Const, Expr, Op, Opaque, Var
from atlas.invariants.static.comparison import contained
from atlas.invariants.static.iteration import known_items, variable
from atlas.invariants.static.objects import Item, Sequence, Table
from atlas.invariants.static.state import State
from atlas.invariants.static.terms import and_, not_
from atlas.invariants.static.values import Mapped, Value

if TYPE_CHECKING:
    from atlas.invariants.static.machine import Machine


def among(
    m: Machine, sign: ast.operator, left: Value, right: Value, node: ast.AST, state: State
) -> Value | None:
    """`left - right`, `left & right`; None where the left side is not known to be a set."""
    if not _is_set(right, state):
        return None
    mapped = _users(left, state)
    if mapped is not None:
        its = _kept(m, sign, mapped.value, right, node, state)
        if its is None:
            return None
        return replace(mapped, kind="set", condition=and_(mapped.condition, its), each=False)
    items = known_items(m, left, state) if _is_set(left, state) else None
    if items is None:
        return None
    found: list[Item] = []
    for when, item in items:
        its = _kept(m, sign, item, right, node, state)
        if its is None:
            return None
        if (there := and_(when, its)) != FALSE:
            found.append(Item(item, there))
    return state.new(Sequence("set", tuple(found)))


def _kept(
    m: Machine, sign: ast.operator, item: Value, right: Value, node: ast.AST, state: State
) -> Expr | None:
    inside = contained(m, item, right, state, node)
    if isinstance(inside, Opaque):
        return None
    return inside if isinstance(sign, ast.BitAnd) else not_(inside)


def _users(value: Value, state: State) -> Mapped | None:
    """A set that is made of what the user gave."""
    if isinstance(value, Mapped) and value.kind == "set":
        return value
    if isinstance(value, Op) and value.name == "keys":
        var = variable("key", state)
        return Mapped("set", var, value, TRUE, Var(var))
    return None


def _is_set(value: Value, state: State) -> bool:
    thing = state.object(value)
    if isinstance(thing, Sequence):
        return thing.kind in ("set", "frozenset")
    if isinstance(value, Const):
        return isinstance(value.value, frozenset)
    return isinstance(thing, Table) or (isinstance(value, Mapped) and value.kind == "set")
