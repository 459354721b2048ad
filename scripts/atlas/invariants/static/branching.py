"""Two ways through the code, each under its condition."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from atlas.invariants.predicate import Const, Expr
from atlas.invariants.static.state import State
from atlas.invariants.static.terms import not_

if TYPE_CHECKING:
    from atlas.invariants.static.machine import Machine

Way = Callable[[State], bool]


def branch(m: Machine, condition: Expr, then_way: Way, other_way: Way, state: State) -> bool:
    """Execute both sides, each under its condition, and go on with what is left."""
    if isinstance(condition, Const):
        return then_way(state) if condition.value else other_way(state)
    base = len(state.path)
    then, other = state.fork(condition), state.fork(not_(condition))
    start = m.mark()
    falls_then = then_way(then)
    middle = m.mark()
    falls_other = other_way(other)
    end = m.mark()
    if falls_then and falls_other:
        state.join(condition, then, other)
        return True
    if not falls_then and not falls_other:
        return False
    kept, departed = (then, middle != end) if falls_then else (other, start != middle)
    if not departed:  # the other side ends in exceptions only: whoever gets on need not be told apart
        kept.path = (*kept.path[:base], *kept.path[base + 1 :])
    state.become(kept)
    return True
