"""Tests: expressions of which only the truth counts."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from atlas.invariants.predicate import FALSE, TRUE, Const, Each, Expr
from atlas.invariants.static.comparison import compare
from atlas.invariants.static.dead import DeadError
from atlas.invariants.static.objects import Instance, Sequence, Table
from atlas.invariants.static.state import State
from atlas.invariants.static.terms import and_, if_, not_, or_, truth
from atlas.invariants.static.values import (
    Absent,
    Choice,
    Count,
    EnumValue,
    GivenNames,
    Mapped,
    Text,
    UserItem,
    UserKeywords,
    Value,
    is_expr,
)

if TYPE_CHECKING:
    from atlas.invariants.static.machine import Machine

Test = Callable[["Machine", "ast.AST", State], Expr]


def truth_of(m: Machine, value: Value, state: State, node: ast.AST) -> Expr:
    """What `bool(value)` is."""
    if is_expr(value):
        return truth(value)
    if isinstance(value, Choice):
        return if_(
            value.condition,
            truth_of(m, value.then, state, node),
            truth_of(m, value.other, state, node),
        )
    if isinstance(value, Mapped):
        if value.condition == TRUE:
            return truth(value.over)
        return Each("any", value.var, value.over, value.condition)
    if isinstance(value, EnumValue):
        return TRUE
    if isinstance(value, Count):
        return or_(*value.whens)
    if isinstance(value, Text):
        fixed = any(isinstance(part, str) and part for part in value.parts)
        return TRUE if fixed else m.opaque(node, state, value)
    if isinstance(value, Absent):
        return FALSE
    if isinstance(value, UserKeywords | GivenNames | UserItem):
        return m.opaque(node, state, value, environment=False)
    return _of_object(m, value, state, node)


def _of_object(m: Machine, value: Value, state: State, node: ast.AST) -> Expr:
    thing = state.object(value)
    if isinstance(thing, Sequence | Table):
        items = thing.items if isinstance(thing, Sequence) else thing.items.values()
        filled = or_(*(item.when for item in items))
        m.asked(value, filled)
        return filled if thing.unknown is None else or_(filled, thing.unknown)
    if isinstance(thing, Instance):
        for name in ("__bool__", "__len__"):
            if m.reader.classifier.owner(thing.cls, name) is not None:
                return m.opaque(node, state, value, environment=False)
    return TRUE


def _boolean(m: Machine, node: ast.BoolOp, state: State) -> Expr:
    """`and`, `or`: what stands later is evaluated only where what stands before does not decide."""
    is_and = isinstance(node.op, ast.And)
    parts: list[Expr] = []
    base, inner = state.path, state
    for part in node.values:
        known = and_(*parts) if is_and else not_(or_(*parts))
        if known == FALSE:
            break
        try:
            parts.append(m.test(part, inner))
        except DeadError:
            parts.append(FALSE)
            break
        inner.path = (*base, *_guards(parts, is_and))
    state.path = base
    return and_(*parts) if is_and else or_(*parts)


def _guards(parts: list[Expr], is_and: bool) -> list[Expr]:
    guards = [part if is_and else not_(part) for part in parts]
    return [one for one in guards if one != TRUE]


def _not(m: Machine, node: ast.UnaryOp, state: State) -> Expr:
    if isinstance(node.op, ast.Not):
        return not_(m.test(node.operand, state))
    return truth_of(m, m.value(node, state), state, node)


def _compare(m: Machine, node: ast.Compare, state: State) -> Expr:
    return compare(m, node, state)


def _constant(m: Machine, node: ast.Constant, state: State) -> Expr:
    return truth(Const(bool(node.value)))


def _conditional(m: Machine, node: ast.IfExp, state: State) -> Expr:
    condition = m.test(node.test, state)
    if isinstance(condition, Const):
        return m.test(node.body if condition.value else node.orelse, state)
    base = state.path
    state.path = (*base, condition)
    then = m.test(node.body, state)
    state.path = (*base, not_(condition))
    other = m.test(node.orelse, state)
    state.path = base
    return if_(condition, then, other)


TESTS: Mapping[type[ast.AST], Any] = {
    ast.BoolOp: _boolean,
    ast.UnaryOp: _not,
    ast.Compare: _compare,
    ast.Constant: _constant,
    ast.IfExp: _conditional,
}
