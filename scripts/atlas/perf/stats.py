"""The statistics of few runs: an exact rank test, and intervals by resampling; the same for the same seed."""

from __future__ import annotations

import functools
import itertools
import math
import random
from collections.abc import Sequence
from statistics import NormalDist, median

RESAMPLES = 2000
EXACT = 200_000
"""So many arrangements are counted out; above that the normal approximation is used."""


def mann_whitney(one: Sequence[float], two: Sequence[float]) -> float:
    """The two-sided p-value, exact, with ties counted as they are."""
    if not one or not two:
        return 1.0
    ranks = _ranks([*one, *two])
    observed = sum(ranks[: len(one)])
    if math.comb(len(ranks), len(one)) > EXACT:
        return _normal(ranks, len(one), observed)
    return _exact(tuple(sorted(ranks)), len(one), observed)


def _ranks(values: Sequence[float]) -> list[float]:
    """Twice the mid-ranks, so that they are whole numbers."""
    order = sorted(values)
    first: dict[float, int] = {}
    count: dict[float, int] = {}
    for index, value in enumerate(order):
        first.setdefault(value, index)
        count[value] = count.get(value, 0) + 1
    return [2 * first[value] + count[value] + 1 for value in values]


@functools.lru_cache(maxsize=256)
def _distribution(ranks: tuple[float, ...], size: int) -> tuple[float, ...]:
    """How far from the middle the rank sums of all arrangements are, sorted."""
    middle = size * (len(ranks) + 1)
    return tuple(sorted(abs(sum(chosen) - middle) for chosen in itertools.combinations(ranks, size)))


def _exact(ranks: tuple[float, ...], size: int, observed: float) -> float:
    distances = _distribution(ranks, size)
    distance = abs(observed - size * (len(ranks) + 1))
    return sum(1 for one in distances if one >= distance - 1e-9) / len(distances)


def _normal(ranks: Sequence[float], size: int, observed: float) -> float:
    n, other = len(ranks), len(ranks) - size
    ties = sum(t**3 - t for t in (list(ranks).count(rank) for rank in set(ranks)))
    variance = size * other / 12 * ((n + 1) - ties / (n * (n - 1)))
    if variance <= 0:
        return 1.0
    distance = max(0.0, abs(observed - size * (n + 1)) / 2 - 0.5)
    return 2 * (1 - NormalDist().cdf(distance / math.sqrt(variance)))


def relative_change(baseline: Sequence[float], now: Sequence[float]) -> float | None:
    """The ratio of medians, less one; None where the baseline is not positive."""
    base = median(baseline)
    return median(now) / base - 1 if base > 0 else None


def change_interval(
    baseline: Sequence[float], now: Sequence[float], *, level: float = 0.95, seed: int = 0
) -> tuple[float, float] | None:
    """An interval of the relative change, by resampling runs on both sides; None where there is no change.

    Runs are few, so resampling alone gives too narrow intervals: deviations are widened by √(n/(n-1)).
    """
    if len(baseline) < 2 or len(now) < 2 or relative_change(baseline, now) is None:
        return None
    source = random.Random(seed)
    sides = [_widened(baseline), _widened(now)]
    found = []
    for _ in range(RESAMPLES):
        base, new = (median(source.choices(side, k=len(side))) for side in sides)
        if base > 0:
            found.append(new / base - 1)
    found.sort()
    if len(found) < RESAMPLES / 2:
        return None
    tail = (1 - level) / 2
    return found[int(tail * len(found))], found[min(len(found) - 1, int((1 - tail) * len(found)))]


def interval_of_median(values: Sequence[float], *, level: float = 0.95, seed: int = 0) -> tuple[float, float]:
    """An interval of the median of the samples of one run, by resampling."""
    source = random.Random(seed)
    found = sorted(median(source.choices(values, k=len(values))) for _ in range(RESAMPLES // 4))
    tail = (1 - level) / 2
    return found[int(tail * len(found))], found[min(len(found) - 1, int((1 - tail) * len(found)))]


def interval_of_runs(
    values: Sequence[float], *, level: float = 0.95, seed: int = 0
) -> tuple[float, float] | None:
    """An interval of the median of few runs, made as `change_interval` is; None of a single run."""
    if len(values) < 2:
        return None
    return interval_of_median(_widened(values), level=level, seed=seed)


def detectable(baseline: Sequence[float], now: Sequence[float]) -> float | None:
    """The change that so many runs with so much spread would find four times in five, about."""
    spreads = [_cv(side) for side in (baseline, now) if len(side) > 1]
    if len(spreads) < 2 or any(spread is None for spread in spreads):
        return None
    squares = [(cv or 0) ** 2 / n for cv, n in zip(spreads, (len(baseline), len(now)), strict=True)]
    return 3.4 * math.sqrt(sum(squares))  # 1.96 + 0.84, and what ranks and few runs cost on top


def quantile(values: Sequence[float], share: float) -> float:
    """By linear interpolation, as numpy does it."""
    order = sorted(values)
    place = share * (len(order) - 1)
    low = math.floor(place)
    high = min(low + 1, len(order) - 1)
    return order[low] + (order[high] - order[low]) * (place - low)


def _widened(values: Sequence[float]) -> list[float]:
    middle, factor = median(values), math.sqrt(len(values) / (len(values) - 1))
    return [middle + (value - middle) * factor for value in values]


def _cv(values: Sequence[float]) -> float | None:
    mean = math.fsum(values) / len(values)
    if mean <= 0:
        return None
    return math.sqrt(math.fsum((v - mean) ** 2 for v in values) / (len(values) - 1)) / mean
