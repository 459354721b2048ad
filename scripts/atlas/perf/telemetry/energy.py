"""Energy of a window of time, from a counter or from samples of power; with why it cannot be told."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

MAX_GAP_S = 3.0
"""Between two samples: over a longer gap nothing is interpolated."""
Series = Sequence[tuple[float, float | None]]


@dataclass(frozen=True)
class Energy:
    """Joules, and how they were found; None with the reasons."""

    joules: float | None
    method: str | None
    reasons: tuple[str, ...] = ()


def energy_of(
    counter: Series, power: Series, start: float, end: float, *, range_j: float | None = None
) -> Energy:
    """From the counter where it is sound over the window, else from power."""
    counted = by_counter(counter, start, end, range_j=range_j)
    if counted.joules is not None:
        return counted
    integrated = by_integral(power, start, end)
    reasons = tuple(f"counter: {reason}" for reason in counted.reasons)
    if integrated.joules is None:
        return Energy(None, None, (*reasons, *(f"power: {reason}" for reason in integrated.reasons)))
    return Energy(integrated.joules, integrated.method, reasons)


def by_counter(series: Series, start: float, end: float, *, range_j: float | None = None) -> Energy:
    """The counter's difference, interpolated at both bounds.

    One that goes down is invalid, unless it is known where it starts again.
    """
    points, reason = _points(series, start, end)
    if reason:
        return Energy(None, None, (reason,))
    total, unwrapped = 0.0, [points[0]]
    for (_, before), (time, now) in pairwise(points):
        step = now - before
        if step < 0:
            if range_j is None or step + range_j < 0:
                return Energy(None, None, ("the counter went down",))
            step += range_j
        total += step
        unwrapped.append((time, points[0][1] + total))
    return Energy(_at(unwrapped, end) - _at(unwrapped, start), "counter")


def by_integral(series: Series, start: float, end: float) -> Energy:
    """Trapezoids between samples, interpolated at both bounds."""
    points, reason = _points(series, start, end)
    if reason:
        return Energy(None, None, (reason,))
    inner = [point for point in points if start < point[0] < end]
    whole = [(start, _at(points, start)), *inner, (end, _at(points, end))]
    joules = sum((after - before) * (low + high) / 2 for (before, low), (after, high) in pairwise(whole))
    return Energy(joules, "integral")


def _points(series: Series, start: float, end: float) -> tuple[list[tuple[float, float]], str | None]:
    """The known samples from the last before the window to the first after it, or what they lack."""
    if not end > start:
        return [], "the window is empty"
    known = [(time, value) for time, value in series if value is not None and math.isfinite(value)]
    if not known:
        return [], "no samples"
    if any(after <= before for (before, _), (after, _) in pairwise(known)):
        return [], "the times of samples are out of order"
    first = max((index for index, (time, _) in enumerate(known) if time <= start), default=None)
    last = min((index for index, (time, _) in enumerate(known) if time >= end), default=None)
    if first is None or last is None:
        return [], "the window is not between samples"
    points = known[first : last + 1]
    gap = max((after - before for (before, _), (after, _) in pairwise(points)), default=0.0)
    if gap > MAX_GAP_S:
        return [], f"a gap of {gap:.1f} s"
    return points, None


def _at(points: Sequence[tuple[float, float]], time: float) -> float:
    for (before, low), (after, high) in pairwise(points):
        if before <= time <= after:
            return low + (high - low) * (time - before) / (after - before)
    return points[0][1]
