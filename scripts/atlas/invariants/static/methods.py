"""Methods of values that are no objects of the engine's: strings, lists, dicts, the user's keywords."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from atlas.invariants.predicate import FALSE, NONE, TRUE, Const, Each, Expr, Field, Opaque, Var
from atlas.invariants.static.assignment import set_key
from atlas.invariants.static.attribute_calls import setattr_
from atlas.invariants.static.call import Call
from atlas.invariants.static.comparison import contained
from atlas.invariants.static.conversions import HANDLER, converted
from atlas.invariants.static.iteration import known_items, variable
from atlas.invariants.static.lowering import lowered
from atlas.invariants.static.state import State
from atlas.invariants.static.strings import formatted, text
from atlas.invariants.static.subscripts import by_key
from atlas.invariants.static.terms import and_, not_, op, or_, type_in
from atlas.invariants.static.values import (
    Absent,
    GivenNames,
    Item,
    Mapped,
    Method,
    Ref,
    Sequence,
    Super,
    Table,
    Text,
    UserItem,
    UserKeywords,
    Value,
    combined,
    is_expr,
    merge,
)
from atlas.schema.static.values import Member

if TYPE_CHECKING:
    from atlas.invariants.static.machine import Machine

_STRINGS = frozenset(
    {"lower", "upper", "strip", "lstrip", "rstrip", "startswith", "endswith", "replace", "split", "isdigit"}
)
_GROWS = frozenset({"append", "add", "extend", "update", "insert", "remove", "discard", "pop", "clear"})


def call_method(
    m: Machine,
    method: Method,
    given: list[Value],
    keywords: Mapping[str, Value],
    node: ast.AST,
    state: State,
) -> Value:
    owner = method.owner
    if method.name == HANDLER:
        return _handled(m, owner, given, state)
    thing = state.object(owner)
    found: Value | None = None
    if isinstance(owner, UserKeywords):
        found = _of_keywords(m, owner, method.name, given, node, state)
    elif isinstance(owner, Super):
        found = _of_super(m, owner, method.name, given, keywords, node, state)
    elif isinstance(thing, Table) and isinstance(owner, Ref):
        found = _of_table(m, owner, thing, method.name, given, keywords, node, state)
    elif isinstance(thing, Sequence) and isinstance(owner, Ref):
        found = _of_sequence(m, owner, thing, method.name, given, node, state)
    elif isinstance(owner, Mapped):
        found = _of_mapped(m, owner, method.name, given, node, state)
    elif is_expr(owner):
        found = _of_expression(m, owner, method.name, given, keywords, node, state)  # type: ignore[arg-type]
    if found is not None:
        return found
    if isinstance(owner, Method) and owner.name == "__dict__":
        return m.opaque(node, state, environment=False)
    made = m.opaque(node, state, owner, *given, *keywords.values())
    m.may_raise(("Exception",), made, state)
    return made


def _handled(m: Machine, now: Value, given: list[Value], state: State) -> Value:
    """pydantic's own validation, called by a validator around it."""
    if given and (given[0] == now or given[0] == op("raw", now)):  # type: ignore[arg-type]
        return now
    name = now.path[0] if isinstance(now, Field) else ""
    return converted(m, given[0] if given else NONE, name, state)


# --- the user's keywords ------------------------------------------------------------------------------


def _of_keywords(
    m: Machine, owner: UserKeywords, name: str, given: list[Value], node: ast.AST, state: State
) -> Value | None:
    key = given[0] if given else None
    if name in ("pop", "get", "setdefault") and isinstance(key, Const) and isinstance(key.value, str):
        default = given[1] if len(given) > 1 else NONE
        if key.value in owner.taken:
            return default
        if name == "pop":
            m.take(owner, key.value, state)
        return m.given_or(key.value, default, state)
    if name == "items":
        return UserItem("items")
    if name in ("keys", "copy"):
        return GivenNames() if name == "keys" else owner
    return None


