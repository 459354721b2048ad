"""Builtin functions."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from atlas.invariants.predicate import FALSE, NONE, TRUE, Const, Each, Expr, Op, Opaque, Var
from atlas.invariants.static.attribute_calls import delattr_, getattr_, hasattr_, setattr_, vars_
from atlas.invariants.static.call import Builtin, Call
from atlas.invariants.static.container_calls import CONTAINERS
from atlas.invariants.static.dead import DeadError
from atlas.invariants.static.facts import bounded
from atlas.invariants.static.iteration import known_items
from atlas.invariants.static.lowering import distinct, lowered
from atlas.invariants.static.objects import Instance
from atlas.invariants.static.state import State
from atlas.invariants.static.strings import shown, text
from atlas.invariants.static.terms import and_, kind_of, not_, op, or_, truth, undefined_of
from atlas.invariants.static.truths import truth_of
from atlas.invariants.static.typetests import isinstance_, issubclass_
from atlas.invariants.static.values import (
    Choice,
    Function,
    Known,
    Mapped,
    Raised,
    Super,
    Text,
    TypeOf,
    Value,
    is_expr,
    merge,
)

if TYPE_CHECKING:
    from atlas.invariants.static.machine import Machine


def _any(call: Call) -> Value | None:
    return _quantified(call.m, "any", call.given[0], call.node, call.state)


def _all(call: Call) -> Value | None:
    return _quantified(call.m, "all", call.given[0], call.node, call.state)


def _quantified(m: Machine, kind: str, value: Value, node: ast.AST, state: State) -> Value | None:
    items = known_items(m, value, state)
    if items is not None:
        parts = [(when, truth_of(m, item, state, node)) for when, item in items]
        if kind == "any":
            return or_(*(and_(when, its) for when, its in parts))
        return and_(*(or_(not_(when), its) for when, its in parts))
    if isinstance(value, Choice):
        then = _quantified(m, kind, value.then, node, state)
        other = _quantified(m, kind, value.other, node, state)
        return merge(value.condition, then, other) if then is not None and other is not None else None
    if is_expr(value) and not isinstance(value, Const | Opaque):
        return Each(kind, "item", value, truth(Var("item")))  # type: ignore[arg-type]
    if isinstance(value, Mapped):
        its = truth_of(m, value.value, state, node)
        body = and_(value.condition, its) if kind == "any" else or_(not_(value.condition), its)
        return Each(kind, value.var, value.over, body)  # type: ignore[arg-type]
    return None


def _number(name: str, errors: tuple[str, ...]) -> Builtin:
    """`int(x)`, `float(x)`: they fail for what is no number."""

    def rule(call: Call) -> Value | None:
        if len(call.given) != 1 or call.keywords:
            return Const(0) if not call.given and not call.keywords and name == "int" else None
        its = lowered(call.given[0], call.state)
        if its is None or isinstance(its, Opaque):
            if its is not None:
                call.m.may_raise(
                    errors, Opaque(f"{name}({its.text}) fails", its.fields, its.environment), call.state
                )
            return None
        made = op(name, its)
        call.m.may_raise(errors, undefined_of(made), call.state)
        return made

    return rule


def _simple(name: str) -> Builtin:
    def rule(call: Call) -> Value | None:
        sides = [lowered(one, call.state) for one in call.given]
        if call.keywords or not sides or any(one is None or isinstance(one, Opaque) for one in sides):
            return None
        if any(isinstance(one, Mapped) for one in call.given):
            return None
        return op(name, *(one for one in sides if one is not None))

    return rule


def _over(name: str, call: Call) -> Value | None:
    """A function of all items of one list."""
    its = distinct(call.given[0], call.state)
    return op(name, its) if its is not None else None


def _of_one(name: str, rule: Builtin, call: Call) -> Value | None:
    """`max(x)`, `max(x, default=…)`"""
    value, default = call.given[0], call.keywords.get("default")
    if call.keywords.keys() - {"default"}:
        return None
    items = known_items(call.m, value, call.state)
    if items and all(when == TRUE for when, _ in items):
        return (
            rule(replace(call, given=[item for _, item in items], keywords={})) if items[1:] else items[0][1]
        )
    if items == []:
        return default
    if isinstance(value, Choice):
        sides = [rule(replace(call, given=[one])) for one in (value.then, value.other)]
        then, other = sides
        return merge(value.condition, then, other) if then is not None and other is not None else None
    found = _over(name, call)
    if default is None or found is None:
        return found
    its = distinct(value, call.state)
    assert its is not None
    return merge(truth(its), found, default)


def _least(name: str) -> Builtin:
    """`min`, `max` of arguments, or of one list."""

    def rule(call: Call) -> Value | None:
        if len(call.given) == 1:
            return _of_one(name, rule, call)
        if call.keywords:
            return None
        if len(call.given) == 2:
            sides = [lowered(one, call.state) for one in call.given]
            left, right = sides
            known = bounded(name, left, right, call.state) if left and right else None
            if known is not None:
                return known
        return _simple(name)(call)

    return rule


def _bool(call: Call) -> Value | None:
    return truth_of(call.m, call.given[0], call.state, call.node) if call.given else FALSE


def _str(call: Call) -> Value | None:
    if not call.given:
        return Const("")
    value = call.given[0]
    if isinstance(value, Text | Raised):
        return text(shown(call.m, value, call.state, call.node))
    its = lowered(value, call.state)
    if its is None or isinstance(its, Opaque):
        return None
    return its if kind_of(its) == "str" else op("str", its)


def _type(call: Call) -> Value | None:
    thing = call.state.object(call.given[0])
    if isinstance(thing, Instance):
        return Known(thing.cls.qualname, thing.cls)
    if is_expr(call.given[0]) and not isinstance(call.given[0], Opaque):
        return TypeOf(call.given[0])
    if isinstance(call.given[0], Choice):
        sides = [_type(replace(call, given=[one])) for one in (call.given[0].then, call.given[0].other)]
        then, other = sides
        return merge(call.given[0].condition, then, other) if then is not None and other is not None else None
    return None


def _super(call: Call) -> Value | None:
    frame = next((one for one in reversed(call.m.frames) if one.owner is not None), None)
    if frame is None or frame.first is None or frame.owner is None:
        return None
    return Super(frame.first, frame.owner)


def _callable(call: Call) -> Value | None:
    if isinstance(call.given[0], Function | Known):
        return TRUE
    return FALSE if is_expr(call.given[0]) and not isinstance(call.given[0], Opaque) else None


def _print(call: Call) -> Value | None:
    return NONE


def _exit(call: Call) -> Value | None:
    call.m.raised(
        "raise", call.m.statement or call.node, Raised("SystemExit", ("BaseException",), NONE), call.state
    )
    raise DeadError


def _next(call: Call) -> Value | None:
    items = known_items(call.m, call.given[0], call.state)
    if items and items[0][0] == TRUE:
        return items[0][1]
    return None


def _sum(call: Call) -> Value | None:
    """A sum of known items; conditions count as 0 or 1."""
    if len(call.given) != 1 or call.keywords:
        return None
    items = known_items(call.m, call.given[0], call.state)
    if items is None:
        return _over("sum", call)
    total: Expr = Const(0)
    for when, item in items:
        its = lowered(item, call.state)
        if its is None or isinstance(its, Opaque):
            return None
        total = op("+", total, its if when == TRUE else op("*", Op("int", (when,)), its))
    return total


BUILTINS: Mapping[str, Builtin] = {
    f"builtins.{name}": rule
    for name, rule in {
        "isinstance": isinstance_,
        "issubclass": issubclass_,
        "getattr": getattr_,
        "hasattr": hasattr_,
        "setattr": setattr_,
        "delattr": delattr_,
        "vars": vars_,
        "any": _any,
        "all": _all,
        "int": _number("int", ("ValueError", "TypeError", "OverflowError")),
        "float": _number("float", ("ValueError", "TypeError", "OverflowError")),
        "abs": _simple("abs"),
        "round": _simple("round"),
        "min": _least("min"),
        "max": _least("max"),
        "sum": _sum,
        "bool": _bool,
        "str": _str,
        "type": _type,
        "super": _super,
        "callable": _callable,
        "print": _print,
        "exit": _exit,
        "quit": _exit,
        "next": _next,
        **CONTAINERS,
    }.items()
}
