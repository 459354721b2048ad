"""Loops: over what is known, item by item; over a list of the user's, as `any`; else once, and forgotten."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from atlas.invariants.predicate import FALSE, TRUE, Expr
from atlas.invariants.static import quantified
from atlas.invariants.static.assignment import assign
from atlas.invariants.static.iteration import iterated, known_items, symbolic_items
from atlas.invariants.static.joins import settle
from atlas.invariants.static.state import Over, State
from atlas.invariants.static.terms import not_, or_
from atlas.invariants.static.values import Mapped, UserItem, Value, is_expr

if TYPE_CHECKING:
    from atlas.invariants.static.machine import Machine


def for_(m: Machine, node: ast.For, state: State) -> bool:
    value = m.value(node.iter, state)
    items = known_items(m, value, state)
    grown = items is not None and any(when != TRUE for when, _ in items)
    if items is not None and len(items) <= (m.budget.rows if grown else m.budget.items):
        return _each(m, node, items, state)
    if isinstance(value, UserItem):
        return _users(m, node, state)
    mapped = symbolic_items(m, value, state, _name(node.target))
    if mapped is not None:
        if is_expr(value):
            iterated(m, value, state, node)
        return _some(m, node, mapped, state)
    return _once(m, node, node.body, m.opaque(node.iter, state, value, environment=False), state)


def _name(target: ast.expr) -> str:
    return target.id if isinstance(target, ast.Name) else "item"


def _each(m: Machine, node: ast.For, items: list[tuple[Expr, Value]], state: State) -> bool:
    broken: list[State] = []
    start = State(state.names, state.heap, state.path)
    returns, caught = len(m.frame.returns), m.caught
    falls = True
    for condition, item in items:
        if condition == FALSE or _passed_over(m, node, item, state):
            continue
        inner = state.fork(condition)
        ends, breaks = _iteration(m, node, item, inner)
        broken += breaks
        skipped = [state.fork(not_(condition))] if condition != TRUE else []
        left = bool(breaks) or returns != len(m.frame.returns) or caught != m.caught
        if not settle(state, [*ends, *skipped], left):
            falls = False
            break
    if falls:
        falls = m.block(node.orelse, state)
    escaped = returns != len(m.frame.returns) or caught != m.caught
    if not broken:
        return falls
    ends = [*broken, *([state.fork()] if falls else [])]
    state.names, state.heap, state.path = dict(start.names), dict(start.heap), start.path
    return settle(state, ends, escaped)


def _passed_over(m: Machine, node: ast.For, item: Value, state: State) -> bool:
    """Whether the whole body is `if test: …` and the test is never true of this item: as in a search."""
    first = node.body[0]
    if len(node.body) > 1 or not isinstance(first, ast.If) or first.orelse:
        return False
    if any(isinstance(one, ast.Call | ast.NamedExpr | ast.Await) for one in ast.walk(first.test)):
        return False
    trial = State(dict(state.names), state.heap, state.path)
    assign(m, node.target, item, trial, node)
    if m.test(first.test, trial) != FALSE:
        return False
    state.names = trial.names
    return True


def _iteration(m: Machine, node: ast.For, item: Value, inner: State) -> tuple[list[State], list[State]]:
    """The ends of one round: those that go on with the next one, and those that leave the loop."""
    loop = m.new_loop()
    assign(m, node.target, item, inner, node)
    falls = m.block(node.body, inner)
    m.frame.loops.pop()
    return [*loop.continues, *([inner] if falls else [])], loop.breaks


def _some(m: Machine, node: ast.For, mapped: Mapped, state: State) -> bool:
    """Execute the body for one item, of which nothing more is known than where it is from."""
    inner = state.fork(Over(mapped.var, mapped.over), mapped.condition)
    returns = len(m.frame.returns)
    ends, breaks = _iteration(m, node, mapped.value, inner)
    quantified.returns(m, returns, mapped.var, state)
    quantified.forget(m, node, mapped, [*ends, *breaks], state)
    escaped = [found.since(state.path) for _, found in m.frame.returns[returns:] if found.path != state.path]
    if escaped:
        state.path = (*state.path, not_(or_(*escaped)))
    if not node.orelse:
        return True
    if breaks:
        other = state.fork(not_(or_(*(end.since(state.path) for end in breaks))))
        then = state.fork(or_(*(end.since(state.path) for end in breaks)))
        falls = m.block(node.orelse, other)
        return settle(state, [then, other] if falls else [then], not falls)
    return m.block(node.orelse, state)


def _users(m: Machine, node: ast.For, state: State) -> bool:
    """`for key, value in kwargs.items()`: what the user gave under names that nobody took out."""
    target = node.target
    parts = [UserItem("name"), UserItem("value")]
    if isinstance(target, ast.Tuple) and len(target.elts) == 2:
        for one, part in zip(target.elts, parts, strict=True):
            assign(m, one, part, state, node)
    else:
        assign(m, target, parts[0], state, node)
    m.new_loop()
    inner = state.fork()
    m.block(node.body, inner)
    m.frame.loops.pop()
    state.names, state.heap = inner.names, inner.heap
    return True


def _once(m: Machine, node: ast.For | ast.While, body: list[ast.stmt], why: Expr, state: State) -> bool:
    """Execute the body once under a condition nobody knows, and forget whatever it changes."""
    inner = state.fork(why)
    returns, caught = len(m.frame.returns), m.caught
    m.new_loop()
    if isinstance(node, ast.For):
        assign(m, node.target, why, inner, node)
    m.block(body, inner)
    m.frame.loops.pop()
    quantified.havoc(m, node, inner, state)
    if returns != len(m.frame.returns) or caught != m.caught:
        state.path = (*state.path, not_(why))
    return m.block(node.orelse, state) if node.orelse else True


def while_(m: Machine, node: ast.While, state: State) -> bool:
    condition = m.test(node.test, state)
    if condition == FALSE:
        return m.block(node.orelse, state)
    return _once(m, node, node.body, m.opaque(node.test, state, condition, environment=False), state)


def break_(m: Machine, node: ast.Break, state: State) -> bool:
    m.frame.departures += 1
    if m.frame.loops:
        m.frame.loops[-1].breaks.append(state.fork())
    return False


def continue_(m: Machine, node: ast.Continue, state: State) -> bool:
    m.frame.departures += 1
    if m.frame.loops:
        m.frame.loops[-1].continues.append(state.fork())
    return False
