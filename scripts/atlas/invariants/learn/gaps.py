"""Rules for what happened to configurations that set several fields, where no rule explains it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

from atlas.invariants.corpus import context_of
from atlas.invariants.learn.atoms import Atom
from atlas.invariants.learn.effects import gives, set_anyway, split
from atlas.invariants.learn.explained import LEAST, explained
from atlas.invariants.learn.fit import (
    Learned,
    Observed,
    Question,
    agrees,
    answers,
    disjuncts,
    distinct,
    preventing,
    rows_where,
    rule,
    said,
)
from atlas.invariants.learn.messages import constants_in
from atlas.invariants.learn.relevance import MOST_FIELDS, Hints, known_of, mentioned, relevant
from atlas.invariants.learn.search import Found, proven
from atlas.invariants.learn.signature import Signature, could_reach, signatures
from atlas.invariants.learn.table import indices, rows
from atlas.invariants.model import Candidate, Config, Target
from atlas.invariants.predicate import Context, fields_of, normalise, opaque_of
from atlas.invariants.predicate.expr import TRUE, Expr, Op, identity

CHEAP = 3.2
"""Where a condition costs no more, fields of three are not compared with one another."""
MOST_WANTED, MOST_UNWANTED, MORE = 400, 1200, 100
"""So many rows a condition is learned from, and so many that refute it are added at a time."""
ROUNDS = 3
FIRST = 5
"""So many fields come before those that may prevent what the first ones suggest."""


def learn(
    target: Target,
    explained_by: Sequence[Candidate],
    observed: Sequence[Observed],
    signature: Signature,
    *,
    hints: Hints | None = None,
    start: Candidate | None = None,
    clauses: Sequence[Expr] = (),
) -> Learned:
    """The rule for one signature, from configurations that set several fields.

    What `explained_by` explains already need not be. `start` is a partial candidate: the known part of its
    condition is kept, and the rest is learned. `clauses` are tests of the engine's own.
    """
    context = context_of(target)
    names = frozenset(spec.name for spec in target.fields)
    matching = [
        row
        for row, (_, seen) in enumerate(observed)
        if any(signature.covers(each) for each in signatures(seen, names))
    ]
    if signature.value is not None:
        matching = [row for row in matching if gives(signature.value, signature.what, observed[row], context)]
    forms = split(signature, observed, matching, context)
    if not forms:
        return Learned(reason="no simple form gives its values", left=_configs(observed, matching))
    parts = [
        _learned(target, explained_by, observed, single, rows_of, context, hints or {}, start, clauses)
        for single, rows_of in forms
    ]
    return Learned(
        distinct(each for part in parts for each in part.candidates),
        "; ".join(dict.fromkeys(part.reason for part in parts if part.reason)),
        sum(part.support for part in parts),
        tuple(config for part in parts for config in part.left),
    )


def _configs(observed: Sequence[Observed], numbers: Sequence[int]) -> tuple[Config, ...]:
    return tuple(observed[row][0] for row in numbers)


def _learned(
    target: Target,
    explained_by: Sequence[Candidate],
    observed: Sequence[Observed],
    signature: Signature,
    matching: Sequence[int],
    context: Context,
    hints: Hints,
    start: Candidate | None,
    clauses: Sequence[Expr],
) -> Learned:
    happened = set(matching)
    happening = rows(row in happened for row in range(len(observed)))
    done = explained(signature, explained_by, observed, matching, context)
    wanted = happening & ~_mask(done)
    if not wanted:
        return Learned(reason="explained")
    reached = (row not in happened and could_reach(seen, signature) for row, (_, seen) in enumerate(observed))
    configs = [config for config, _ in observed]
    question = Question(configs, wanted, rows(reached), context, known_of(target, hints), clauses)
    beginning = _translated(start.when) if start else TRUE
    if start:
        question = question.limited(rows_where(beginning, configs, context))
    support = len({identity(configs[row]) for row in indices(question.wanted)})
    outside = _configs(observed, indices(wanted & ~question.wanted))
    if support < LEAST:
        return Learned(reason="too few", support=support, left=_configs(observed, indices(wanted)))
    whens, reason, left = _conditions(target, question, observed, signature, beginning)
    whens = [normalise(Op("and", (beginning, when))) for when in whens] if start else whens
    made = []
    for when in whens:
        one = rule(target, signature, when, observed, happening & rows_where(when, configs, context))
        made.append(
            one if start is None else replace(one, message=start.message or one.message, site=start.site)
        )
    return Learned(tuple(made), reason, support, (*_configs(observed, indices(left)), *outside))


def _translated(when: Expr) -> Expr:
    """The clauses that have a value."""
    clauses = when.args if isinstance(when, Op) and when.name == "and" else (when,)
    kept = tuple(clause for clause in clauses if not opaque_of(clause))
    return Op("and", kept) if kept else TRUE


def _conditions(
    target: Target, question: Question, observed: Sequence[Observed], signature: Signature, beginning: Expr
) -> tuple[list[Expr], str, int]:
    """The predicates, why not all is covered, and the rows that are not."""
    if not question.unwanted:
        if beginning != TRUE:
            return [TRUE], "", 0
        return [], "it happens in every configuration that comes so far", question.wanted
    names = frozenset(spec.name for spec in target.fields)
    text = said(target, signature, observed, question.wanted) or ""
    constants = constants_in(text)
    known = {name: its.stating(constants) for name, its in question.known.items()}
    question = replace(question, known=known)
    named = [signature.what] if signature.kind == "changed" else mentioned(text, names)
    named += [field.path[0] for field in fields_of(beginning)]
    extra = [set_anyway(signature.value, signature.what)] if signature.value is not None else []
    whens = _consistent(question, named, extra)
    if not whens:
        return [], "no small condition tells them apart", question.wanted
    covered = 0
    for when in whens:
        covered |= rows_where(when, question.configs, question.context)
    left = question.wanted & ~covered
    return whens, "some are left" if left else "", left


def _consistent(question: Question, named: Sequence[str], extra: Sequence[Expr]) -> list[Expr]:
    """Predicates that hold in no unwanted row, learned from some of the rows and tried on all.

    Rows that refute what was learned are added, and it is learned again.
    """
    ours, theirs = indices(question.wanted), indices(question.unwanted)
    chosen = {*_spread(ours, MOST_WANTED), *_spread(theirs, MOST_UNWANTED)}
    whens: list[Expr] = []
    for _ in range(ROUNDS):
        found = _smallest(question.part(sorted(chosen)), named, extra)
        whens = disjuncts(found) if found else []
        true = 0
        for when in whens:
            true |= rows_where(when, question.configs, question.context)
        wrong = question.unwanted & true
        missed = 0 if found is None or found.uncovered else question.wanted & ~true
        more = {*_spread(indices(wrong), MORE), *_spread(indices(missed), MORE)} - chosen
        if not more:
            break
        chosen |= more
    return [each for each in whens if agrees(each, question)]


def _mask(numbers: Iterable[int]) -> int:
    mask = 0
    for number in numbers:
        mask |= 1 << number
    return mask


def _spread(numbers: Sequence[int], most: int) -> Sequence[int]:
    return numbers[:: max(1, math.ceil(len(numbers) / most))]


def _smallest(question: Question, named: Sequence[str], extra: Sequence[Expr]) -> Found | None:
    ranked = relevant(question.configs, question.wanted, question.unwanted, named)
    clauses = [Atom(each, rows_where(each, question.configs, question.context), 1.0) for each in extra]
    ranked = list(dict.fromkeys((*ranked[:FIRST], *preventing(question, ranked), *ranked)))[:MOST_FIELDS]
    best: Found | None = None
    for triples in (False, True):
        found, atoms = answers(question, ranked, least=LEAST, triples=triples, extra=clauses)
        if found and proven(found, atoms, question.wanted, question.unwanted):
            if best is None or _quality(found) < _quality(best):
                best = found
            if not found.uncovered and found.cost <= CHEAP:
                break
    return best


def _quality(found: Found) -> tuple[int, float]:
    return found.uncovered.bit_count(), found.cost
