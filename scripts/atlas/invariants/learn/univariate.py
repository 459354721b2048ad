"""Rules about single fields, from what happened when each was set alone."""

from __future__ import annotations

from collections.abc import Sequence

from atlas.invariants.corpus import context_of
from atlas.invariants.learn.atoms import Known, knowledge
from atlas.invariants.learn.effects import split
from atlas.invariants.learn.fit import (
    Observed,
    Question,
    agrees,
    answers,
    by_signature,
    disjuncts,
    rows_where,
    rule,
)
from atlas.invariants.learn.relevance import Hints
from atlas.invariants.learn.signature import Signature, could_reach
from atlas.invariants.learn.table import rows
from atlas.invariants.model import Candidate, Target
from atlas.invariants.predicate import Context


def learn_univariate(
    target: Target, observed: Sequence[Observed], hints: Hints | None = None
) -> tuple[Candidate, ...]:
    """For each field and each thing that happened, the smallest predicate that tells when.

    Configurations that set nothing count for every field; those that set several are left out. `hints` are
    constants that conditions compare a field with.
    """
    base = [each for each in observed if not each[0]]
    by_field: dict[str, list[Observed]] = {}
    for each in observed:
        if len(each[0]) == 1:
            by_field.setdefault(next(iter(each[0])), []).append(each)
    context = context_of(target)
    specs = {spec.name: spec for spec in target.fields}
    found: list[Candidate] = []
    for name in sorted(by_field):
        known = knowledge(specs.get(name), (hints or {}).get(name, ()))
        found += _of_field(target, name, [*base, *by_field[name]], known, context)
    return tuple(dict.fromkeys(found))


def _of_field(
    target: Target, name: str, observed: Sequence[Observed], known: Known, context: Context
) -> list[Candidate]:
    groups = by_signature(observed, {spec.name for spec in target.fields})
    found: list[Candidate] = []
    for signature in sorted(groups, key=Signature.order):
        for single, matching in split(signature, observed, groups[signature], context):
            if all(observed[row][0] for row in matching):  # else it happens with nothing set
                found += _told_apart(target, name, single, observed, matching, known, context)
    return found


def _told_apart(
    target: Target,
    name: str,
    signature: Signature,
    observed: Sequence[Observed],
    matching: Sequence[int],
    known: Known,
    context: Context,
) -> list[Candidate]:
    configs = [config for config, _ in observed]
    happened = set(matching)
    wanted = rows(row in happened for row in range(len(observed)))
    unwanted = rows(
        row not in happened and could_reach(seen, signature) for row, (_, seen) in enumerate(observed)
    )
    question = Question(configs, wanted, unwanted, context, {name: known})
    found, _ = answers(question, [name], least=1)
    if found is None or found.uncovered or found.cost > allowed(len(happened)):
        return []
    return [
        rule(target, signature, when, observed, wanted & rows_where(when, configs, context))
        for when in disjuncts(found)
        if agrees(when, question) and wanted & rows_where(when, configs, context)
    ]


def allowed(support: int) -> float:
    """What a predicate may cost that so few configurations speak for."""
    return 1.0 + 0.8 * support
