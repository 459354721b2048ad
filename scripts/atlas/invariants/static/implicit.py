"""Errors that nobody wrote: an expression that Python cannot evaluate for some values of the user's."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from atlas.invariants.predicate import FALSE, Const, Expr, undefined
from atlas.invariants.static.state import State
from atlas.invariants.static.terms import fields_in, opaque_in, size

if TYPE_CHECKING:
    from atlas.invariants.static.machine import Machine

_MOST_FIELDS = 3
_MOST_NODES = 60


def evaluated(m: Machine, expression: Expr, state: State, node: ast.expr) -> None:
    """An expression is evaluated here: record the values on which that itself fails."""
    if isinstance(expression, Const) or m.target.converts != "none":
        return
    if size(expression, _MOST_NODES) > _MOST_NODES or any(opaque_in(expression)):
        return
    if not 0 < len(fields_in(expression)) <= _MOST_FIELDS:
        return
    condition = undefined(expression)
    if condition == FALSE:
        return
    m.record("implicit", m.statement or node, state.fork(condition), raises="TypeError")
