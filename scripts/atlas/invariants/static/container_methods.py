"""Methods of lists, sets and dicts that the engine's code makes."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from atlas.invariants.predicate import FALSE, NONE, Const, Each, Expr, Opaque
from atlas.invariants.static.assignment import set_key
from atlas.invariants.static.comparison import contained
from atlas.invariants.static.iteration import known_items
from atlas.invariants.static.lowering import lowered
from atlas.invariants.static.mappings import conditional, items_of, updated
from atlas.invariants.static.objects import Item, Sequence, Table
from atlas.invariants.static.state import State
from atlas.invariants.static.subscripts import by_key
from atlas.invariants.static.terms import and_, not_, op, or_
from atlas.invariants.static.values import (
    Absent,
    Mapped,
    Ref,
    Text,
    Value,
    combined,
    merge,
)
from atlas.schema.static.values import Member

if TYPE_CHECKING:
    from atlas.invariants.static.machine import Machine

_GROWS = frozenset({"append", "add", "extend", "update", "insert", "remove", "discard", "pop", "clear"})


def of_table(
    m: Machine,
    owner: Ref,
    thing: Table,
    name: str,
    given: list[Value],
    keywords: Mapping[str, Value],
    node: ast.AST,
    state: State,
) -> Value | None:
    if name in ("get", "pop", "setdefault") and given:
        return _looked_up(m, owner, thing, name, given, node, state)
    if name in ("items", "keys", "values"):
        rows = []
        for key, item in thing.items.items():
            its: Value = key if isinstance(key, Member) else Const(key)
            pair = state.new(Sequence("tuple", (Item(its), Item(item.value))))
            rows.append(Item({"items": pair, "keys": its, "values": item.value}[name], item.when))
        return state.new(Sequence("list", tuple(rows), thing.unknown))
    if name == "copy":
        return state.new(thing)
    if name == "update":
        more = state.object(given[0]) if given else None
        found = items_of(given[0], state) if given else {}
        extra = updated(found or {}, conditional(keywords))
        unknown = thing.unknown or (more.unknown if isinstance(more, Table) else None)
        if found is None:
            unknown = m.opaque(node, state, *given, environment=False)
        state.heap[owner.at] = Table(updated(thing.items, extra), unknown)
        return NONE
    return None


def _looked_up(
    m: Machine, owner: Ref, thing: Table, name: str, given: list[Value], node: ast.AST, state: State
) -> Value | None:
    key, default = given[0], given[1] if len(given) > 1 else NONE
    known = key if isinstance(key, Member) else key.value if isinstance(key, Const) else Absent()
    if isinstance(known, Absent | tuple | dict | frozenset):
        chosen = by_key(m, thing, key, state)
        if chosen is None or name != "get":
            return m.opaque(node, state, owner, *given, environment=False)
        ways, is_there = chosen
        return combined([*ways, (not_(is_there), default)])
    found = thing.items.get(known)
    if name == "setdefault" and found is None:
        set_key(m, owner, thing, key, default, state, node)
        return default
    if found is None:
        return default if thing.unknown is None else m.opaque(node, state, owner, environment=False)
    if name == "pop":
        kept = {one: item for one, item in thing.items.items() if one != known}
        state.heap[owner.at] = replace(thing, items=kept)
    return merge(found.when, found.value, default)


def of_sequence(
    m: Machine, owner: Ref, thing: Sequence, name: str, given: list[Value], node: ast.AST, state: State
) -> Value | None:
    if name in ("append", "add") and len(given) == 1:
        items = (*thing.items, Item(given[0]))
        state.heap[owner.at] = replace(thing, items=items)
        if isinstance(given[0], Text) or (isinstance(given[0], Const) and isinstance(given[0].value, str)):
            m.issues.append((owner.at, m.site(m.statement or node), state.path, given[0], m.depth))
        return NONE
    if name in ("extend", "update") and len(given) == 1:
        more = known_items(m, given[0], state)
        if more is not None:
            items = (*thing.items, *(Item(item, when) for when, item in more))
            state.heap[owner.at] = replace(thing, items=items)
            return NONE
    if name in ("issubset", "issuperset", "isdisjoint", "difference", "intersection", "union", "index"):
        return _of_set(m, thing, name, given, node, state)
    if name == "copy":
        return state.new(thing)
    if name in _GROWS:
        unknown = m.opaque(node, state, owner, *given, environment=False)
        state.heap[owner.at] = replace(thing, items=(), unknown=unknown)
        return unknown if name == "pop" else NONE
    return None


def _of_set(
    m: Machine, thing: Sequence, name: str, given: list[Value], node: ast.AST, state: State
) -> Value | None:
    if name in ("issubset", "isdisjoint") and given and thing.unknown is None:
        parts = []
        for item in thing.items:
            inside = contained(m, item.value, given[0], state, node)
            parts.append(or_(not_(item.when), inside if name == "issubset" else not_(inside)))
        return and_(*parts)
    other = known_items(m, given[0], state) if given else None
    if other is None or thing.unknown is not None or any(item.many for item in thing.items):
        return None
    left = [lowered(item.value, state) for item in thing.items]
    right = [lowered(value, state) for _, value in other]
    if any(one is None or isinstance(one, Opaque) for one in (*left, *right)):
        return None
    if name in ("difference", "intersection"):
        keep = [(item, _among(one, right)) for item, one in zip(thing.items, left, strict=True)]
        items = [
            Item(item.value, and_(item.when, its if name == "intersection" else not_(its)))
            for item, its in keep
        ]
        return state.new(Sequence("set", tuple(one for one in items if one.when != FALSE)))
    return None


def of_mapped(
    m: Machine, owner: Mapped, name: str, given: list[Value], node: ast.AST, state: State
) -> Value | None:
    """Sets of the user's: all or none of one's items are in another one."""
    if name == "copy":
        return owner
    if name not in ("issubset", "isdisjoint") or len(given) != 1:
        return None
    inside = contained(m, owner.value, given[0], state, node)
    wanted = inside if name == "issubset" else not_(inside)
    return Each("all", owner.var, owner.over, or_(not_(owner.condition), wanted))


def _among(one: Expr | None, others: list[Expr | None]) -> Expr:
    assert one is not None
    return or_(*(op("==", one, other) for other in others if other is not None))
