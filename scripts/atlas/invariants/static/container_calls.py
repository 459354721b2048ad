"""Builtins that make or measure containers."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import TYPE_CHECKING

from atlas.invariants.predicate import TRUE, Const, Each, Expr, Opaque, Var
from atlas.invariants.static.call import Builtin, Call
from atlas.invariants.static.iteration import iterated, known_items, symbolic_items, variable
from atlas.invariants.static.lowering import distinct, lowered
from atlas.invariants.static.mappings import conditional, updated
from atlas.invariants.static.objects import Item, Sequence, Table
from atlas.invariants.static.state import State
from atlas.invariants.static.terms import op, or_, type_in
from atlas.invariants.static.values import (
    Choice,
    Count,
    GivenNames,
    Mapped,
    Ref,
    Text,
    UserKeywords,
    Value,
    is_expr,
    merge,
)

if TYPE_CHECKING:
    from atlas.invariants.static.machine import Machine

_LONGEST = 400


def _len(call: Call) -> Value | None:
    return length(call.m, call.given[0], call.node, call.state)


def length(m: Machine, value: Value, node: ast.AST, state: State) -> Value | None:
    if isinstance(value, Choice):
        then, other = length(m, value.then, node, state), length(m, value.other, node, state)
        return merge(value.condition, then, other) if then is not None and other is not None else None
    thing = state.object(value)
    if isinstance(thing, Sequence | Table):
        items = thing.items if isinstance(thing, Sequence) else thing.items.values()
        m.asked(value, or_(*(item.when for item in items)))
        return _counted(thing)
    if isinstance(value, Mapped):
        if value.condition == TRUE and value.kind != "set" and value.each:
            return op("len", value.over)
        every = distinct(value, state)
        return op("len", every) if every is not None else None
    its = lowered(value, state)
    if its is None or isinstance(its, Opaque) or isinstance(value, Text):
        return None
    return op("len", its)


def _counted(thing: Sequence | Table) -> Value | None:
    items = list(thing.items if isinstance(thing, Sequence) else thing.items.values())
    if thing.unknown is not None:
        return None
    if any(item.many for item in items):
        return None
    if isinstance(thing, Sequence) and thing.kind == "set" and len(items) > 1:
        return None
    if all(item.when == TRUE for item in items):
        return Const(len(items))
    return Count(tuple(item.when for item in items))


def _container(kind: str) -> Builtin:
    """`list(x)`, `tuple(x)`, `set(x)`."""

    def rule(call: Call) -> Value | None:
        if not call.given:
            return call.state.new(Sequence(kind, ()))
        value = call.given[0]
        if isinstance(value, UserKeywords | GivenNames):
            return GivenNames()
        items = known_items(call.m, value, call.state)
        if items is not None:
            return call.state.new(Sequence(kind, tuple(Item(item, when) for when, item in items)))
        thing = call.state.object(value)
        if isinstance(thing, Sequence | Table):
            more = thing.items if isinstance(thing, Sequence) else ()
            unknown = thing.unknown
            return call.state.new(Sequence(kind, more, unknown))
        if isinstance(value, Mapped):
            each = value.each and value.kind != "set"
            return Mapped(kind, value.var, value.over, value.condition, value.value, each)
        if isinstance(value, Choice):
            then = rule(replace(call, given=[value.then]))
            other = rule(replace(call, given=[value.other]))
            return merge(value.condition, then, other) if then is not None and other is not None else None
        if isinstance(value, Opaque) and kind != "set":
            return call.state.new(Sequence(kind, (), value))
        if not is_expr(value) or isinstance(value, Opaque):
            return None
        iterated(call.m, value, call.state, call.node)
        if kind == "set":
            hashed(call, value)
            made = symbolic_items(call.m, value, call.state, "item")
            return Mapped("set", made.var, made.over, made.condition, made.value) if made else None
        return value

    return rule


def hashed(call: Call, value: Expr) -> None:
    """The items of a list of the user's become those of a set: lists and objects cannot."""
    var = variable("item", call.state)
    wrong = Each("any", var, value, type_in(Var(var), ("list", "dict")))
    call.m.fails("TypeError", wrong, call.node, call.state)


def _sorted(call: Call) -> Value | None:
    thing = call.state.object(call.given[0])
    if isinstance(thing, Sequence):
        return call.state.new(Sequence("list", thing.items, thing.unknown))
    its = distinct(call.given[0], call.state)
    if call.keywords or its is None:
        return None
    if isinstance(its, Const) and isinstance(its.value, frozenset):
        return Const(tuple(sorted(its.value, key=repr)))
    return op("sorted", its)


def _dict(call: Call) -> Value | None:
    if not call.given:
        return call.state.new(Table(conditional(call.keywords)))
    if isinstance(call.given[0], UserKeywords):
        return call.given[0]
    thing = call.state.object(call.given[0])
    if isinstance(thing, Table):
        return call.state.new(Table(updated(thing.items, conditional(call.keywords)), thing.unknown))
    return call.given[0] if is_expr(call.given[0]) and not call.keywords else None


def _range(call: Call) -> Value | None:
    bounds = [one.value for one in call.given if isinstance(one, Const) and isinstance(one.value, int)]
    if len(bounds) != len(call.given) or not bounds or (len(bounds) > 2 and bounds[2] == 0):
        return None
    made = range(*bounds)
    return Const(tuple(made)) if len(made) <= _LONGEST else None


def _enumerate(call: Call) -> Value | None:
    items = known_items(call.m, call.given[0], call.state)
    if items is None:
        mapped = symbolic_items(call.m, call.given[0], call.state, "item")
        if mapped is None:
            return None
        place = Opaque("the position", (), False)
        return Mapped(
            "list", mapped.var, mapped.over, mapped.condition, _pair(place, mapped.value, call.state)
        )
    start = call.given[1].value if len(call.given) > 1 and isinstance(call.given[1], Const) else 0
    rows = [Item(_pair(Const(start + at), item, call.state), when) for at, (when, item) in enumerate(items)]
    return call.state.new(Sequence("list", tuple(rows)))


def _pair(left: Value, right: Value, state: State) -> Ref:
    return state.new(Sequence("tuple", (Item(left), Item(right))))


def _zip(call: Call) -> Value | None:
    columns = [known_items(call.m, one, call.state) for one in call.given]
    if any(one is None or any(when != TRUE for when, _ in one) for one in columns):
        return None
    rows = zip(*(one for one in columns if one is not None), strict=False)
    return call.state.new(
        Sequence(
            "list",
            tuple(
                Item(call.state.new(Sequence("tuple", tuple(Item(value) for _, value in row))))
                for row in rows
            ),
        )
    )


def _reversed(call: Call) -> Value | None:
    items = known_items(call.m, call.given[0], call.state)
    if items is None:
        return None
    return call.state.new(Sequence("list", tuple(Item(item, when) for when, item in reversed(items))))


CONTAINERS = {
    "len": _len,
    "list": _container("list"),
    "tuple": _container("tuple"),
    "set": _container("set"),
    "frozenset": _container("set"),
    "iter": _container("list"),
    "sorted": _sorted,
    "dict": _dict,
    "range": _range,
    "enumerate": _enumerate,
    "zip": _zip,
    "reversed": _reversed,
}
