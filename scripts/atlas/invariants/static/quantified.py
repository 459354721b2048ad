"""What is left of the changes that a loop makes whose items are not known."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from atlas.invariants.predicate import FALSE, TRUE, Each, Expr, Op, Opaque
from atlas.invariants.static.measure import mentions
from atlas.invariants.static.objects import Instance, Item, Object, Sequence, Table
from atlas.invariants.static.state import State, condition_of, joined
from atlas.invariants.static.terms import and_, if_, is_boolean
from atlas.invariants.static.values import Absent, Choice, Mapped, Text, Value, is_expr

if TYPE_CHECKING:
    from atlas.invariants.static.machine import Machine


def returns(m: Machine, start: int, var: str, state: State) -> None:
    """Values that a `return` in the loop gives, without the item: which one it is nobody knows."""
    for at in range(start, len(m.frame.returns)):
        value, found = m.frame.returns[at]
        if _mentions(value, var):
            m.frame.returns[at] = (m.unknown(value, state), found)


def forget(m: Machine, node: ast.For, mapped: Mapped, ends: list[State], state: State) -> None:
    """After the loop: a flag is `any` or `all`, a list has some items more, the rest is unknown."""
    if not ends:
        return
    base = len(state.path) + 1
    conditions = [condition_of(end.path[base:]) for end in ends]
    after = joined(state, list(zip(conditions, ends, strict=True)))
    for name, value in after.names.items():
        before = state.names.get(name, Absent())
        if value != before:
            state.names[name] = _settled(m, before, value, mapped, node, state)
    for at, thing in after.heap.items():
        before_thing = state.heap.get(at)
        if before_thing is not None and thing is not before_thing:
            state.heap[at] = _settled_object(m, before_thing, thing, mapped, node, state)
        elif before_thing is None:
            state.heap[at] = thing


def _settled(m: Machine, before: Value, value: Value, mapped: Mapped, node: ast.AST, state: State) -> Value:
    if not is_expr(value) or not is_expr(before):
        return (
            value
            if not _mentions(value, mapped.var) and isinstance(before, Absent)
            else m.opaque(node, state, mapped.over, environment=False)
        )
    assert is_expr(value)
    its: Expr = value
    old: Expr = before
    if isinstance(its, Op) and its.name == "if" and old in its.args[1:]:
        condition, then, other = its.args
        if other == old and not mentions(then, mapped.var):
            return if_(Each("any", mapped.var, mapped.over, and_(mapped.condition, condition)), then, old)
    if is_boolean(its) and old in (TRUE, FALSE) and mapped.condition == TRUE:
        return Each("any" if old == FALSE else "all", mapped.var, mapped.over, its)
    return m.opaque(node, state, its, old, mapped.over, environment=False)


def _settled_object(
    m: Machine, before: Object, after: Object, mapped: Mapped, node: ast.AST, state: State
) -> Object:
    unknown = m.opaque(node, state, mapped.over, environment=False)
    if isinstance(after, Sequence) and isinstance(before, Sequence):
        shared = len(before.items)
        if after.items[:shared] != before.items or after.unknown is not before.unknown:
            return replace(after, items=(), unknown=unknown)
        more = tuple(
            Item(
                item.value,
                Each("any", mapped.var, mapped.over, and_(mapped.condition, item.when)),
                many=True,
            )
            for item in after.items[shared:]
        )
        return replace(after, items=(*before.items, *more))
    if isinstance(after, Table):
        return replace(after, items={}, unknown=unknown)
    if isinstance(after, Instance) and isinstance(before, Instance):
        attrs = {
            name: value
            if value == before.attrs.get(name)
            else _settled(m, before.attrs.get(name, Absent()), value, mapped, node, state)
            for name, value in after.attrs.items()
        }
        return replace(after, attrs=attrs)
    return after


def _mentions(value: Value, var: str) -> bool:
    if is_expr(value):
        return mentions(value, var)
    if isinstance(value, Text):
        return any(not isinstance(part, str) and mentions(part, var) for part in value.parts)
    if isinstance(value, Choice):
        return mentions(value.condition, var) or _mentions(value.then, var) or _mentions(value.other, var)
    return not isinstance(value, Absent)


def havoc(m: Machine, node: ast.AST, inner: State, state: State) -> None:
    """Forget every variable that a loop assigns, and every object that it changed."""
    unknown = m.opaque(node, state, environment=False)
    for name, value in inner.names.items():
        if value != state.names.get(name, Absent()):
            state.names[name] = unknown
    for at, thing in inner.heap.items():
        before = state.heap.get(at)
        if before is not None and before is not thing:
            state.heap[at] = _unknown_object(before, thing, unknown)


def _unknown_object(before: Object, after: Object, unknown: Opaque) -> Object:
    if isinstance(after, Instance) and isinstance(before, Instance):
        old: Mapping[str, Value] = before.attrs
        return replace(
            after,
            attrs={name: value if value == old.get(name) else unknown for name, value in after.attrs.items()},
        )
    if isinstance(after, Sequence):
        return replace(after, items=(), unknown=unknown)
    return replace(after, items={}, unknown=unknown) if isinstance(after, Table) else after
