"""Systematic configurations: every value alone, and every two values of two fields together.

Two fields at a time are covered by orthogonal arrays, put side by side: for a prime q, the rows (i, j) of an
array hold i + s·j for each slope s, and j. Fields are told apart by the digits of their number to the base
q + 1, and there is one array for each digit. No search is needed, and 500 fields of 5 levels take 100 rows.
But few of such rows get past an engine's first check, so fields are first parted into small groups.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations, product

from atlas.invariants.model import Config, Json, Target
from atlas.invariants.sampling.configurations import UNSET, assembled, in_order
from atlas.invariants.sampling.pools import Pool, Pools
from atlas.invariants.sampling.values import distinct_configs

LEVELS = 5
"""Values of each field that meet all those of another, one of them to be unset; a prime."""
ROWS = 4000
PAIR_VALUES = 8


def univariate(target: Target, pools: Pools) -> list[Config]:
    """Every field alone with every value of its pool, and nothing at all."""
    names = _in_order(target, pools)
    alone = [assembled([(name, value)]) for name in names for value in pools[name].every]
    return distinct_configs([{}, *alone])


def pairwise(
    target: Target, pools: Pools, related: Sequence[frozenset[str]] = (), *, rows: int = ROWS
) -> list[Config]:
    """Two fields at a time: any two with some valid values of each, related ones with more, and alone.

    Any two fields meet in configurations that hold as few fields as `rows` allows, so that one rejection
    hides as little as possible.
    """
    order = {spec.name: at for at, spec in enumerate(target.fields)}
    names = [name for name in _in_order(target, pools) if pools[name].valid and "." not in name]
    known = set(names)
    pairs = dict.fromkeys(pair for group in related for pair in combinations(sorted(group & known), 2))
    alone = [config for one, other in pairs for config in _both(one, other, pools)]
    levels = {name: (UNSET, *spread(pools[name].valid, LEVELS - 1)) for name in names}
    together = [
        in_order(assembled((name, levels[name][level % len(levels[name])]) for name, level in row), order)
        for row in covering_rows(names, rows)
    ]
    return distinct_configs([*alone, *together])


def covering_rows(names: Sequence[str], rows: int) -> Iterator[list[tuple[str, int]]]:
    """Rows of (field, level): any two fields meet with any two levels; at most `rows`, where possible."""
    sizes = range(3, len(names))
    half = next((size for size in sizes if _rows_needed(len(names), size) <= rows), len(names))
    groups = [names[at : at + half] for at in range(0, len(names), half)]
    if len(groups) == 1:
        groups.append([])
    for one, other in combinations(groups, 2):
        both = [*one, *other]
        for row in covering_array(len(both), LEVELS):
            yield list(zip(both, row, strict=True))


def covering_array(fields: int, levels: int) -> list[tuple[int, ...]]:
    """Rows in which any two columns hold any two levels; the number of levels is a prime."""
    columns = [_slopes(number, levels, _digits(fields, levels)) for number in range(fields)]
    return [
        tuple(j if slopes[digit] == levels else (i + slopes[digit] * j) % levels for slopes in columns)
        for digit in range(_digits(fields, levels))
        for i, j in product(range(levels), repeat=2)
    ]


def spread(values: Sequence[Json], n: int) -> tuple[Json, ...]:
    """Up to n of the values: the first ones, and of the rest some at even distances."""
    first = list(values[: (n + 1) // 2])
    rest = values[len(first) :]
    wanted = n - len(first)
    step = max(1, len(rest) // wanted) if wanted else 1
    return (*first, *rest[::step][:wanted])


def _both(one: str, other: str, pools: Pools) -> list[Config]:
    """Two fields alone, with several values of each."""
    values = [(*spread(pools[name].valid, PAIR_VALUES), *_edges(pools[name])) for name in (one, other)]
    return [assembled([(one, left), (other, right)]) for left, right in product(*values)]


def _edges(pool: Pool) -> tuple[Json, ...]:
    return (*spread(pool.boundary, PAIR_VALUES), *pool.wrong[:1])


def _in_order(target: Target, pools: Pools) -> list[str]:
    order = {spec.name: at for at, spec in enumerate(target.fields)}
    return sorted(pools, key=lambda name: (order.get(name.split(".")[0], len(order)), name))


def _rows_needed(fields: int, half: int) -> int:
    groups = -(-fields // half)
    return max(1, groups * (groups - 1) // 2) * _digits(min(2 * half, fields), LEVELS) * LEVELS**2


def _digits(fields: int, levels: int) -> int:
    count = 1
    while (levels + 1) ** count < fields:
        count += 1
    return count


def _slopes(number: int, levels: int, digits: int) -> tuple[int, ...]:
    """The number's digits to the base levels + 1: the column of each array that a field takes."""
    return tuple(number // (levels + 1) ** digit % (levels + 1) for digit in range(digits))
