"""Rules about single fields, from what happened when each was set alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from atlas.invariants.corpus import context_of
from atlas.invariants.learn.effects import split
from atlas.invariants.learn.fit import (
    Observed,
    Question,
    agrees,
    answers,
    by_signature,
    disjuncts,
    distinct,
    rows_where,
    rule,
    said,
)
from atlas.invariants.learn.known import Known, knowledge
from atlas.invariants.learn.messages import constants_in
from atlas.invariants.learn.relevance import Hints, known_inside
from atlas.invariants.learn.signature import Signature, could_reach
from atlas.invariants.learn.table import rows
from atlas.invariants.model import Candidate, Config, Target
from atlas.invariants.predicate import Context
from atlas.invariants.predicate.expr import identity


def learn_univariate(
    target: Target,
    observed: Sequence[Observed],
    hints: Hints | None = None,
    base: Config | None = None,
) -> tuple[Candidate, ...]:
    """For each field and each thing that happened, the smallest predicate that tells when.

    `base` is what is always set; configurations that differ from it in several fields are left out, and the
    base itself counts for every field. `hints` are constants that conditions compare a field with.
    """
    common: list[Observed] = []
    by_field: dict[str, list[Observed]] = {}
    for each in observed:
        different = _different(each[0], base or {})
        if not different:
            common.append(each)
        elif len(different) == 1:
            by_field.setdefault(different[0], []).append(each)
    context = context_of(target)
    specs = {spec.name: spec for spec in target.fields}
    found: list[Candidate] = []
    for name in sorted(by_field):
        known = knowledge(specs.get(name), (hints or {}).get(name, ()))
        # That every other string but the default is rejected may only mean that none of those tried is known.
        known = replace(known, default=None)
        found += _of_field(target, name, common, by_field[name], known, hints or {}, context)
    return distinct(found)


def _different(config: Config, base: Config) -> list[str]:
    return [
        name
        for name in {**base, **config}
        if name not in base or name not in config or identity(config[name]) != identity(base[name])
    ]


def _of_field(
    target: Target,
    name: str,
    base: Sequence[Observed],
    others: Sequence[Observed],
    known: Known,
    hints: Hints,
    context: Context,
) -> list[Candidate]:
    observed = [*base, *others]
    groups = by_signature(observed, frozenset(spec.name for spec in target.fields))
    found: list[Candidate] = []
    for signature in sorted(groups, key=Signature.order):
        for single, matching in split(signature, observed, groups[signature], context):
            if min(matching) >= len(base):  # else it happens with nothing set
                found += _told_apart(target, name, single, observed, matching, known, hints, context)
    return found


def _told_apart(
    target: Target,
    name: str,
    signature: Signature,
    observed: Sequence[Observed],
    matching: Sequence[int],
    known: Known,
    hints: Hints,
    context: Context,
) -> list[Candidate]:
    configs = [config for config, _ in observed]
    happened = set(matching)
    wanted = rows(row in happened for row in range(len(observed)))
    unwanted = rows(
        row not in happened and could_reach(seen, signature) for row, (_, seen) in enumerate(observed)
    )
    text = said(target, signature, observed, wanted) or ""
    known = known.stating(constants_in(text))
    inside = known_inside(target, name, known.constants, hints)
    question = Question(configs, wanted, unwanted, context, {name: known, **inside})
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
