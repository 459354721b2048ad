"""The gate: every candidate is tried on the real engine with configurations that mining never saw.

A candidate passes when, on at least `REQUIRED` configurations from both sides of its boundary, the engine
did what it promises wherever it holds (no false alarm), and did it nowhere else at the same site (no miss).
A miss counts only where no other passing rule says the same of that configuration, and where it happens with
the candidate's fields alone, and not without them: one site may be reached in several ways, each with a rule
of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from atlas.invariants.corpus import Corpus, context_of
from atlas.invariants.learn.wordings import could_show, kinds
from atlas.invariants.model import DEPTHS, Candidate, Config, Depth, Json, Observation, Target
from atlas.invariants.outcomes import at_own_site, happened
from atlas.invariants.predicate import Context, fields_of
from atlas.invariants.shared import REQUIRED, Observed, Sides, shared

Try: TypeAlias = Callable[[Sequence[Config]], list[Observation]]
"""Ask the engine."""
Around: TypeAlias = Callable[[Candidate, int, int], tuple[list[Config], list[Config]]]
"""Configurations on both sides of a candidate's boundary: (candidate, how many on each side, seed)."""

EACH_SIDE, FEW_EACH_SIDE = 110, 30
"""So many configurations of its own on each side of a candidate's boundary; few where they share theirs."""
PILOT = 12
"""With none of so many confirmed, no more are tried of a candidate."""
FEWEST_TRUE = 20
FEWEST_CONFIRMED = 3
CONFIDENCE = 0.95
EXAMPLES = 3


@dataclass(frozen=True)
class Trial:
    """What the engine did on both sides of a candidate's boundary."""

    candidate: Candidate
    confirmed: tuple[Observed, ...] = ()
    """It holds, and the engine did it."""
    alarms: tuple[Observed, ...] = ()
    """It holds, and the engine did not do it."""
    clean: tuple[Observed, ...] = ()
    """It does not hold, and the engine did not do it at its site."""
    misses: tuple[Observed, ...] = ()
    """It does not hold, and the engine did it at its site."""
    unjudged: int = 0
    at_site: int = 0
    """Confirmations in which the engine did it where the rule says, and for no other reason."""

    @property
    def judged(self) -> int:
        return len(self.confirmed) + len(self.alarms) + len(self.clean) + len(self.misses)

    @property
    def lower_bound(self) -> float:
        """The share of configurations in which it is right, at least, with 95 % confidence (no failures)."""
        n = len(self.confirmed)
        return round((1 - CONFIDENCE) ** (1 / n), 4) if n else 0.0


@dataclass(frozen=True)
class Verdict:
    """A trial and what it means: `reason` is empty where the candidate passed."""

    trial: Trial
    reason: str = ""

    @property
    def passed(self) -> bool:
        return not self.reason


def run_gate(
    target: Target,
    candidates: Sequence[Candidate],
    around: Around,
    ask: Try,
    *,
    seed: int,
    known: Corpus,
    each_side: int = EACH_SIDE,
) -> list[Verdict]:
    """A verdict for each candidate. `known` are rules that passed before, which may explain misses.

    With fewer on each side than usual, the configurations that were drawn for the other candidates are
    evidence, too: they were no more seen by mining than its own.
    """
    context = context_of(target)
    sides = _observe(candidates, around, ask, seed, each_side, context, target.ends)
    if each_side < EACH_SIDE:
        sides = shared(candidates, sides, context, seed)
    trials = [
        _trial(candidate, its, context, target.ends) for candidate, its in zip(candidates, sides, strict=True)
    ]
    precise = [trial.candidate for trial in trials if not _alarm_reason(trial)]
    explains = Corpus(target, [*known.rules, *precise])
    judged = [_verdict(trial, explains) for trial in trials]
    required = {spec.name for spec in target.fields if spec.default_kind == "required"}
    return [_at_its_boundary(verdict, ask, required) for verdict in judged]


