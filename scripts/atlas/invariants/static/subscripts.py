"""Items of containers."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from atlas.invariants.predicate import NONE, TRUE, Const, Expr, Opaque
from atlas.invariants.static import enums
from atlas.invariants.static.comparison import equal
from atlas.invariants.static.lowering import lowered
from atlas.invariants.static.measure import opaque_in
from atlas.invariants.static.objects import Sequence, Table
from atlas.invariants.static.state import State
from atlas.invariants.static.terms import and_, not_, op, or_
from atlas.invariants.static.values import Choice, Known, Method, Value, combined, is_expr, merge
from atlas.schema.static.values import Member

if TYPE_CHECKING:
    from atlas.invariants.static.machine import Machine


def subscript(m: Machine, node: ast.Subscript, state: State) -> Value:
    owner = m.value(node.value, state)
    if isinstance(owner, Known):
        return _of_class(m, owner, node, state)
    if isinstance(node.slice, ast.Slice):
        return _slice(m, owner, node, node.slice, state)
    return item(m, owner, m.value(node.slice, state), node, state)


def _slice(m: Machine, owner: Value, node: ast.Subscript, part: ast.Slice, state: State) -> Value:
    """`owner[start:end]`"""
    if isinstance(owner, Choice):
        then, other = (_slice(m, one, node, part, state) for one in (owner.then, owner.other))
        return merge(owner.condition, then, other)
    ends = [NONE if one is None else lowered(m.value(one, state), state) for one in (part.lower, part.upper)]
    its, step = lowered(owner, state), part.step
    known = [one for one in (its, *ends) if one is not None and not isinstance(one, Opaque)]
    if step is not None or len(known) != 3:
        return m.opaque(node, state, owner)
    return op("slice", *known)


def _of_class(m: Machine, owner: Known, node: ast.Subscript, state: State) -> Value:
    """`SomeEnum["NAME"]`, or a generic class with its arguments."""
    if enums.members(m, owner) is None:
        return owner if owner.kind == "class" else m.opaque(node, state)
    return enums.by_name(m, owner, m.value(node.slice, state), node, state)


def item(m: Machine, owner: Value, key: Value, node: ast.AST, state: State) -> Value:
    if isinstance(owner, Choice):
        return merge(
            owner.condition, item(m, owner.then, key, node, state), item(m, owner.other, key, node, state)
        )
    if isinstance(key, Choice) and isinstance(state.object(owner), Table):
        sides = (item(m, owner, one, node, state) for one in (key.then, key.other))
        return merge(key.condition, *sides)
    if isinstance(owner, Method) and owner.name == "__dict__" and isinstance(key, Const):
        return m.attribute(owner.owner, str(key.value), node, state)
    thing = state.object(owner)
    if isinstance(thing, Table):
        return _of_table(m, thing, key, node, state)
    if isinstance(thing, Sequence):
        return _of_sequence(m, thing, key, node, state)
    its = lowered(key, state)
    if is_expr(owner) and not isinstance(owner, Opaque) and its is not None and not isinstance(its, Opaque):
        return op("get", owner, its)
    return m.opaque(node, state, owner, key)


def _of_table(m: Machine, thing: Table, key: Value, node: ast.AST, state: State) -> Value:
    known = key if isinstance(key, Member) else key.value if isinstance(key, Const) else None
    if isinstance(key, Member | Const) and not isinstance(known, tuple | dict | frozenset):
        found = thing.items.get(known)
        if found is not None:
            return found.value
        if thing.unknown is None:
            m.may_raise(("KeyError",), TRUE, state)
        return m.opaque(node, state, environment=False)
    chosen = by_key(m, thing, key, state)
    if chosen is None:
        return m.opaque(node, state, key, environment=False)
    ways, known_key = chosen
    m.may_raise(("KeyError",), not_(known_key), state)
    return combined(ways)


def by_key(
    m: Machine, thing: Table, key: Value, state: State
) -> tuple[list[tuple[Expr, Value]], Expr] | None:
    """The values that a key of the user's chooses from, and the condition that it chooses one."""
    its = lowered(key, state)
    always = all(item.when == TRUE for item in thing.items.values())
    if its is None or isinstance(its, Opaque) or thing.unknown is not None or not always:
        return None
    if not 0 < len(thing.items) <= 40:
        return None
    node = ast.Constant(None)
    tests = [
        equal(m, key, one, state, node) if isinstance(one, Member) else op("==", its, Const(one))
        for one in thing.items
    ]
    if any(opaque_in(or_(*tests))):
        return None
    values = [one.value for one in thing.items.values()]
    ways: list[tuple[Expr, Value]] = []
    for test, value in zip(tests, values, strict=True):
        ways.append((and_(test), value))
    return ways, or_(*tests)


def _of_sequence(m: Machine, thing: Sequence, key: Value, node: ast.AST, state: State) -> Value:
    fixed = thing.unknown is None and all(one.when == TRUE and not one.many for one in thing.items)
    if fixed and isinstance(key, Const) and isinstance(key.value, int):
        at = key.value
        if -len(thing.items) <= at < len(thing.items):
            return thing.items[at].value
        m.may_raise(("IndexError",), TRUE, state)
    return m.opaque(node, state, *(one.value for one in thing.items), key, environment=False)
