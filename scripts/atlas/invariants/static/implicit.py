"""Errors that nobody wrote: an expression that Python cannot evaluate for some values of the user's."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from atlas.invariants.predicate import FALSE, Const, Expr, Field, Op, undefined
from atlas.invariants.predicate.walk import parts_of
from atlas.invariants.static.implied import implied
from atlas.invariants.static.measure import fields_in, opaque_in, size
from atlas.invariants.static.shorter import shorter
from atlas.invariants.static.state import State
from atlas.invariants.static.terms import or_

if TYPE_CHECKING:
    from atlas.invariants.static.machine import Machine

_MOST_FIELDS = 3
_MOST_NODES = 120


def evaluated(m: Machine, expression: Expr, state: State, node: ast.expr) -> None:
    """An expression is evaluated here: record the values on which that itself fails."""
    if isinstance(expression, Const):
        return
    if any(isinstance(one, Field) and m.fields.is_converted(one) for one in _seen(expression)):
        return
    if size(expression, _MOST_NODES) > _MOST_NODES or any(opaque_in(expression)):
        return
    if not 0 < len(fields_in(expression)) <= _MOST_FIELDS:
        return
    condition = shorter(undefined(expression))
    condition = unsaid(m, condition, state)
    if condition == FALSE:
        return
    m.record("implicit", m.statement or node, state.fork(condition), raises="TypeError")


def _seen(expression: Expr) -> Iterator[Expr]:
    """The parts of an expression, but not what is inside of `raw(…)`."""
    if isinstance(expression, Op) and expression.name == "raw":
        return
    yield expression
    for one in parts_of(expression):
        yield from _seen(one)


def unsaid(m: Machine, condition: Expr, state: State) -> Expr:
    """The alternatives that no statement before on this path fails on as well."""
    parts = condition.args if isinstance(condition, Op) and condition.name == "or" else (condition,)
    kept: list[Expr] = []
    for part in parts:
        clauses = set(part.args) if isinstance(part, Op) and part.name == "and" else {part}
        known = any(
            state.path[: len(path)] == path
            and all(any(implied(one, its) for one in clauses) for its in before)
            for path, before in m.failing
        )
        if not known:
            kept.append(part)
            m.failing.append((state.path, clauses))
    return or_(*kept)
