"""Assignments: to variables, attributes, items; and which of them change what the user gave."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import TYPE_CHECKING

from atlas.invariants.predicate import TRUE, Const, Expr, Op, Opaque
from atlas.invariants.static import arithmetic
from atlas.invariants.static.implicit import evaluated
from atlas.invariants.static.lowering import lowered
from atlas.invariants.static.measure import size
from atlas.invariants.static.objects import Instance, Item, Sequence, Table
from atlas.invariants.static.state import State
from atlas.invariants.static.terms import not_, op
from atlas.invariants.static.values import Absent, Ref, Text, Value, is_expr, leaves
from atlas.schema.static.values import Member

if TYPE_CHECKING:
    from atlas.invariants.static.machine import Machine


def plain(m: Machine, node: ast.Assign, state: State) -> bool:
    value = m.value(node.value, state)
    _evaluated(m, value, node.value, state)
    for target in node.targets:
        assign(m, target, value, state, node)
    return True


def annotated(m: Machine, node: ast.AnnAssign, state: State) -> bool:
    if node.value is not None:
        value = m.value(node.value, state)
        _evaluated(m, value, node.value, state)
        assign(m, node.target, value, state, node)
    return True


def augmented(m: Machine, node: ast.AugAssign, state: State) -> bool:
    before = m.value(_read(node.target), state)
    more = m.value(node.value, state)
    thing = state.object(before)
    if isinstance(thing, Sequence) and isinstance(node.op, ast.Add) and isinstance(before, Ref):
        added = state.object(more)
        extra = added.items if isinstance(added, Sequence) else ()
        unknown = None if isinstance(added, Sequence) else m.opaque(node, state, more)
        state.heap[before.at] = replace(thing, items=(*thing.items, *extra), unknown=thing.unknown or unknown)
        return True
    value = arithmetic.apply(m, node.op, before, more, node, state)
    _evaluated(m, value, node.value, state)
    assign(m, node.target, value, state, node)
    return True


def _read(target: ast.Name | ast.Attribute | ast.Subscript) -> ast.expr:
    """The target of an augmented assignment as an expression that is read."""
    if isinstance(target, ast.Name):
        return ast.copy_location(ast.Name(target.id, ast.Load()), target)
    if isinstance(target, ast.Attribute):
        return ast.copy_location(ast.Attribute(target.value, target.attr, ast.Load()), target)
    return ast.copy_location(ast.Subscript(target.value, target.slice, ast.Load()), target)


def _evaluated(m: Machine, value: Value, node: ast.expr, state: State) -> None:
    if is_expr(value):
        evaluated(m, value, state, node)


def assign(m: Machine, target: ast.expr, value: Value, state: State, node: ast.stmt) -> None:
    if isinstance(target, ast.Name):
        state.names[target.id] = _bounded(m, value, node, state)
    elif isinstance(target, ast.Attribute):
        owner = m.value(target.value, state)
        for condition, one in leaves(owner):
            set_under(m, condition, one, target.attr, value, state, node)
    elif isinstance(target, ast.Tuple | ast.List):
        _unpack(m, target, value, state, node)
    elif isinstance(target, ast.Subscript):
        _set_item(m, target, value, state, node)


def set_under(
    m: Machine, condition: Expr, owner: Value, name: str, value: Value, state: State, node: ast.AST
) -> None:
    """Set an attribute where a condition holds."""
    if condition == TRUE:
        set_attribute(m, owner, name, value, state, node)
        return
    then, other = state.fork(condition), state.fork(not_(condition))
    set_attribute(m, owner, name, value, then, node)
    state.join(condition, then, other)


def _bounded(m: Machine, value: Value, node: ast.AST, state: State) -> Value:
    """A value that has grown too large to be read is only known by its fields."""
    if is_expr(value) and size(value, 250) > 250:
        return m.opaque(node, state, value, environment=False)
    return value


def _unpack(m: Machine, target: ast.Tuple | ast.List, value: Value, state: State, node: ast.stmt) -> None:
    thing = state.object(value)
    parts: list[Value] | None = None
    if isinstance(thing, Sequence) and thing.unknown is None and all(i.when == TRUE for i in thing.items):
        parts = [item.value for item in thing.items]
    elif isinstance(value, Const) and isinstance(value.value, tuple):
        parts = [Const(one) for one in value.value]
    starred = any(isinstance(one, ast.Starred) for one in target.elts)
    if parts is None or starred or len(parts) != len(target.elts):
        parts = [m.opaque(target, state, value, environment=False)] * len(target.elts)
    for one, part in zip(target.elts, parts, strict=True):
        assign(m, one.value if isinstance(one, ast.Starred) else one, part, state, node)


def set_attribute(m: Machine, owner: Value, name: str, value: Value, state: State, node: ast.AST) -> None:
    thing = state.object(owner)
    if not isinstance(thing, Instance) or not isinstance(owner, Ref):
        return
    value = _bounded(m, value, node, state)
    setter = m.setter(thing, name)
    if setter is not None:
        m.call(setter, [owner, value], {}, node, state)
        return
    if thing.user:
        _changes(m, thing, name, value, state, node)
    state.put(owner, name, value)


def _changes(m: Machine, thing: Instance, name: str, value: Value, state: State, node: ast.AST) -> None:
    """The engine sets a field of the user's to something else than it is."""
    its = m.fields.field_of(name)
    if its is None or value in (its, m.fields.value_of(name)) or isinstance(value, Absent):
        return
    before = thing.attrs.get(name)
    if before is not None and before == value:
        return
    m.record("set", node, state, sets=(name, value, lowered(value, state)))