def _of_super(
    m: Machine,
    owner: Super,
    name: str,
    given: list[Value],
    keywords: Mapping[str, Value],
    node: ast.AST,
    state: State,
) -> Value | None:
    """Methods of classes outside of the engine."""
    if name == "__setattr__" and len(given) == 2:
        return setattr_(Call(m, [owner.of, *given], {}, node, state))
    return NONE if name in ("__init__", "__post_init__", "__init_subclass__") else None


# --- dicts and lists ----------------------------------------------------------------------------------


def _of_table(
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
        extra = dict(more.items) if isinstance(more, Table) else {}
        extra.update((one, Item(value)) for one, value in keywords.items())
        unknown = thing.unknown or (more.unknown if isinstance(more, Table) else None)
        if given and not isinstance(more, Table):
            unknown = m.opaque(node, state, *given, environment=False)
        state.heap[owner.at] = Table({**thing.items, **extra}, unknown)
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


def _of_sequence(
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


def _of_mapped(
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


# --- values of the user's -----------------------------------------------------------------------------


def _of_expression(
    m: Machine,
    owner: Expr,
    name: str,
    given: list[Value],
    keywords: Mapping[str, Value],
    node: ast.AST,
    state: State,
) -> Value | None:
    if name == "format" and isinstance(owner, Const) and isinstance(owner.value, str):
        return formatted(m, owner.value, given, keywords, state)
    if name == "join" and isinstance(owner, Const):
        return _joined(owner, given, state)
    sides = [lowered(one, state) for one in given]
    if isinstance(owner, Opaque) or keywords or any(one is None or isinstance(one, Opaque) for one in sides):
        return None
    arguments = [one for one in sides if one is not None]
    if name in _STRINGS:
        return _string(name, owner, arguments)
    rule = _VALUES.get(name)
    return rule(owner, arguments, state) if rule else None


def _string(name: str, owner: Expr, arguments: list[Expr]) -> Value | None:
    if name in ("startswith", "endswith") and isinstance(arguments[0], Const):
        options = arguments[0].value
        if isinstance(options, tuple):
            return or_(*(op(name, owner, Const(one)) for one in options))
    most = {"replace": 2, "split": 1, "startswith": 1, "endswith": 1, "strip": 1, "lstrip": 1, "rstrip": 1}
    if len(arguments) > most.get(name, 0) or (name == "replace" and len(arguments) != 2):
        return None
    return op(name, owner, *arguments)


def _joined(owner: Const, given: list[Value], state: State) -> Value | None:
    thing = state.object(given[0]) if given else None
    if isinstance(thing, Sequence) and thing.unknown is None:
        parts: list[str | Expr] = []
        for at, item in enumerate(thing.items):
            its = lowered(item.value, state)
            if item.when != TRUE or its is None:
                return Text((Opaque("…", (), False),))
            parts += [str(owner.value)] if at else []
            if isinstance(item.value, Text):
                parts += item.value.parts
            else:
                parts.append(str(its.value) if isinstance(its, Const) else its)
        return text(parts)
    return Text((Opaque("…", (), False),))


def _get(owner: Expr, arguments: list[Expr], state: State) -> Value | None:
    if len(arguments) == 1:
        return op("get", owner, arguments[0], NONE)
    return op("get", owner, *arguments) if len(arguments) == 2 else None


def _keys(owner: Expr, arguments: list[Expr], state: State) -> Value | None:
    return op("keys", owner)


def _values(owner: Expr, arguments: list[Expr], state: State) -> Value | None:
    return op("values", owner)


def _items(owner: Expr, arguments: list[Expr], state: State) -> Value | None:
    var = variable("key", state)
    pair = state.new(Sequence("tuple", (Item(Var(var)), Item(op("get", owner, Var(var))))))
    return Mapped("list", var, op("keys", owner), TRUE, pair)


def _is_integer(owner: Expr, arguments: list[Expr], state: State) -> Value | None:
    return and_(type_in(owner, ("int", "float", "bool")), op("isint", owner))


def _same(owner: Expr, arguments: list[Expr], state: State) -> Value | None:
    return owner


_VALUES: Mapping[str, Callable[[Expr, list[Expr], State], Value | None]] = {
    "get": _get,
    "keys": _keys,
    "values": _values,
    "items": _items,
    "is_integer": _is_integer,
    "copy": _same,
}
