"""Members of enums that are looked up: by value, or by name; and what the enum itself does about others."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import TYPE_CHECKING

from atlas.invariants.predicate import Const, Expr, Opaque
from atlas.invariants.static.dead import DeadError
from atlas.invariants.static.functions import run
from atlas.invariants.static.lowering import constant, lowered
from atlas.invariants.static.measure import opaque_in
from atlas.invariants.static.state import State
from atlas.invariants.static.terms import and_, is_none, op, or_
from atlas.invariants.static.values import (
    Choice,
    EnumValue,
    Function,
    Known,
    Value,
    is_expr,
    leaves,
    merge,
)
from atlas.schema.static.modules import Definition
from atlas.schema.static.values import Member

if TYPE_CHECKING:
    from atlas.invariants.static.machine import Machine


def members(m: Machine, cls: Known) -> dict[str, Member] | None:
    """The members of a class by their names; None where it is no enum."""
    found = m.reader.class_attribute(cls.definition, "__members__") if cls.kind == "class" else None
    return found if isinstance(found, dict) else None


def by_value(m: Machine, cls: Known, positional: list[Value], node: ast.AST, state: State) -> Value:
    """`SomeEnum(value)`"""
    known = members(m, cls)
    if known is None or len(positional) != 1:
        return m.opaque(node, state, *positional, environment=False)
    value = positional[0]
    if isinstance(value, Member | EnumValue):
        return value
    its = lowered(value, state)
    if its is None or isinstance(its, Opaque):
        return m.opaque(node, state, value, environment=False)
    values = [constant(one.value) for one in known.values()]
    if isinstance(its, Const):
        for one, its_value in zip(known.values(), values, strict=True):
            if its_value == its:
                return one
    if any(one is None for one in values):
        return m.opaque(node, state, value, environment=False)
    other = op("not_in", its, Const(tuple(one.value for one in values if one)))
    rescued = _missing(m, cls, its, other, node, state)
    m.fails("ValueError", other if rescued is None else and_(other, _nothing(rescued)), node, state)
    found = EnumValue(cls.qualname, its, _name(known, its))
    return found if rescued is None else merge(other, rescued, found)


def _name(known: Mapping[str, Member], value: Expr) -> Expr | None:
    """The name of the member that has a value, where all values are texts."""
    texts = {one.value: name for name, one in known.items()}
    if not all(isinstance(text, str) for text in texts):
        return None
    return op("get", Const(texts), value)


def _missing(m: Machine, cls: Known, value: Expr, other: Expr, node: ast.AST, state: State) -> Value | None:
    """What `_missing_` makes of a value that no member has; None where there is no such function."""
    found = m.reader.classifier.owner(cls.definition, "_missing_")
    if found is None or not isinstance(found.node, ast.FunctionDef) or found.scope is None:
        return None
    home = m.home(cls.definition, found)
    function = Function(found.node, found.scope, found.qualname, home, bound=cls)
    inner = state.fork(other)
    try:
        made = run(m, function, [value], {}, node, inner)
    except DeadError:
        return Const(None)
    state.heap = {**state.heap, **inner.heap}
    return made


def _nothing(value: Value) -> Expr:
    """Where it is None."""
    parts = [and_(when, is_none(one)) for when, one in leaves(value) if is_expr(one)]
    return or_(*parts)


def by_name(m: Machine, cls: Known, key: Value, node: ast.AST, state: State) -> Value:
    """`SomeEnum["NAME"]`, as its metaclass does it."""
    meta = _metaclass(m, cls.definition)
    found = m.reader.classifier.owner(meta, "__getitem__") if meta else None
    if meta is None or found is None or not isinstance(found.node, ast.FunctionDef) or found.scope is None:
        return item(m, cls, key, node, state)
    function = Function(found.node, found.scope, found.qualname, m.home(meta, found), bound=cls)
    return run(m, function, [key], {}, node, state)


def _metaclass(m: Machine, cls: Definition) -> Definition | None:
    view = m.reader.classifier.view(cls)
    for base in view.mro if view else ():
        for one in base.node.keywords if isinstance(base.node, ast.ClassDef) else ():
            if one.arg == "metaclass" and base.scope is not None:
                return m.reader.index.expression(one.value, base.scope)
    return None


def item(m: Machine, cls: Known, key: Value, node: ast.AST, state: State) -> Value:
    """The member of a name, or a KeyError."""
    known = members(m, cls) or {}
    if isinstance(key, Choice):
        then, other = (item(m, cls, one, node, state) for one in (key.then, key.other))
        return merge(key.condition, then, other)
    if isinstance(key, Const) and key.value in known:
        return known[key.value]
    its = lowered(key, state)
    values = {name: constant(member.value) for name, member in known.items()}
    if its is None or any(opaque_in(its)) or None in values.values():
        return m.opaque(node, state, key, environment=False)
    m.fails("KeyError", op("not_in", its, Const(tuple(known))), node, state)
    table = Const({name: one.value for name, one in values.items() if one is not None})
    return EnumValue(cls.qualname, op("get", table, its), its)
