"""Search for points where a predicate holds, or does not, in a space too large to be looked through."""

from __future__ import annotations

import random
from collections.abc import Callable

from atlas.invariants.model import Json
from atlas.invariants.predicate import Context, Expr, compile_expr
from atlas.invariants.sampling.fragments import accepts
from atlas.invariants.sampling.random_configs import pick
from atlas.invariants.sampling.solving import Change, Present, repairs
from atlas.invariants.sampling.space import Point, Space, random_point

STARTS, STARTS_FOR_MORE = 120, 30
STEPS = 8
PICKS = 4
"""So many changes are drawn to find one to a value of the right type."""
BY_CHANCE = 0.25
"""How often a step changes any field, whatever is wanted."""


def search(
    expr: Expr,
    want: bool,
    space: Space,
    context: Context,
    rng: random.Random,
    *,
    few: bool,
    reached: Callable[[Point], bool] | None = None,
) -> None:
    """Walk from random points towards what is wanted; what is seen on the way is known to the space.

    `few`: some points are known, and less effort is made for others. `reached`: whether a point is wanted,
    where `expr` is only one of the ways in which the space's predicate holds.
    """
    if not space.names:
        space.holds(())
        return
    values = _Values(context)
    choices = {name: tuple(row[1:]) for name, row in zip(space.names, space.choices, strict=True)}
    for _ in range(STARTS_FOR_MORE if few else STARTS):
        point = random_point(space, rng)
        for _ in range(STEPS):
            there = space.holds(point)
            if there is want if reached is None else reached(point):
                break
            present = Present(values.at(space.config(point)), choices, rng)
            changes = [] if rng.random() < BY_CHANCE else list(repairs(expr, want, present))
            changes = [(name, value) for name, value in changes if name in choices]
            point = _changed(space, point, changes, rng)


class _Values:
    """The values of expressions, each compiled once."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._compiled: dict[Expr, Callable[[dict[str, Json]], Json]] = {}

    def at(self, config: dict[str, Json]) -> Callable[[Expr], Json]:
        """What expressions are in a configuration."""

        def value(expr: Expr) -> Json:
            if expr not in self._compiled:
                self._compiled[expr] = compile_expr(expr, self._context)
            return self._compiled[expr](config)

        return value


def _changed(space: Space, point: Point, changes: list[Change], rng: random.Random) -> Point:
    if not changes:
        axis = int(rng.random() * len(point))
        at = int(rng.random() * len(space.choices[axis]))
    else:
        for _ in range(PICKS):
            name, value = pick(rng, changes)
            axis = space.names.index(name)
            if accepts(space.types[axis], value):
                break
        at = space.number(axis, value)
    return (*point[:axis], at, *point[axis + 1 :])
