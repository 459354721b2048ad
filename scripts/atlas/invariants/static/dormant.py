"""Fields that the engine sets to something else than the user gave."""

from __future__ import annotations

from collections.abc import Iterator

from atlas.invariants.model import Candidate, Effect, Json
from atlas.invariants.predicate import (
    FALSE,
    TRUE,
    UNDEFINED,
    Const,
    Context,
    Expr,
    Field,
    Op,
    evaluate,
    normalise,
)
from atlas.invariants.static.candidates import Read, read, worth
from atlas.invariants.static.frames import Event
from atlas.invariants.static.lowering import lowered
from atlas.invariants.static.machine import Machine
from atlas.invariants.static.measure import opaque_in, size, walk
from atlas.invariants.static.objects import Instance
from atlas.invariants.static.state import State, condition_of
from atlas.invariants.static.terms import and_, if_, not_, op, or_, truth
from atlas.invariants.static.values import EnumValue, Ref, Value, leaves
from atlas.schema.static.values import Member

_MOST_NODES = 120
_MOST_LATER = 12
_MOST_WAYS = 10


def of_events(
    m: Machine, events: list[Event], state: State, ref: Ref
) -> Iterator[tuple[Event, Candidate | None, Read]]:
    """Each change with the condition that it happens, really changes something, and is not undone later."""
    types = m.target.types()
    context = Context(m.target.defaults(), types, "lax" if types else "none")
    yield from _left_alone(m, events, state, ref, context)
    for at, event in enumerate(events):
        assert event.sets is not None
        name, whole, value = event.sets
        later = [one for one in events[at + 1 :] if one.sets and one.sets[0] == name]
        undone = [not_(condition_of(one.path)) for one in later[:_MOST_LATER]]
        happens = and_(condition_of(event.path), *undone)
        ways = _ways(value) if value is not None and size(value, _MOST_NODES) <= _MOST_NODES else []
        if not ways:
            found = read(happens)
            yield event, None, Read(found.when, (*found.partial, f"the value of {name}"), found.requires)
            continue
        base = _otherwise(name, state, ref, context)
        for chosen, its in ways:
            found = read(and_(happens, chosen, _differs(m, name, whole, its, base, context)))
            yield event, _candidate(m, event, found, name, its), found


def _ways(value: Expr) -> list[tuple[Expr, Expr]]:
    """The value; or, where the machine has a say in which one it is, each with its condition."""
    lost = list(opaque_in(value))
    if not lost:
        return [(TRUE, value)]
    found = list(_branches(value, TRUE)) if all(one.environment for one in lost) else []
    return [] if len(found) > _MOST_WAYS or any(any(opaque_in(its)) for _, its in found) else found


def _branches(value: Expr, when: Expr) -> Iterator[tuple[Expr, Expr]]:
    if isinstance(value, Op) and value.name == "if" and any(opaque_in(value)):
        condition, then, other = value.args
        yield from _branches(then, and_(when, condition))
        yield from _branches(other, and_(when, not_(condition)))
    else:
        yield when, value


def _candidate(m: Machine, event: Event, found: Read, name: str, value: Expr) -> Candidate | None:
    if not worth(found):
        return None
    return Candidate(
        target=m.target.cls,
        severity="dormant",
        depth=event.depth,
        when=found.when,
        effect=Effect(sets={name: normalise(value)}),
        origin="static",
        site=event.site,
        partial=found.partial,
        requires=found.requires,
    )


def _left_alone(
    m: Machine, events: list[Event], state: State, ref: Ref, context: Context
) -> Iterator[tuple[Event, Candidate | None, Read]]:
    """Fields that the engine changes where nothing is given, but leaves as they are for some."""
    first = {event.sets[0]: event for event in reversed(events) if event.sets}
    for name, event in first.items():
        base = _otherwise(name, state, ref, context)
        if name not in context.defaults or base is UNDEFINED or _same(base, context.defaults[name]):
            continue
        never = [not_(condition_of(one.path)) for one in events if one.sets and one.sets[0] == name]
        given = Op("given", (Field((name,)),))
        its = Const(context.defaults[name])
        unset = [_as_unset(one, Field((name,)), its) for one in never[:_MOST_LATER]]
        found = read(and_(not_(given), *unset))
        yield event, _candidate(m, event, found, name, its), found


def _as_unset(expr: Expr, field: Field, default: Const) -> Expr:
    """A condition where a field is not given."""
    if expr in (field, Op("raw", (field,))):
        return default
    if isinstance(expr, Op) and expr.name == "given":
        return FALSE if expr.args[0] == field else expr
    if isinstance(expr, Op) and expr.name in ("and", "or", "not"):
        parts = [_as_unset(one, field, default) for one in expr.args]
        return not_(parts[0]) if expr.name == "not" else (and_ if expr.name == "and" else or_)(*parts)
    if isinstance(expr, Op):
        return op(expr.name, *(_as_unset(one, field, default) for one in expr.args))
    return expr


def _otherwise(name: str, state: State, ref: Ref, context: Context) -> Json:
    """What the field is in the end when the user gives nothing but what is required."""
    thing = state.object(ref)
    value = thing.attrs.get(name) if isinstance(thing, Instance) else None
    its = lowered(value, state) if value is not None else None
    return evaluate(its, {}, context) if its is not None else UNDEFINED


def _differs(m: Machine, name: str, whole: Value, value: Expr, base: Json, context: Context) -> Expr:
    """Where the value is another one than was given, or, if nothing was, than it is otherwise."""
    field = Field((name,))
    raw = Op("raw", (field,))
    before = raw if any(one == raw for one in walk(value)) else m.fields.value_of(name)
    changed = and_(_other(value, before), not_(_named(whole, before)))
    known = name in context.defaults
    if known and base is not UNDEFINED and _same(base, context.defaults[name]):
        return changed
    given = Op("given", (field,))
    unset = FALSE if base is UNDEFINED else and_(not_(given), _other(value, Const(base)))
    return or_(and_(given, changed), unset)


def _named(value: Value, before: Expr) -> Expr:
    """Where a member of an enum is given by its name."""
    parts = []
    for when, one in leaves(value):
        if isinstance(one, Member):
            parts.append(and_(when, op("==", before, Const(one.name))))
        elif isinstance(one, EnumValue) and one.name is not None:
            parts.append(and_(when, op("==", before, one.name)))
    return or_(*parts)


def _other(value: Expr, than: Expr) -> Expr:
    """Different as JSON: true is not 1."""
    if isinstance(value, Op) and value.name == "if":
        condition, then, other = value.args
        return if_(truth(condition), _other(then, than), _other(other, than))
    if value == than:
        return FALSE
    if isinstance(value, Const) and isinstance(than, Const):
        return FALSE if _same(value.value, than.value) else TRUE
    if isinstance(value, Const) and value.value not in (0, 1):
        return not_(op("==", value, than))
    return not_(op("same", value, than))


def _same(left: Json, right: Json) -> bool:
    return bool(left == right) and isinstance(left, bool) == isinstance(right, bool)
