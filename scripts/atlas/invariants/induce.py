"""What gaps become: rules learned from outcomes, and candidates corrected by their counter-examples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from atlas.invariants.active import around_gap, minimal
from atlas.invariants.gate import Verdict
from atlas.invariants.learn import Signature, learn, learn_univariate, refine, unexplained
from atlas.invariants.model import Candidate, Config, Json
from atlas.invariants.outcomes import compiled, same
from atlas.invariants.predicate import Const, Expr, Field, Op, every_part, fields_of, normalise
from atlas.invariants.shared import Observed

if TYPE_CHECKING:
    from atlas.invariants.corpus import Gap
    from atlas.invariants.loop import Work

MOST_SIGNATURES, MORE_SIGNATURES = 24, 60
"""So many kinds of gaps are looked into in one round, the most frequent first; more where each gets less."""
VARIATIONS, FEW_VARIATIONS = 250, 80
"""So many configurations around an example of a gap are looked at."""
SCARCE = 4 * MOST_SIGNATURES * VARIATIONS
"""With fewer configurations left, more kinds of gaps are looked into, with fewer configurations for each."""
COMPANY = 250
"""So many configurations from elsewhere keep a learned condition from being too wide."""
MOST_SHOWN = 60
"""So many configurations of each kind show how a candidate is wrong."""
HOPELESS = 0.7
"""A candidate that is wrong in a larger share of where it holds is not nearly right."""
REFINABLE = ("false_alarm", "miss", "fresh_counter_example")


def induced(work: Work, gaps: Sequence[Gap], number: int) -> list[Candidate]:
    """Candidates for what no rule explains: first about single fields, then about several together."""
    if not gaps:
        return []
    hints = work.constants()
    found: list[Candidate] = []
    if number == 0:
        alone = learn_univariate(work.target, _alone(work), hints)
        found += _useful(work, alone, gaps)
    found += _together(work, found, hints)
    return list(dict.fromkeys(found))


def _alone(work: Work) -> list[Observed]:
    """Configurations with one field at most beside what must be given, without the latter."""
    base = work.bench.base
    found: list[Observed] = []
    for config, observation in work.observed:
        own = {name: value for name, value in config.items() if name not in base or base[name] != value}
        if len(own) <= 1 and len(config) == len({**base, **own}):
            found.append((own, observation))
    return found


def _useful(work: Work, candidates: Sequence[Candidate], gaps: Sequence[Gap]) -> list[Candidate]:
    """Those that would explain something."""
    kinds = {
        "error": [gap.config for gap in gaps if gap.rejected],
        "warn": [gap.config for gap in gaps if gap.warned],
        "dormant": [gap.config for gap in gaps if gap.changed],
    }
    kept = []
    for candidate in candidates:
        holds = compiled(candidate.when, work.context)
        if any(holds(config) is True for config in kinds[candidate.severity]):
            kept.append(candidate)
    return kept


def _together(work: Work, new: Sequence[Candidate], hints: Mapping[str, Sequence[Json]]) -> list[Candidate]:
    rules = [*work.known, *(candidate for candidate, _ in work.passed.values()), *new]
    names = [spec.name for spec in work.target.fields]
    open_rows = unexplained(work.target, rules, work.observed)
    few = work.left() < SCARCE
    most = min(MORE_SIGNATURES, work.left() // (2 * FEW_VARIATIONS))
    wanted = dict(list(open_rows.items())[: most if few else MOST_SIGNATURES])
    shown = {signature: _examples(work, rows) for signature, rows in wanted.items()}
    smallest = minimal(work.bench, shown, names)
    near = {
        signature: [
            variation
            for config in configs[: work.settings.examples]
            for variation in around_gap(
                config,
                {**work.inside, **work.pools},
                work.bench.base,
                work.accepted,
                FEW_VARIATIONS if few else VARIATIONS,
                _about(signature),
            )
        ]
        for signature, configs in smallest.items()
    }
    work.bench.ask([config for configs in near.values() for config in configs])
    found: list[Candidate] = []
    clauses = work.clauses()
    for signature, configs in near.items():
        data = _data(work, configs, wanted[signature])
        start = _partial_at(work, signature)
        learned = learn(work.target, rules, data, signature, hints=hints, clauses=clauses)
        if not learned.candidates and start is not None:
            learned = learn(work.target, rules, data, signature, hints=hints, start=start, clauses=clauses)
        found += learned.candidates
    return found


def _about(signature: Signature) -> list[str]:
    """The field that is changed: set by the user, it often stays as it is."""
    return [signature.what] if signature.kind == "changed" else []


def _examples(work: Work, rows: Sequence[int]) -> list[Config]:
    configs = sorted(
        (work.observed[row][0] for row in rows), key=lambda one: (len(one), repr(sorted(one.items())))
    )
    most = work.settings.examples
    return configs[:: max(1, len(configs) // most)][:most]


def _data(work: Work, near: Sequence[Config], rows: Sequence[int]) -> list[Observed]:
    """What is known around a gap, the gap itself, and some of everything else."""
    local = work.bench.observed(near)
    own = [work.observed[row] for row in rows[:COMPANY]]
    others = work.observed[:: max(1, len(work.observed) // COMPANY)]
    every = {repr(sorted(config.items())): (config, seen) for config, seen in (*local, *own, *others)}
    return list(every.values())


def _partial_at(work: Work, signature: Signature) -> Candidate | None:
    """The candidate of the same statement whose condition is known in part."""
    frame = signature.frame
    if frame is None:
        return None
    return next(
        (
            candidate
            for candidate in work.mined.candidates
            if candidate.partial and candidate.site and candidate.site.holds(frame)
        ),
        None,
    )


def refined(work: Work, verdict: Verdict, near: Sequence[Observed] = ()) -> Candidate | None:
    """The candidate as its trial says it should be; None where no small change does it.

    `near` is what the engine does around the configurations that are exempted from it.

    A partial candidate that was right everywhere is tried again as what it then is: a rule that only
    outcomes speak for.
    """
    trial = verdict.trial
    candidate = trial.candidate
    if verdict.reason == "partial":
        return replace(candidate, origin="live", partial=())
    if verdict.reason not in REFINABLE:
        return None
    revalued = with_seen_value(candidate, [*trial.alarms, *trial.confirmed])
    if revalued is not None:
        return revalued
    if len(trial.alarms) > HOPELESS * (len(trial.alarms) + len(trial.confirmed)):
        return None
    better = refine(
        work.target,
        candidate,
        alarms=trial.alarms[:MOST_SHOWN],
        misses=trial.misses[:MOST_SHOWN],
        confirmed=trial.confirmed[:MOST_SHOWN],
        clean=[*trial.clean[:MOST_SHOWN], *near],
        hints=work.constants(),
        clauses=work.clauses(),
    )
    if better is None or not better.partial:
        return better
    return replace(better, origin="live", partial=())


def with_seen_value(candidate: Candidate, held: Sequence[Observed]) -> Candidate | None:
    """A change of another value than was thought, where the engine always sets the same one."""
    if candidate.severity != "dormant" or len(candidate.effect.sets) != 1:
        return None
    (name, value), *_ = candidate.effect.sets.items()
    seen = [observation.changed[name] for _, observation in held if name in observation.changed]
    judged = [observation for _, observation in held if observation.outcome == "ok"]
    if len(seen) < 3 or len(seen) * 2 < len(judged) or not all(same(one, seen[0]) for one in seen):
        return None
    constant = Const(seen[0])
    if constant == value:
        return None
    differs = Op("not", (Op("same", (constant, Field(tuple(name.split("."))))),))
    kept = [clause for clause in _clauses(candidate.when) if not _compares(clause, name, value)]
    when = normalise(Op("and", (*kept, differs)))
    return replace(
        candidate, when=when, effect=replace(candidate.effect, sets={name: constant}), origin="live"
    )


def _clauses(when: Expr) -> tuple[Expr, ...]:
    return when.args if isinstance(when, Op) and when.name == "and" else (when,)


def _compares(clause: Expr, name: str, value: Expr) -> bool:
    """Whether a clause is about nothing but the field's being another value already."""
    return (
        fields_of(clause) == (Field(tuple(name.split("."))),)
        and isinstance(value, Const)
        and value in set(every_part(clause))
    )