def _observe(
    candidates: Sequence[Candidate],
    around: Around,
    ask: Try,
    seed: int,
    each_side: int,
    context: Context,
    ends: Mapping[str, Json],
) -> list[Sides]:
    """All configurations of all candidates, asked at once; but only the first of those that are hopeless."""
    drawn = [around(candidate, each_side, seed) for candidate in candidates]
    firsts = [trues[:: max(1, len(trues) // PILOT)][:PILOT] for trues, _ in drawn]
    answers = iter(ask([config for first in firsts for config in first]))
    tried = [[(config, next(answers)) for config in first] for first in firsts]
    left = [
        ([], []) if _is_hopeless(candidate, first, context, ends) else sides
        for candidate, first, sides in zip(candidates, tried, drawn, strict=True)
    ]
    answers = iter(ask([config for trues, falses in left for config in (*trues, *falses)]))
    return [
        Sides(
            [(config, next(answers)) for config in trues] or first,
            [(config, next(answers)) for config in falses],
        )
        for first, (trues, falses) in zip(tried, left, strict=True)
    ]


def _is_hopeless(
    candidate: Candidate, first: Sequence[Observed], context: Context, ends: Mapping[str, Json]
) -> bool:
    """Whether of many in which it holds none did what it says."""
    found = [happened(candidate, config, seen, context, ends) for config, seen in first]
    return found.count(False) >= PILOT * 2 // 3 and True not in found


def _trial(candidate: Candidate, sides: Sides, context: Context, ends: Mapping[str, Json]) -> Trial:
    confirmed, alarms, clean, misses = [], [], [], []
    unjudged = at_site = 0
    for config, observation in sides.trues:
        did = happened(candidate, config, observation, context, ends)
        if did is None:
            unjudged += 1
        elif did:
            confirmed.append((config, observation))
            at_site += at_own_site(candidate, observation)
        else:
            alarms.append((config, observation))
    own = kinds(candidate, confirmed)
    for config, observation in sides.falses:
        if observation.outcome not in ("ok", "rejected"):
            unjudged += 1
        elif at_own_site(candidate, observation) and could_show(candidate, observation, own):
            misses.append((config, observation))
        else:
            clean.append((config, observation))
    return Trial(candidate, tuple(confirmed), tuple(alarms), tuple(clean), tuple(misses), unjudged, at_site)


def _alarm_reason(trial: Trial) -> str:
    if trial.alarms:
        return "false_alarm"
    if len(trial.confirmed) < FEWEST_TRUE:
        return "too_few_trues"
    return ""


def _verdict(trial: Trial, explains: Corpus) -> Verdict:
    reason = _alarm_reason(trial)
    if reason:
        return Verdict(trial, reason)
    if trial.at_site < FEWEST_CONFIRMED:
        return Verdict(trial, "never_at_its_site")
    left = tuple(
        (config, observation)
        for config, observation in trial.misses
        if not any(_says_so(explains.rules[place], trial.candidate) for place in explains.holding(config))
    )
    explained = tuple(one for one in trial.misses if one not in left)
    trial = Trial(
        trial.candidate,
        trial.confirmed,
        trial.alarms,
        trial.clean + explained,
        left,
        trial.unjudged,
        trial.at_site,
    )
    return Verdict(trial, "miss") if left else _whole(trial)


def _whole(trial: Trial) -> Verdict:
    """The verdict where nothing speaks against the candidate."""
    if trial.judged < REQUIRED:
        return Verdict(trial, "too_few_tried")
    if trial.candidate.severity == "error" and trial.candidate.partial:
        return Verdict(trial, "partial")
    return Verdict(trial)


def _at_its_boundary(verdict: Verdict, ask: Try, required: Collection[str]) -> Verdict:
    """Misses count where the candidate's fields decide: what is rejected without these, or is not with these
    alone, is another rule's.

    A statement may be reached in ways that have nothing to do with each other. What no rule says of them is
    a gap of the class, not a fault of a candidate that is right about its own. What must be given cannot be
    left out.
    """
    trial = verdict.trial
    if verdict.reason != "miss" or trial.candidate.severity != "error":
        return verdict
    own = {one.path[0] for one in fields_of(trial.candidate.when)}
    alone = [_kept(config, {*own, *required}) for config, _ in trial.misses]
    without = (
        []
        if not own.isdisjoint(required)
        else [_kept(config, config.keys() - own) for config, _ in trial.misses]
    )
    here = [at_own_site(trial.candidate, seen) for seen in ask([*alone, *without])]
    left = tuple(
        miss
        for place, miss in enumerate(trial.misses)
        if here[place] and not (without and here[len(alone) + place])
    )
    others = tuple(one for one in trial.misses if one not in left)
    trial = replace(trial, misses=left, clean=trial.clean + others)
    return Verdict(trial, "miss") if left else _whole(trial)


def _kept(config: Config, names: Collection[str]) -> Config:
    return {name: value for name, value in config.items() if name in names}


def _says_so(rule: Candidate, candidate: Candidate) -> bool:
    """Whether a rule that holds explains what happened at the candidate's site."""
    if rule.severity != candidate.severity:
        return False
    if rule.severity == "dormant":
        return not rule.effect.sets.keys().isdisjoint(candidate.effect.sets)
    return True


def observed_depth(trial: Trial) -> Depth:
    """How far a configuration has to be taken for the rule to be surely right."""
    if trial.candidate.severity != "error":
        return trial.candidate.depth
    seen = [one.depth for _, one in trial.confirmed if at_own_site(trial.candidate, one)]
    return max(seen, key=DEPTHS.index, default=trial.candidate.depth)


def witness(trial: Trial) -> Mapping[str, list[Config]]:
    """The smallest configurations on each side: what triggers the rule, and what is nearest to them."""
    triggers = sorted(trial.confirmed, key=lambda one: (len(one[0]), repr(sorted(one[0].items()))))
    chosen = [config for config, _ in triggers[:EXAMPLES]]
    passing = [config for config, observation in trial.clean if observation.outcome == "ok"]
    passing.sort(key=lambda config: (_distance(config, chosen), len(config), repr(sorted(config.items()))))
    return {"triggers": chosen, "passes": passing[:EXAMPLES]}


def _distance(config: Config, others: Iterable[Config]) -> int:
    """In how many fields it differs from the nearest of the others."""
    return min(
        (
            sum(config.get(name, ...) != other.get(name, ...) for name in {*config, *other})
            for other in others
        ),
        default=0,
    )