def _set_item(m: Machine, target: ast.Subscript, value: Value, state: State, node: ast.stmt) -> None:
    owner = m.value(target.value, state)
    key = m.value(target.slice, state) if not isinstance(target.slice, ast.Slice) else Absent()
    thing = state.object(owner)
    if isinstance(thing, Table) and isinstance(owner, Ref):
        set_key(m, owner, thing, key, value, state, node)
    elif is_expr(owner) and not isinstance(owner, Opaque) and isinstance(key, Const):
        its = lowered(value, state)
        if isinstance(key.value, str) and its is not None and not isinstance(its, Opaque):
            more = op("|", owner, Op("dict", (key, its)))
            assign(m, target.value, more, state, node)
    elif isinstance(thing, Sequence) and isinstance(owner, Ref):
        unknown = m.opaque(node, state, value, environment=False)
        state.heap[owner.at] = replace(thing, items=(), unknown=unknown)


def set_key(
    m: Machine, owner: Ref, thing: Table, key: Value, value: Value, state: State, node: ast.AST
) -> None:
    known = key if isinstance(key, Member) else key.value if isinstance(key, Const) else thing
    if isinstance(known, tuple | dict | frozenset) or known is thing:
        more = m.opaque(node, state, key, value, environment=False)
        state.heap[owner.at] = replace(thing, unknown=more)
        return
    items = dict(thing.items)
    items[known] = Item(value)  # type: ignore[index]
    state.heap[owner.at] = replace(thing, items=items)
    if isinstance(value, Text) or (isinstance(value, Const) and isinstance(value.value, str)):
        m.issues.append((owner.at, m.site(node), state.path, value, m.depth))


def remove(m: Machine, target: ast.expr, state: State) -> None:
    if isinstance(target, ast.Attribute):
        owner = m.value(target.value, state)
        if isinstance(owner, Ref) and isinstance(state.object(owner), Instance):
            state.put(owner, target.attr, Absent())
    elif isinstance(target, ast.Subscript):
        owner = m.value(target.value, state)
        key = m.value(target.slice, state)
        thing = state.object(owner)
        if isinstance(thing, Table) and isinstance(owner, Ref) and isinstance(key, Const):
            kept = {one: item for one, item in thing.items.items() if one != key.value}
            state.heap[owner.at] = replace(thing, items=kept)


def named(m: Machine, node: ast.NamedExpr, state: State) -> Value:
    value = m.value(node.value, state)
    assign(m, node.target, value, state, m.statement or ast.Pass())
    return value
