"""Values as expressions of the predicate language, and constants as values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from atlas.invariants.predicate import TRUE, Const, Each, Expr, Field, Op, Opaque
from atlas.invariants.static.measure import fields_in, opaque_in
from atlas.invariants.static.objects import Instance, Item, Sequence, Table
from atlas.invariants.static.state import State
from atlas.invariants.static.terms import if_, op
from atlas.invariants.static.values import Choice, Count, EnumValue, Mapped, Ref, Text, Value, is_expr
from atlas.schema.static.values import Member, Reference, Unknown

_MAX_PARTS = 6
_MAX_DEPTH = 6


def lowered(value: Value, state: State, depth: int = 0) -> Expr | None:
    """The value as an expression; None where it is none (an object, a list that only may hold an item)."""
    if is_expr(value):
        return value
    if depth > _MAX_DEPTH:
        return None
    if isinstance(value, Member):
        return constant(value.value)
    if isinstance(value, EnumValue):
        return value.value
    if isinstance(value, Text):
        return _text(value)
    if isinstance(value, Count):
        return _sum(value)
    if isinstance(value, Choice):
        then, other = lowered(value.then, state, depth + 1), lowered(value.other, state, depth + 1)
        return if_(value.condition, then, other) if then is not None and other is not None else None
    if isinstance(value, Mapped):
        return _mapped(value, state, depth)
    thing = state.object(value)
    if isinstance(thing, Sequence):
        return _sequence(thing, state, depth)
    if isinstance(thing, Table):
        return _table(thing, state, depth)
    return None


def constant(value: Any) -> Const | None:
    """A Python constant that JSON can hold; a set stays one."""
    if value is None or isinstance(value, bool | int | float | str):
        return Const(value)
    if isinstance(value, Member):
        return constant(value.value)
    if isinstance(value, list | tuple):
        items = [constant(item) for item in value]
        return Const(tuple(one.value for one in items if one)) if all(items) else None
    if isinstance(value, set | frozenset):
        items = [constant(item) for item in value]
        return Const(frozenset(one.value for one in items if one)) if all(items) else None
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        pairs = {key: constant(item) for key, item in value.items()}
        return Const({key: one.value for key, one in pairs.items() if one}) if all(pairs.values()) else None
    return None


def from_constant(value: Any, state: State) -> Value | None:
    """A constant of the evaluator's as a value; None where it is unknown."""
    if isinstance(value, Unknown | Reference):
        return None
    if isinstance(value, Member):
        return value
    if not _has_members(value) and (found := constant(value)) is not None:
        return found
    if isinstance(value, list | tuple | set | frozenset):
        kind = "set" if isinstance(value, frozenset) else type(value).__name__
        ordered = sorted(value, key=repr) if kind == "set" else value
        items = [from_constant(item, state) for item in ordered]
        known = tuple(Item(item) for item in items if item is not None)
        return state.new(Sequence(kind, known)) if len(known) == len(items) else None
    if isinstance(value, dict):
        pairs = {key: from_constant(item, state) for key, item in value.items()}
        table = {key: Item(item) for key, item in pairs.items() if item is not None}
        return state.new(Table(table)) if len(table) == len(pairs) and all(map(_is_key, table)) else None
    return None


def _has_members(value: Any) -> bool:
    if isinstance(value, Member):
        return True
    if isinstance(value, dict):
        return any(map(_has_members, [*value.keys(), *value.values()]))
    return isinstance(value, list | tuple | set | frozenset) and any(map(_has_members, value))


def _is_key(key: object) -> bool:
    return key is None or isinstance(key, str | int | float | bool | Member)


def _mapped(value: Mapped, state: State, depth: int) -> Expr | None:
    """A list that is made of one of the user's; of a set only those know what it is who go through it."""
    its = lowered(value.value, state, depth + 1) if value.kind != "set" else None
    if its is None or any(any(opaque_in(one)) for one in (its, value.over, value.condition)):
        return None
    return Each("list", value.var, value.over, its, value.condition)


def distinct(value: Value, state: State) -> Expr | None:
    """The items of a value in a list, each once where it is a set."""
    if isinstance(value, Mapped) and value.kind == "set":
        its = _mapped(replace(value, kind="list"), state, 0)
        return op("unique", its) if its is not None else None
    its = lowered(value, state)
    return None if isinstance(its, Opaque) else its


def _sequence(thing: Sequence, state: State, depth: int) -> Expr | None:
    items = []
    for item in thing.items:
        its = lowered(item.value, state, depth + 1) if item.when == TRUE else None
        if its is None:
            return None
        items.append(its)
    if thing.unknown is not None:
        return None
    if all(isinstance(one, Const) for one in items):
        values = [one.value for one in items if isinstance(one, Const)]
        try:
            return Const(frozenset(values) if thing.kind in ("set", "frozenset") else tuple(values))
        except TypeError:
            return None
    return Op("set" if thing.kind in ("set", "frozenset") else "list", tuple(items))


def _table(thing: Table, state: State, depth: int) -> Expr | None:
    parts: list[Expr] = []
    for key, item in thing.items.items():
        its = lowered(item.value, state, depth + 1) if item.when == TRUE and isinstance(key, str) else None
        if its is None:
            return None
        parts += (Const(key), its)
    if thing.unknown is not None:
        return None
    if all(isinstance(one, Const) for one in parts):
        values = [one.value for one in parts if isinstance(one, Const)]
        return Const(dict(zip(values[::2], values[1::2], strict=True)))
    return Op("dict", tuple(parts))


def _sum(value: Count) -> Expr | None:
    if len(value.whens) > _MAX_PARTS:
        return None
    total: Expr = Const(0)
    for when in value.whens:
        total = op("+", total, Op("int", (when,)))
    return total


def _text(value: Text) -> Expr | None:
    if len(value.parts) > _MAX_PARTS:
        return None
    out: Expr | None = None
    for part in value.parts:
        its: Expr = Const(part) if isinstance(part, str) else op("str", part)
        out = its if out is None else op("+", out, its)
    return out if out is not None else Const("")


def fields_below(value: Value, state: State) -> tuple[Field, ...]:
    """All fields that a value depends on."""
    out: dict[Field, None] = {}
    for part in _exprs(value, state, 0, set()):
        out.update(dict.fromkeys(fields_in(part)))
    return tuple(out)


def _exprs(value: Value, state: State, depth: int, seen: set[int]) -> Iterator[Expr]:
    if is_expr(value):
        yield value
    elif isinstance(value, Choice):
        yield value.condition
        yield from _exprs(value.then, state, depth, seen)
        yield from _exprs(value.other, state, depth, seen)
    elif isinstance(value, EnumValue):
        yield value.value
    elif isinstance(value, Mapped):
        yield value.over
    elif isinstance(value, Text):
        yield from (part for part in value.parts if not isinstance(part, str))
    elif isinstance(value, Ref) and depth < _MAX_DEPTH and value.at not in seen:
        seen.add(value.at)
        yield from _below(state, value, depth, seen)


def _below(state: State, ref: Ref, depth: int, seen: set[int]) -> Iterator[Expr]:
    thing = state.object(ref)
    if isinstance(thing, Instance):
        if thing.user:
            return  # of the whole configuration nothing in particular is meant
        for its in thing.attrs.values():
            yield from _exprs(its, state, depth + 1, seen)
    elif isinstance(thing, Sequence | Table):
        items = thing.items if isinstance(thing, Sequence) else thing.items.values()
        for item in items:
            yield item.when
            yield from _exprs(item.value, state, depth + 1, seen)
        if isinstance(thing.unknown, Opaque):
            yield thing.unknown
