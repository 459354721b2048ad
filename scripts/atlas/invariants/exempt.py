"""What exempts a configuration from a candidate that is right nearly everywhere.

Of a hundred configurations in which it holds, one is taken by the engine: it sets a field that few others
set. Which one shows when fields are left out: without it, the engine does what the candidate says. What
happens around the little that is left of the configuration tells the missing condition.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from atlas.canonical import compact
from atlas.invariants.active import around_gap
from atlas.invariants.gate import Trial, Verdict
from atlas.invariants.model import Config
from atlas.invariants.outcomes import compiled, happened
from atlas.invariants.predicate import fields_of
from atlas.invariants.rules import rule_id
from atlas.invariants.shared import Observed

if TYPE_CHECKING:
    from atlas.invariants.loop import Work

FEW = 0.3
"""A candidate with a larger share of alarms is not nearly right."""
LOOKED_INTO = 2
"""So many alarms of a candidate are looked into, those with the fewest fields."""
VARIATIONS = 80
COST = 200
"""So many configurations it takes about, for each candidate."""


def exempted(work: Work, verdicts: Sequence[Verdict], left: int) -> dict[str, list[Observed]]:
    """By the candidate's id, what the engine does around those configurations that are exempted from it."""
    trials = [one.trial for one in verdicts if _is_nearly_right(one)]
    trials = trials[: left // COST]
    looked_into = [(trial, config) for trial in trials for config in _smallest(trial)]
    without = [_without(work, trial, config) for trial, config in looked_into]
    work.bench.ask([config for every in without for config in every.values()])
    near: dict[str, dict[bytes, Config]] = {}
    for (trial, config), every in zip(looked_into, without, strict=True):
        decisive = [name for name, rest in every.items() if _happens(work, trial, rest)]
        if decisive:
            own = {*_named(trial), *work.bench.base, *decisive}
            small = {name: value for name, value in config.items() if name in own}
            found = around_gap(small, work.pools, work.bench.base, work.accepted, VARIATIONS)
            members = near.setdefault(rule_id(trial.candidate), {})
            members.update((compact(one), one) for one in work.bench.complete(found))
    work.bench.ask([config for members in near.values() for config in members.values()])
    return {name: work.bench.observed(list(members.values())) for name, members in near.items()}


def _is_nearly_right(verdict: Verdict) -> bool:
    """Few alarms of the trial, or none: what refuted it came in another sample."""
    trial = verdict.trial
    if verdict.reason == "fresh_counter_example":
        return bool(trial.alarms)
    return verdict.reason == "false_alarm" and 0 < len(trial.alarms) <= FEW * len(trial.confirmed)


def _smallest(trial: Trial) -> list[Config]:
    configs = sorted((config for config, _ in trial.alarms), key=lambda one: (len(one), compact(one)))
    return configs[:LOOKED_INTO]


def _named(trial: Trial) -> set[str]:
    return {one.path[0] for one in fields_of(trial.candidate.when)}


def _without(work: Work, trial: Trial, config: Config) -> dict[str, Config]:
    """By field, the configuration without it; what the candidate names stays, and what must be given."""
    kept = {*_named(trial), *work.bench.base}
    return {
        name: {other: value for other, value in config.items() if other != name}
        for name in config
        if name not in kept
    }


def _happens(work: Work, trial: Trial, config: Config) -> bool:
    """Whether the candidate holds, and the engine does what it says."""
    candidate = trial.candidate
    if compiled(candidate.when, work.context)(config) is not True:
        return False
    (observation,) = work.bench.ask([config])
    return happened(candidate, config, observation, work.context, work.target.ends) is True
