"""Configurations on both sides of a predicate's boundary, differing in as little as possible."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count, cycle

from atlas.invariants.model import Config, Json, Target
from atlas.invariants.predicate import Context, Expr, compile_predicate
from atlas.invariants.sampling.alternatives import by_alternative, in_turns
from atlas.invariants.sampling.configurations import in_order
from atlas.invariants.sampling.pools import Pools
from atlas.invariants.sampling.search import search
from atlas.invariants.sampling.space import Point, Space, points, space_of
from atlas.invariants.sampling.values import identity

EXHAUSTIVE = 2500
"""So many points are all looked at."""
ENOUGH = 12
"""With fewer points than this on a side, more are searched for."""
ENOUGH_OF_A_WAY = 3
"""With fewer points than this for one of the ways in which it holds, more are searched for."""
ALONE = 0.25
"""How often there is no other field."""
WRONG_EVERY = 6
"""One in so many points has a value of a wrong type, where there are others."""
NEAR_SHARE = 2 / 3
"""The part of the configurations where it does not hold that are near misses."""
OTHERS = 3
IDLE_ROUNDS, IDLE_DRAWS = 4, 100


def around(
    expr: Expr,
    target: Target,
    pools: Pools,
    context: Context,
    n_true: int,
    n_false: int,
    seed: int,
    *,
    valid_context: Sequence[Config] = (),
) -> tuple[list[Config], list[Config]]:
    """Up to n configurations where the predicate holds, and up to n where it does not; all distinct.

    Most that do not hold differ from one that does in one field of the predicate's, by as little as
    possible. The other fields are those of the configurations of `valid_context` in their turn, or else
    valid values; some have no other field. There are fewer than asked for only if no more were found.
    """
    rng = random.Random(f"around {seed}")
    space = space_of(expr, target, pools, context, rng)
    trues, falses = _explored(expr, space, context, rng)
    order = {spec.name: at for at, spec in enumerate(target.fields)}
    others = _Others(space, target, pools, valid_context, order, rng)
    true_side, false_side = _Side(n_true, space, others), _Side(n_false, space, others)
    _fill_pairs(trues, true_side, false_side)
    _fill(true_side, trues)
    _fill(false_side, falses)
    return list(true_side.found.values()), list(false_side.found.values())


def _explored(
    expr: Expr, space: Space, context: Context, rng: random.Random
) -> tuple[list[Point], list[Point]]:
    """Points on either side, in the order to be used: all of a small space, else some."""
    for point in points(space, EXHAUSTIVE, rng):
        space.holds(point)
    for want in (True, False):
        known = sum(holds is want for holds in space.known.values())
        if known < ENOUGH:
            search(expr, want, space, context, rng, few=known > 0)
    groups = _by_alternative(expr, space, context, rng)
    falses = [point for point, holds in space.known.items() if not holds]
    return in_turns([_ordered(space, group) for group in groups]), _ordered(space, falses)


def _by_alternative(expr: Expr, space: Space, context: Context, rng: random.Random) -> list[list[Point]]:
    """The points where it holds, by the way in which it does; of rare ways more are searched for."""
    ways, way_of = by_alternative(expr, context)
    groups: list[list[Point]] = [[] for _ in range(len(ways) + 1)]
    for point, holds in space.known.items():
        if holds:
            groups[way_of(space.config(point))].append(point)
    for at, way in enumerate(ways):
        if len(groups[at]) < ENOUGH_OF_A_WAY and len(ways) > 1:
            known = set(space.known)
            wanted = compile_predicate(way, context)
            search(way, True, space, context, rng, few=True, reached=lambda one: wanted(space.config(one)))  # noqa: B023
            new = [point for point, holds in space.known.items() if holds and point not in known]
            for point in new:
                groups[way_of(space.config(point))].append(point)
    return groups


def _ordered(space: Space, found: list[Point]) -> list[Point]:
    """First those that show a value not seen before; those with a value of a wrong type spread among them."""
    right = _unseen_first([point for point in found if not space.is_wrong(point)])
    wrong = _unseen_first([point for point in found if space.is_wrong(point)])
    out: list[Point] = []
    while right or wrong:
        out.extend(right[: WRONG_EVERY - 1])
        out.extend(wrong[:1])
        right, wrong = right[WRONG_EVERY - 1 :], wrong[1:]
    return out


def _unseen_first(found: list[Point]) -> list[Point]:
    seen: set[tuple[int, int]] = set()
    first: list[Point] = []
    rest: list[Point] = []
    for point in found:
        new = [pair for pair in enumerate(point) if pair not in seen]
        (first if new else rest).append(point)
        seen.update(new)
    return [*first, *rest]


@dataclass
class _Others:
    """Values for the fields that the predicate does not read."""

    space: Space
    target: Target
    pools: Pools
    valid: Sequence[Config]
    order: dict[str, int]
    rng: random.Random
    free: list[str] = field(default_factory=list)
    turn: Iterator[Config] = field(default_factory=lambda: iter(()))
    """The valid configurations, each in its turn."""

    def __post_init__(self) -> None:
        self.read = {name.split(".")[0] for name in self.space.names}
        known = (spec.name for spec in self.target.fields if spec.name not in self.read)
        self.free = [name for name in known if name in self.pools and self.pools[name].valid]
        apart = [one for one in self.valid if not self.read.intersection(one)]
        if len(apart) >= ENOUGH:  # what is valid only together with those fields is the company of some
            rest = [one for one in self.valid if self.read.intersection(one)]
            self.valid = in_turns([apart[::2], apart[1::2], rest[: len(apart) // 2]])
        self.turn = cycle(self.valid)

    def draw(self) -> dict[str, Json]:
        """The fields of a valid configuration, or none."""
        if self.rng.random() < ALONE:
            return {}
        if self.valid:
            base = next(self.turn)
            return {name: value for name, value in base.items() if name not in self.read}
        wanted = 1 + int(self.rng.random() * OTHERS)
        names = self.rng.sample(self.free, min(wanted, len(self.free)))
        return {name: self.rng.choice(self.pools[name].valid) for name in names}


@dataclass
class _Side:
    """The configurations of one side, as far as they are found."""

    wanted: int
    space: Space
    others: _Others
    found: dict[str, Config] = field(default_factory=dict)

    @property
    def room(self) -> int:
        """How many are still wanted."""
        return self.wanted - len(self.found)

    def add(self, point: Point, base: Config) -> None:
        """Add the configuration at a point with these other fields, if it is new and more are wanted."""
        if self.room > 0:
            config = in_order(self.space.config(point, base), self.others.order)
            self.found.setdefault(identity(config), config)


def _fill_pairs(trues: list[Point], true_side: _Side, false_side: _Side) -> None:
    """Pairs of points that differ in one field, with the same other fields: each field in its turn."""
    near_wanted = int(false_side.wanted * NEAR_SHARE)
    some = trues[: max(near_wanted, 1)]
    misses = {point: _near_misses(true_side.space, point, at) for at, point in enumerate(some)}
    for _ in _rounds(len(misses), true_side, false_side):
        for point, near in misses.items():
            base = true_side.others.draw()
            true_side.add(point, base)
            miss = next(near, None) if len(false_side.found) < near_wanted else None
            if miss is not None:
                false_side.add(miss, base)
        if not true_side.room or len(false_side.found) >= near_wanted:
            break


def _near_misses(space: Space, point: Point, start: int) -> Iterator[Point]:
    """Points where it does not hold, one field away: the nearest of each field, then the next nearest."""
    axes = [(start + turn) % len(point) for turn in range(len(point))]
    found = [_false_values(space, point, axis) for axis in axes]
    while found:
        for values in list(found):
            miss = next(values, None)
            if miss is None:
                found.remove(values)
            else:
                yield miss


def _false_values(space: Space, point: Point, axis: int) -> Iterator[Point]:
    for at in space.nearest(axis, point[axis]):
        other = (*point[:axis], at, *point[axis + 1 :])
        if not space.holds(other):
            yield other


def _fill(side: _Side, found: list[Point]) -> None:
    """Points with other fields drawn anew in each round, until there are enough."""
    for _ in _rounds(len(found), side):
        for point in found[: side.wanted * 2]:
            if not side.room:
                return
            side.add(point, side.others.draw())


def _rounds(points: int, *sides: _Side) -> Iterator[int]:
    """Goes on until several rounds in a row, each over so many points, found nothing new."""
    idle, before = 0, -1
    patience = max(IDLE_ROUNDS, IDLE_DRAWS // max(points, 1))
    for number in count():
        now = sum(len(side.found) for side in sides)
        idle = idle + 1 if now == before else 0
        if idle >= patience or all(side.room <= 0 for side in sides):
            return
        before = now
        yield number
