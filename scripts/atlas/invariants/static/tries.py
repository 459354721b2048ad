"""`try`: an exception that a handler takes rejects nothing; what the handler does has its own condition."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from atlas.invariants.static import exceptions
from atlas.invariants.static.joins import settle
from atlas.invariants.static.state import State, joined
from atlas.invariants.static.terms import or_
from atlas.invariants.static.values import Raised

if TYPE_CHECKING:
    from atlas.invariants.static.frames import Catcher
    from atlas.invariants.static.machine import Machine


def try_(m: Machine, node: ast.Try, state: State) -> bool:
    base = state.fork()
    body = state.fork()
    handlers = [one for one in node.handlers if not _passes_on(one)]
    names = [exceptions.handled(m, handler, state) for handler in handlers]
    returns, caught = len(m.frame.returns), m.caught
    departures = m.frame.departures
    with m.catching(frozenset().union(*names)) as catcher:
        falls = m.block(node.body, body)
    if falls and node.orelse:
        falls = m.block(node.orelse, body)
    ends = [body] if falls else []
    for handler, its in zip(handlers, names, strict=True):
        ends += _handled(m, handler, _taken(catcher, its), base)
    outer = m.caught != caught
    escaped = returns != len(m.frame.returns) or departures != m.frame.departures or outer
    state.become(base)
    done = settle(state, ends, escaped)
    return m.block(node.finalbody, state) and done


def _passes_on(handler: ast.ExceptHandler) -> bool:
    """Whether it raises again whatever comes: then it came from where it was raised first."""
    last = handler.body[-1]
    if not (isinstance(last, ast.Raise) and last.exc is None):
        return False
    leaving = (ast.Return, ast.Raise, ast.Continue, ast.Break)
    return not any(isinstance(node, leaving) and node is not last for node in ast.walk(handler))


def _taken(catcher: Catcher, names: frozenset[str]) -> list[tuple[Raised, State]]:
    """The exceptions that come to this handler and not to one before it."""
    taken = [one for one in catcher.caught if catcher.fits(names, one[0])]
    catcher.caught = [one for one in catcher.caught if one not in taken]
    catcher.taken += taken
    return taken


def _handled(
    m: Machine,
    handler: ast.ExceptHandler,
    taken: list[tuple[Raised, State]],
    base: State,
) -> list[State]:
    """Execute a handler where something came to it; the state at its end, if control gets there."""
    if not taken:
        return []
    conditions = [state.since(base.path) for _, state in taken]
    start = joined(base, list(zip(conditions, (state for _, state in taken), strict=True)))
    inner = start.fork(or_(*conditions))
    raised = taken[0][0] if len({one for one, _ in taken}) == 1 else exceptions.ANY
    inner.names["*handled*"] = raised
    if handler.name:
        inner.names[handler.name] = raised
    return [inner] if m.block(handler.body, inner) else []
