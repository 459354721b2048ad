"""The end of a target's loop: no rule twice, a last measurement on fresh configurations, and what is left."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from atlas.invariants.corpus import Corpus, Gap, Tally
from atlas.invariants.dedupe import redundant
from atlas.invariants.effective import agrees
from atlas.invariants.gate import witness
from atlas.invariants.learn import signatures
from atlas.invariants.loop import ROUNDS, Work, look, try_all, was_judged, withdraw
from atlas.invariants.model import Config, Depth, Json, SiteAccount
from atlas.invariants.publish import Proven
from atlas.invariants.rules import Evidence, Quarantined, Rule, outcome_json, rule_id
from atlas.invariants.shared import Observed

COMPARED = 24
MEASUREMENTS = 4
CORRECTION = 900
"""So many configurations may be tried to correct a rule that a measurement refutes."""
EXAMPLES = 3
FAILURES = ("timeout", "exit", "killed")


def finished(work: Work) -> Proven:
    """What ships, measured on configurations that nothing before has seen."""
    thin_out(work)
    corpus, sample = measured(work)
    tally, gaps = _reviewed(corpus, sample)
    rules = tuple(
        Rule(
            candidate,
            Evidence(len(trial.confirmed), len(trial.clean), trial.at_site, trial.lower_bound),
            *_witness(witness(trial)),
            origins=(candidate.origin,),
        )
        for candidate, trial in work.passed.values()
    )
    return Proven(
        work.target,
        "gated",
        depth=_deepest(work),
        base=dict(work.bench.base),
        rules=rules,
        quarantined=tuple(work.held.values()),
        sites=_sites(work),
        sample={**vars(tally), **_states(corpus, sample)},
        gaps=tuple(_grouped(gaps, [spec.name for spec in work.target.fields])),
        failures=tuple(_failures([*work.observed, *sample])),
        asked=work.bench.asked,
    )


def _witness(found: Mapping[str, list[Config]]) -> tuple[tuple[Config, ...], tuple[Config, ...]]:
    return tuple(found["triggers"]), tuple(found["passes"])


def _deepest(work: Work) -> Depth:
    return work.target.steps[-1].depth if work.target.steps else "construct"


def thin_out(work: Work) -> None:
    """Quarantine rules that another one makes redundant."""
    names = list(work.passed)
    candidates = [work.passed[name][0] for name in names]
    trials = [work.passed[name][1] for name in names]
    trues = [[config for config, _ in trial.confirmed[:COMPARED]] for trial in trials]
    covered = redundant(work.target, candidates, trues, [trial.at_site for trial in trials])
    for place, by in covered.items():
        candidate, _ = work.passed.pop(names[place])
        key = rule_id(candidate)
        work.held[key] = Quarantined(candidate, "redundant", redundant_with=rule_id(candidates[by]))


def measured(work: Work) -> tuple[Corpus, list[Observed]]:
    """The rules that a fresh sample does not refute, and that sample.

    What a sample refutes is corrected by it, tried like every other candidate, and measured with the next.
    """
    for number in range(MEASUREMENTS):
        sample = look(work, work.random(work.settings.samples, "measurement", number))
        review = work.corpus().review(sample)
        if not review.wrong:
            break
        _grant(work, len(review.wrong))
        better = withdraw(work, review)
        if number + 1 < MEASUREMENTS:
            new = [one for one in better if rule_id(one) not in work.passed and not was_judged(work, one)]
            try_all(work, new, ROUNDS + number)
    return work.corpus(), sample


def _grant(work: Work, candidates: int) -> None:
    """What it takes to correct so many, however much was used before."""
    work.settings = replace(work.settings, most_asked=work.bench.asked + CORRECTION * candidates)


def _reviewed(corpus: Corpus, sample: Sequence[Observed]) -> tuple[Tally, list[Gap]]:
    review = corpus.review(sample)
    return review.tally, review.gaps


def _states(corpus: Corpus, sample: Sequence[Observed]) -> dict[str, int]:
    """In how many accepted configurations the rules' fixpoint is the state that the engine ended in."""
    changed = [one for one in sample if one[1].outcome == "ok" and one[1].changed]
    found = sum(agrees(corpus, config, observation) for config, observation in changed)
    return {"changed_configs": len(changed), "changed_configs_found": found}


def _grouped(gaps: Iterable[Gap], names: Sequence[str]) -> list[dict[str, Json]]:
    """Gaps of one kind together, the most frequent first, with the smallest examples."""
    groups: dict[tuple[str, str], list[Gap]] = {}
    for gap in gaps:
        groups.setdefault(_kind(gap, names), []).append(gap)
    found = []
    for (kind, what), members in sorted(groups.items(), key=lambda one: (-len(one[1]), one[0])):
        members.sort(key=lambda gap: (len(gap.config), repr(sorted(gap.config.items()))))
        examples = [
            {"config": dict(gap.config), "outcome": outcome_json(gap.observation)}
            for gap in members[:EXAMPLES]
        ]
        found.append({"kind": kind, "what": what, "n": len(members), "examples": examples})
    return found


def _kind(gap: Gap, names: Sequence[str]) -> tuple[str, str]:
    wanted = "changed" if gap.changed else "warned" if gap.warned else "rejected"
    if gap.changed:
        return wanted, gap.changed
    if gap.warned:
        return wanted, gap.warned.frames[0] if gap.warned.frames else gap.warned.message[:120]
    one = next((each for each in signatures(gap.observation, names) if each.kind == wanted), None)
    if one is None:
        return wanted, gap.observation.outcome
    return wanted, f"{one.what} {one.frame or one.field or one.shape or ''}".strip()


def _failures(observed: Iterable[Observed]) -> list[dict[str, Any]]:
    """Probes that failed by themselves: time-outs, calls of exit, dead processes."""
    groups: dict[str, dict[str, Config]] = {}
    for config, observation in observed:
        if observation.outcome in FAILURES:
            groups.setdefault(observation.outcome, {})[repr(sorted(config.items()))] = config
    return [
        {
            "outcome": outcome,
            "n": len(found),
            "examples": sorted(map(dict, found.values()), key=lambda one: (len(one), repr(one)))[:EXAMPLES],
        }
        for outcome, found in sorted(groups.items())
    ]


def _sites(work: Work) -> tuple[SiteAccount, ...]:
    """The miner's account, and sites that only the engine has shown."""
    known = list(work.mined.sites)
    for candidate, _ in work.passed.values():
        site = candidate.site
        if site and not any(account.site.holds(site.start) for account in known):
            known.append(SiteAccount(work.target.cls, site, "found", "translated"))
    return tuple(sorted(set(known), key=lambda one: (one.site.file, one.site.line, one.kind, one.status)))
