"""Rules for what happened to configurations that set several fields, where no rule explains it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

from atlas.invariants.corpus import context_of
from atlas.invariants.learn.atoms import Atom
from atlas.invariants.learn.effects import gives, set_anyway, split
from atlas.invariants.learn.fit import (
    Learned,
    Observed,
    Question,
    agrees,
    answers,
    by_signature,
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
from atlas.invariants.learn.signature import SEVERITY, Signature, could_reach, signatures
from atlas.invariants.learn.table import indices, rows
from atlas.invariants.model import Candidate, Config, Target
from atlas.invariants.outcomes import sets_field
from atlas.invariants.predicate import Context, fields_of, normalise, opaque_of
from atlas.invariants.predicate.expr import TRUE, Expr, Op, identity

CHEAP = 3.2
"""Where a condition costs no more, fields of three are not compared with one another."""
MOST_WANTED, MOST_UNWANTED, MORE = 400, 1200, 100
"""So many rows a condition is learned from, and so many that refute it are added at a time."""
ROUNDS = 3
FIRST = 5
"""So many fields come before those that may prevent what the first ones suggest."""
LEAST = 3
"""So many different configurations must speak for a rule."""


def unexplained(
    target: Target, rules: Sequence[Candidate], observed: Sequence[Observed]
) -> dict[Signature, list[int]]:
    """What happened that no rule explains: each signature with its rows, the most frequent first.

    Signatures of one statement that are too rare each are put together whatever their text.
    """
    context = context_of(target)
    groups = by_signature(observed, frozenset(spec.name for spec in target.fields))
    open_rows: dict[Signature, list[int]] = {}
    for signature, matching in groups.items():
        done = _explained(signature, rules, [observed[row] for row in matching], context)
        left = [row for position, row in enumerate(matching) if not done >> position & 1]
        if left:
            open_rows[signature] = left
    rare: dict[Signature, list[int]] = {}
    for signature, left in open_rows.items():
        if len(left) < LEAST:
            rare.setdefault(signature.coarse(), []).extend(left)
    together = {signature for signature, left in rare.items() if len(set(left)) >= LEAST}
    merged: dict[Signature, list[int]] = {}
    for signature, left in open_rows.items():
        coarse = len(left) < LEAST and signature.coarse() in together
        merged.setdefault(signature.coarse() if coarse else signature, []).extend(left)
    ordered = sorted(merged.items(), key=lambda each: (-len(each[1]), each[0].order()))
    return {signature: sorted(set(left)) for signature, left in ordered}


def _explained(
    signature: Signature, rules: Sequence[Candidate], observed: Sequence[Observed], context: Context
) -> int:
    """The rows in which some rule holds that says that this happens."""
    done = 0
    for each in rules:
        if each.severity != SEVERITY[signature.kind]:
            continue
        if signature.kind == "warned" and not _same_place(each, signature):
            continue
        if signature.kind == "changed" and signature.what not in each.effect.sets:
            continue
        holds = rows_where(each.when, [config for config, _ in observed], context)
        if signature.kind == "changed":
            holds &= rows(
                sets_field(each, signature.what, config, seen.changed, context) for config, seen in observed
            )
        done |= holds
    return done


def _same_place(candidate: Candidate, signature: Signature) -> bool:
    if candidate.site is None or signature.frame is None:
        return candidate.site is None and signature.frame is None
    return candidate.site.holds(signature.frame)


def learn(
    target: Target,
    explained_by: Sequence[Candidate],
    observed: Sequence[Observed],
    signature: Signature,
    *,
    hints: Hints | None = None,
    start: Candidate | None = None,
) -> Learned:
    """The rule for one signature, from configurations that set several fields.

    What `explained_by` explains already need not be. `start` is a partial candidate: the known part of its
    condition is kept, and the rest is learned.
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
        _learned(target, explained_by, observed, single, rows_of, context, hints or {}, start)
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
) -> Learned:
    happened = set(matching)
    happening = rows(row in happened for row in range(len(observed)))
    done = indices(_explained(signature, explained_by, [observed[row] for row in matching], context))
    wanted = happening & ~_mask(matching[place] for place in done)
    if not wanted:
        return Learned(reason="explained")
    reached = (row not in happened and could_reach(seen, signature) for row, (_, seen) in enumerate(observed))
    configs = [config for config, _ in observed]
    question = Question(configs, wanted, rows(reached), context, known_of(target, hints))
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
    known = {name: its.and_also(constants) for name, its in question.known.items()}
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
