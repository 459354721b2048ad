"""The space that a predicate looks at: for each of its fields the values to choose from, and to be unset."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import TypeAlias

from atlas.invariants.model import Config, Json, Target
from atlas.invariants.predicate import Context, Expr, compile_predicate
from atlas.invariants.sampling.conditions import Hints, field_names, hints_of
from atlas.invariants.sampling.configurations import UNSET, assembled
from atlas.invariants.sampling.fragments import Fragment, accepts, without_bounds
from atlas.invariants.sampling.fresh import fresh
from atlas.invariants.sampling.pools import Pool, Pools, hinted, member_type, pool
from atlas.invariants.sampling.values import distance, distinct, identity

Point: TypeAlias = tuple[int, ...]
"""For each field of the predicate, the number of its value among the choices."""

TIDY, REDRAWN = 0.6, 4
FRESH = 4
SHARES = {"hinted": 4, "valid": 3, "fresh": 1, "wrong": 1}


@dataclass
class Space:
    """Points and whether the predicate holds there; choices may be added, their numbers stay."""

    names: tuple[str, ...]
    choices: list[list[Json]]
    types: list[Fragment]
    """The field's types, without bounds."""
    wrong: list[set[int]]
    """The numbers of the choices that are not of the field's type."""
    holds_at: Callable[[Config], bool]
    known: dict[Point, bool] = field(default_factory=dict)
    _number: list[dict[str, int]] = field(default_factory=list)
    _nearest: dict[tuple[int, int], list[int]] = field(default_factory=dict)

    def config(self, point: Point, base: Config | None = None) -> dict[str, Json]:
        """The configuration at a point, with other fields from `base`."""
        values = ((name, row[at]) for name, row, at in zip(self.names, self.choices, point, strict=True))
        return assembled(values, base)

    def holds(self, point: Point) -> bool:
        """Whether the predicate holds at a point with no other field."""
        if point not in self.known:
            self.known[point] = self.holds_at(self.config(point))
        return self.known[point]

    def number(self, axis: int, value: Json) -> int:
        """The number of a value among the choices of a field, to which it is added if need be."""
        numbers = self._number[axis]
        key = "" if value is UNSET else identity(value)
        if key not in numbers:
            numbers[key] = len(self.choices[axis])
            self.choices[axis].append(value)
            if value is not UNSET and not accepts(self.types[axis], value):
                self.wrong[axis].add(numbers[key])
            self._nearest = {pair: order for pair, order in self._nearest.items() if pair[0] != axis}
        return numbers[key]

    def nearest(self, axis: int, at: int) -> list[int]:
        """The other choices of a field, those nearest to one of them first."""
        if (axis, at) not in self._nearest:
            value, row = self.choices[axis][at], self.choices[axis]
            others = [other for other in range(len(row)) if other != at]
            ties = 31 * at + axis
            self._nearest[axis, at] = sorted(
                others, key=lambda other: (*distance(value, row[other]), (ties + other * 617) % 1009)
            )
        return self._nearest[axis, at]

    def is_wrong(self, point: Point) -> bool:
        """Whether some value is not of its field's type."""
        return any(at in wrong for at, wrong in zip(point, self.wrong, strict=True))


def space_of(expr: Expr, target: Target, pools: Pools, context: Context, rng: random.Random) -> Space:
    """The space of a predicate, before anything is known of it: what is given is not of it, nor what
    the target does not take."""
    takes = {spec.name for spec in target.fields}.difference(target.given)
    read, hints = field_names(expr), hints_of([expr])
    every = [*read, *(name for name in hints if name not in read and _is_inside(name, read))]
    named = [name for name in every if name.split(".")[0] in takes]
    names = tuple(sorted(named, key=lambda name: name.count(".")))  # objects before what is put into them
    found = Space(names, [], [], [], compile_predicate(expr, context))
    for name in names:
        known = pools.get(name) or pool(member_type(target, name), hints.get(name, Hints()))
        free = without_bounds(known.type)
        values = [UNSET, *_choices(known, hinted(free, hints.get(name, Hints())), rng)]
        found.choices.append(values)
        found.types.append(free)
        found.wrong.append({at for at, one in enumerate(values[1:], start=1) if not accepts(free, one)})
        found._number.append({"" if one is UNSET else identity(one): at for at, one in enumerate(values)})
    return found


def points(space: Space, limit: int, rng: random.Random) -> list[Point]:
    """All points where they are few; otherwise those of the first choices of each field, and random ones."""
    whole = [len(row) for row in space.choices]
    sizes = capped(whole, limit)
    if sizes != whole:
        sizes = capped(whole, limit // 2)
    found = list(product(*(range(size) for size in sizes)))
    rng.shuffle(found)
    found = found[:limit]
    return found if sizes == whole else [*found, *(random_point(space, rng) for _ in range(limit // 2))]


def random_point(space: Space, rng: random.Random) -> Point:
    """Any point; in most, all values are of their fields' types where there are such."""
    tidy = rng.random() < TIDY
    found = []
    for row, wrong in zip(space.choices, space.wrong, strict=True):
        at = int(rng.random() * len(row))
        for _ in range(REDRAWN if tidy else 0):
            at = int(rng.random() * len(row)) if at in wrong else at
        found.append(at)
    return tuple(found)


def capped(sizes: Sequence[int], limit: int) -> list[int]:
    """Sizes whose product is within the limit: the largest are cut first, none below 2."""
    cap = max(sizes, default=1)
    while cap > 2 and math.prod(min(size, cap) for size in sizes) > limit:
        cap -= 1
    return [min(size, cap) for size in sizes]


def _is_inside(name: str, names: Sequence[str]) -> bool:
    return any(name.startswith(f"{one}.") for one in names)


def _choices(known: Pool, suggested: Sequence[Json], rng: random.Random) -> tuple[Json, ...]:
    """The values of a field to choose from: some of each sort in turn."""
    free = without_bounds(known.type)
    right = [one for one in suggested if accepts(free, one)]
    others = [one for one in suggested if not accepts(free, one)]
    sorts: Mapping[str, Sequence[Json]] = {
        "hinted": right,
        "valid": _shuffled(rng, (*known.valid, *known.boundary)),
        "fresh": [value for _ in range(FRESH) for value in fresh(rng, known.type)],
        "wrong": _shuffled(rng, (*others, *known.wrong)),
    }
    return distinct(_in_turn(sorts))


def _in_turn(sorts: Mapping[str, Sequence[Json]]) -> list[Json]:
    """Some of each sort, by their shares, until there is none left."""
    left = {sort: list(values) for sort, values in sorts.items()}
    found: list[Json] = []
    while any(left.values()):
        for sort, share in SHARES.items():
            found.extend(left[sort][:share])
            left[sort] = left[sort][share:]
    return found


def _shuffled(rng: random.Random, values: Sequence[Json]) -> list[Json]:
    out = list(values)
    rng.shuffle(out)
    return out
