"""The ways in which a condition can hold, so that each of them is tried."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from atlas.invariants.model import Config
from atlas.invariants.predicate import Context, Expr, Op, compile_predicate

MOST = 8
T = TypeVar("T")


def alternatives(expr: Expr) -> tuple[Expr, ...]:
    """Conditions of which at least one holds wherever this one does."""
    found = _spread(expr)
    return found if len(found) <= MOST else (*found[: MOST - 1], Op("or", found[MOST - 1 :]))


def _spread(expr: Expr) -> tuple[Expr, ...]:
    match expr:
        case Op("or", args):
            return tuple(one for arg in args for one in _spread(arg))
        case Op("if", (condition, then, other)):
            return (Op("and", (condition, then)), Op("and", (Op("not", (condition,)), other)))
        case Op("and", args):
            ways = [_spread(arg) for arg in args]
            at = max(range(len(ways)), key=lambda place: len(ways[place]), default=0)
            if not ways or len(ways[at]) == 1:
                return (expr,)
            rest = (*args[:at], *args[at + 1 :])
            return tuple(Op("and", (way, *rest)) for way in ways[at])
        case _:
            return (expr,)


def by_alternative(expr: Expr, context: Context) -> tuple[tuple[Expr, ...], Callable[[Config], int]]:
    """The alternatives, and the number of the first that holds of a configuration."""
    found = alternatives(expr)
    tests = [compile_predicate(one, context) for one in found]
    return found, lambda config: next((at for at, test in enumerate(tests) if test(config)), len(tests))


def in_turns(groups: Sequence[Sequence[T]]) -> list[T]:
    """One of each group in turn, until there is none left."""
    longest = max(map(len, groups), default=0)
    return [group[at] for at in range(longest) for group in groups if at < len(group)]
