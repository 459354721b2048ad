"""Items of containers."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from atlas.invariants.predicate import TRUE, Const, Expr, Opaque
from atlas.invariants.static.lowering import constant, lowered
from atlas.invariants.static.measure import opaque_in
from atlas.invariants.static.objects import Sequence, Table
from atlas.invariants.static.state import State
from atlas.invariants.static.terms import and_, not_, op, or_
from atlas.invariants.static.values import Choice, EnumValue, Known, Method, Value, combined, is_expr, merge
from atlas.schema.static.values import Member

if TYPE_CHECKING:
    from atlas.invariants.static.machine import Machine


def subscript(m: Machine, node: ast.Subscript, state: State) -> Value:
    owner = m.value(node.value, state)
    if isinstance(owner, Known):
        return _of_class(m, owner, node, state)
    if isinstance(node.slice, ast.Slice):
        return m.opaque(node, state, owner)
    return item(m, owner, m.value(node.slice, state), node, state)


def _of_class(m: Machine, owner: Known, node: ast.Subscript, state: State) -> Value:
    """`SomeEnum["NAME"]`, or a generic class with its arguments."""
    members = m.reader.class_attribute(owner.definition, "__members__") if owner.kind == "class" else None
    if not isinstance(members, dict):
        return owner if owner.kind == "class" else m.opaque(node, state)
    key = m.value(node.slice, state)
    if isinstance(key, Const) and key.value in members:
        return members[key.value]  # type: ignore[no-any-return]
    its = lowered(key, state)
    values = {name: constant(member.value) for name, member in members.items()}
    if its is None or any(opaque_in(its)) or None in values.values():
        return m.opaque(node, state, key, environment=False)
    m.fails("KeyError", op("not_in", its, Const(tuple(members))), node, state)
    known = Const({name: one.value for name, one in values.items() if one is not None})
    return EnumValue(owner.qualname, op("get", known, its))


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
    plain = all(item.when == TRUE and not isinstance(one, Member) for one, item in thing.items.items())
    if its is None or isinstance(its, Opaque) or thing.unknown is not None or not plain or not thing.items:
        return None
    if len(thing.items) > 40:
        return None
    tests = [op("==", its, Const(one)) for one in thing.items]
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
