"""Verdicts: whether one side of a comparison is worse than the other, and when that cannot be said.

The unit of replication is the run, a process of its own: requests of one run only describe it. A change is
screened on some runs and confirmed on others that the screening has not seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from atlas.perf.stats import change_interval, detectable, mann_whitney, relative_change

KINDS = (
    "regression",
    "suspected_regression",
    "improvement",
    "suspected_improvement",
    "unchanged",
    "inconclusive",
    "insufficient_data",
    "incomparable",
    "environment_shift",
)
FEWEST = 4
"""Runs a side: with fewer, no exact test of ranks can come out below 0.05."""


@dataclass(frozen=True)
class Policy:
    """What counts as a change."""

    min_effect: float = 0.03
    alpha: float = 0.05
    level: float = 0.95


@dataclass(frozen=True)
class Side:
    """The runs of one series on one side: one value each."""

    screen: tuple[float, ...]
    confirm: tuple[float, ...] = ()

    @property
    def all(self) -> tuple[float, ...]:
        return (*self.screen, *self.confirm)


@dataclass(frozen=True)
class Verdict:
    """A kind of KINDS, the change with its interval, and why."""

    kind: str
    change: float | None
    interval: tuple[float, float] | None
    p_screen: float | None
    p_confirm: float | None
    detectable: float | None
    why: str


def judge(
    baseline: Side,
    now: Side,
    *,
    better: str,
    policy: Policy = Policy(),
    differing: Sequence[str] = (),
    canary: Verdict | None = None,
    seed: int = 0,
) -> Verdict:
    """The verdict on a series. `better` is `higher` or `lower`.

    `differing` names what makes the sides not comparable. `canary` is the verdict on a fixed version that was
    run along with each side: where that has moved, the environment has.
    """
    if differing:
        return Verdict("incomparable", None, None, None, None, None, f"they differ in {', '.join(differing)}")
    count = min(len(baseline.screen), len(now.screen))
    if count < FEWEST:
        change = relative_change(baseline.all, now.all) if baseline.all and now.all else None
        why = f"{count} runs on a side, and {FEWEST} are needed"
        return Verdict("insufficient_data", change, None, None, None, None, why)
    change = relative_change(baseline.all, now.all)
    interval = change_interval(baseline.all, now.all, level=policy.level, seed=seed)
    if change is None or interval is None:
        why = "the baseline is not positive, so there is no relative change"
        return Verdict("inconclusive", None, None, None, None, None, why)
    found = detectable(baseline.all, now.all)
    p_screen = mann_whitney(baseline.screen, now.screen)
    screened = _moved(baseline.screen, now.screen, p_screen, policy)
    p_confirm = None
    if not screened:
        kind, why = _unmoved(interval, policy, found)
    elif min(len(baseline.confirm), len(now.confirm)) < FEWEST:
        kind, why = f"suspected_{_direction(screened, better)}", "screened, and not confirmed on fresh runs"
    else:
        p_confirm = mann_whitney(baseline.confirm, now.confirm)
        again = _moved(baseline.confirm, now.confirm, p_confirm, policy)
        if again * screened > 0:
            kind, why = _direction(screened, better), "screened, and confirmed on fresh runs"
        else:
            kind, why = "inconclusive", "screened, and not seen again on fresh runs"
    moved = kind.removeprefix("suspected_") in ("regression", "improvement")
    if moved and canary is not None and _has_moved(canary):
        kind, why = "environment_shift", f"the canary has moved too ({canary.kind})"
    return Verdict(kind, change, interval, p_screen, p_confirm, found, why)


def _moved(baseline: Sequence[float], now: Sequence[float], p: float, policy: Policy) -> int:
    """1 up, -1 down, 0 where that is not shown."""
    change = relative_change(baseline, now)
    if change is None or p >= policy.alpha or abs(change) < policy.min_effect:
        return 0
    return 1 if change > 0 else -1


def _unmoved(interval: tuple[float, float], policy: Policy, found: float | None) -> tuple[str, str]:
    if -policy.min_effect < interval[0] and interval[1] < policy.min_effect:
        return "unchanged", f"the whole interval is within ±{policy.min_effect:.1%}"
    size = f"; a change of {found:.1%} would be found" if found is not None else ""
    return "inconclusive", f"neither a change nor its absence is shown{size}"


def _direction(moved: int, better: str) -> str:
    return "improvement" if (moved > 0) == (better == "higher") else "regression"


def _has_moved(canary: Verdict) -> bool:
    return canary.kind not in ("unchanged", "inconclusive", "insufficient_data")
