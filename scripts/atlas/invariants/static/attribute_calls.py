"""`getattr`, `hasattr`, `setattr`, `delattr`, `vars`: attributes by a name that may be computed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from atlas.invariants.predicate import NONE, TRUE, Const, Expr, Op, Opaque
from atlas.invariants.static.assignment import set_under
from atlas.invariants.static.attributes import maybe
from atlas.invariants.static.call import Call
from atlas.invariants.static.lowering import lowered
from atlas.invariants.static.objects import Instance
from atlas.invariants.static.terms import or_
from atlas.invariants.static.values import (
    Absent,
    Known,
    Method,
    Ref,
    UserItem,
    Value,
    filled,
    is_expr,
    leaves,
)

if TYPE_CHECKING:
    pass


def _name(given: list[Value]) -> str | None:
    name = given[1] if len(given) > 1 else None
    return name.value if isinstance(name, Const) and isinstance(name.value, str) else None


def getattr_(call: Call) -> Value | None:
    name = _name(call.given)
    if name is None:
        _named_by_user(call)
        return None
    found = _plain(maybe(call.m, call.given[0], name, call.node, call.state), call.given[0])
    if len(call.given) > 2:
        return filled(found, call.given[2])
    return None if isinstance(found, Absent) else found


def _named_by_user(call: Call) -> None:
    """A member of another package's module by a text of the user's: there is one, or this fails."""
    owner = call.given[0]
    its = lowered(call.given[1], call.state) if len(call.given) == 2 and not call.keywords else None
    if not isinstance(owner, Known) or owner.kind not in ("external", "module") or its is None:
        return
    if isinstance(its, Opaque | Const):
        return
    call.m.modules[owner.qualname] = None
    names = call.m.members.get(owner.qualname)
    if names:
        call.m.fails("AttributeError", Op("not_in", (its, Const(names))), call.node, call.state)


def _plain(found: Value, owner: Value) -> Value:
    """A value of the user's has no attributes to ask for; only methods that it can be called with."""
    if is_expr(owner) and not isinstance(owner, Opaque) and isinstance(found, Method | Opaque):
        return Absent()
    return found


def hasattr_(call: Call) -> Value | None:
    name = _name(call.given)
    if name is None:
        return None
    found = _plain(maybe(call.m, call.given[0], name, call.node, call.state), call.given[0])
    parts: list[Expr] = []
    for condition, leaf in leaves(found):
        if isinstance(leaf, Opaque) and not isinstance(call.state.object(call.given[0]), Instance):
            return call.m.opaque(call.node, call.state, *call.given, environment=leaf.environment)
        if isinstance(leaf, Opaque) and leaf.text == call.m.text(call.node):
            return leaf
        if not isinstance(leaf, Absent):
            parts.append(condition)
    return or_(*parts)


def setattr_(call: Call) -> Value | None:
    if len(call.given) != 3:
        return None
    thing = call.state.object(call.given[0])
    if isinstance(call.given[1], UserItem) and isinstance(thing, Instance) and isinstance(call.given[0], Ref):
        when = or_(thing.is_open, TRUE)
        call.state.heap[call.given[0].at] = replace(thing, is_open=when)
        unknown = Opaque("the attribute cannot be set", (), False)
        call.m.may_raise(("AttributeError",), unknown, call.state)
        return NONE
    name = _name(call.given)
    if name is None:
        return None
    for condition, owner in leaves(call.given[0]):
        set_under(call.m, condition, owner, name, call.given[2], call.state, call.m.statement or call.node)
    return NONE


def delattr_(call: Call) -> Value | None:
    name = _name(call.given)
    if (
        name is None
        or not isinstance(call.given[0], Ref)
        or not isinstance(call.state.object(call.given[0]), Instance)
    ):
        return None
    call.state.put(call.given[0], name, Absent())
    return NONE


def vars_(call: Call) -> Value | None:
    return Method(call.given[0], "__dict__") if len(call.given) == 1 else None
