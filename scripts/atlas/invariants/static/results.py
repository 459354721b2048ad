"""What a step returns: a dict by the names of the fields says what they have become."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from atlas.invariants.model import Site
from atlas.invariants.predicate import FALSE, Expr, Op, Opaque
from atlas.invariants.static.frames import Event
from atlas.invariants.static.lowering import lowered
from atlas.invariants.static.measure import opaque_in
from atlas.invariants.static.objects import Table
from atlas.invariants.static.state import State
from atlas.invariants.static.terms import and_, not_, truth
from atlas.invariants.static.values import Absent, Choice, Function, Ref, Value, is_expr

if TYPE_CHECKING:
    from atlas.invariants.static.machine import Machine

_MOST_WAYS = 8
_LEAST_SHARE = 2
"""A dict is about the fields if at least one of so many of its keys is one."""


def told(m: Machine, method: Function, value: Value, ref: Ref, state: State) -> None:
    """Record what becomes of the fields that the returned dict has."""
    thing = state.object(value)
    if not isinstance(thing, Table):
        return
    names = [key for key in thing.items if isinstance(key, str) and m.fields.field_of(key) is not None]
    if len(names) * _LEAST_SHARE < len(thing.items):
        return
    site = Site(method.scope.module.path, method.node.lineno, method.node.lineno, method.qualname)
    for name in names:
        item = thing.items[name]
        before = m.fields.value_of(name)
        ways = list(_ways(item.value, item.when, state))
        for when, its in ways if len(ways) <= _MOST_WAYS else []:
            if its not in (before, before.args[0] if isinstance(before, Op) else before) and when != FALSE:
                path = (*state.path, when)
                m.events.append(Event("set", site, path, m.depth, sets=(name, its, its)))
        final = lowered(item.value, state)
        if final is not None:
            state.put(ref, name, final)


def _ways(value: Value, when: Expr, state: State) -> Iterator[tuple[Expr, Expr]]:
    """Each value that it may be, with its condition; those that nobody knows left out."""
    if isinstance(value, Choice):
        yield from _ways(value.then, and_(when, value.condition), state)
        yield from _ways(value.other, and_(when, not_(value.condition)), state)
    elif isinstance(value, Op) and value.name == "if":
        condition, then, other = value.args
        yield from _ways(then, and_(when, truth(condition)), state)
        yield from _ways(other, and_(when, not_(truth(condition))), state)
    elif not isinstance(value, Absent | Opaque):
        its = value if is_expr(value) else lowered(value, state)
        if its is not None and not any(opaque_in(its)):
            yield when, its
