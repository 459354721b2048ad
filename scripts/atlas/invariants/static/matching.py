"""`match`: constants, alternatives and the wildcard; any other pattern is a condition nobody knows."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from atlas.invariants.predicate import TRUE, Expr
from atlas.invariants.static.branching import branch
from atlas.invariants.static.comparison import equal
from atlas.invariants.static.state import State
from atlas.invariants.static.terms import and_, or_
from atlas.invariants.static.values import Value

if TYPE_CHECKING:
    from atlas.invariants.static.machine import Machine


def match_(m: Machine, node: ast.Match, state: State) -> bool:
    subject = m.value(node.subject, state)
    return _cases(m, node.cases, subject, state)


def _cases(m: Machine, cases: list[ast.match_case], subject: Value, state: State) -> bool:
    if not cases:
        return True
    first, rest = cases[0], cases[1:]
    condition = _fits(m, first.pattern, subject, state)
    if first.guard is not None:
        condition = and_(condition, m.test(first.guard, state))
    if condition == TRUE:
        return m.block(first.body, state)
    return branch(
        m,
        condition,
        lambda then: m.block(first.body, then),
        lambda other: _cases(m, rest, subject, other),
        state,
    )


def _fits(m: Machine, pattern: ast.pattern, subject: Value, state: State) -> Expr:
    if isinstance(pattern, ast.MatchValue):
        return equal(m, subject, m.value(pattern.value, state), state, pattern)
    if isinstance(pattern, ast.MatchSingleton):
        return equal(m, subject, m.value(ast.Constant(pattern.value), state), state, pattern)
    if isinstance(pattern, ast.MatchOr):
        return or_(*(_fits(m, one, subject, state) for one in pattern.patterns))
    if isinstance(pattern, ast.MatchAs):
        if pattern.name:
            state.names[pattern.name] = subject
        return TRUE if pattern.pattern is None else _fits(m, pattern.pattern, subject, state)
    return m.opaque(pattern, state, subject, environment=False)
