"""Guided by counter-examples: a condition that was nearly right is narrowed, widened or corrected."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from atlas.invariants.corpus import context_of
from atlas.invariants.learn.atoms import Atom
from atlas.invariants.learn.fit import Observed, Question, answers, rows_where
from atlas.invariants.learn.messages import constants_in
from atlas.invariants.learn.relevance import Hints, known_of, mentioned, relevant
from atlas.invariants.learn.search import Found, proven
from atlas.invariants.learn.table import rows
from atlas.invariants.learn.wordings import could_show, kinds
from atlas.invariants.model import Candidate, Target
from atlas.invariants.outcomes import at_own_site, happened
from atlas.invariants.predicate import constants_of, fields_of, normalise
from atlas.invariants.predicate.expr import Expr, Op

MOST_ADDED = 3
"""A refinement adds so many atoms at most."""
CHEAP = 1.5
"""Where correcting one clause costs no more, nothing else is tried."""
SLACK = 8.0
"""So many bits less than for a new rule must speak for a correction: the rule was nearly right."""

Option = tuple[float, Expr]


def refine(
    target: Target,
    candidate: Candidate,
    *,
    alarms: Sequence[Observed],
    misses: Sequence[Observed],
    confirmed: Sequence[Observed],
    clean: Sequence[Observed],
    hints: Hints | None = None,
    clauses: Sequence[Expr] = (),
) -> Candidate | None:
    """The candidate with the smallest change of its condition that agrees with all that was observed.

    `alarms`: it holds, but the engine did nothing; `misses`: the engine did it at its site, but it does not
    hold; `confirmed` and `clean`: it is right. `clauses` are tests of the
    engine's own. None where no small change agrees, or none is needed.

    A statement may be reached in other ways, too. Where nothing agrees with all of them, what is right of
    the candidate alone is kept: the others are for rules of their own.
    """
    observed = [*alarms, *misses, *confirmed, *clean]
    question = replace(_question(target, candidate, observed, confirmed, hints or {}), clauses=clauses)
    holds = rows_where(candidate.when, question.configs, question.context)
    if not question.wanted & ~holds and not question.unwanted & holds:
        return None
    named = [field.path[0] for field in fields_of(candidate.when)]
    own = replace(question, wanted=question.wanted & holds)
    if candidate.severity != "error" and own.unwanted & holds:  # what else does it needs no rule of this one
        best = _narrowed(candidate, own, holds, [*named, *candidate.effect.sets])
        if best:
            return replace(candidate, when=best[1], refined=True)
    corrections = list(_corrected(candidate.when, question))
    best = _agreeing(corrections, question)
    if best is None or best[0] > CHEAP:
        best = _agreeing([*corrections, *_options(target, candidate, question, holds, named)], question)
    if best is None and question.unwanted & holds:
        best = _narrowed(candidate, own, holds, named)
    return replace(candidate, when=best[1], refined=True) if best else None


def _narrowed(candidate: Candidate, own: Question, holds: int, named: Sequence[str]) -> Option | None:
    """The condition with a further clause: `own` wants no more rows than those in which it holds."""
    added = _added(own.limited(holds), named)
    return _agreeing([(added[0], Op("and", (candidate.when, added[1])))], own) if added else None


def _agreeing(options: Sequence[Option], question: Question) -> Option | None:
    """The cheapest one that agrees with all rows."""
    for cost, expr in sorted(options, key=lambda each: (each[0], repr(each[1]))):
        when = normalise(expr)
        true = rows_where(when, question.configs, question.context)
        if not question.wanted & ~true and not question.unwanted & true:
            return cost, when
    return None


def _question(
    target: Target,
    candidate: Candidate,
    observed: Sequence[Observed],
    confirmed: Sequence[Observed],
    hints: Hints,
) -> Question:
    """Wanted is what happened at the candidate's own site, for its reason; what was stopped elsewhere, or for
    another one, says nothing."""
    context = context_of(target)
    if candidate.severity == "dormant":
        own = [happened(candidate, config, seen, context) is True for config, seen in observed]
    else:
        said = kinds(candidate, confirmed)
        own = [at_own_site(candidate, seen) and could_show(candidate, seen, said) for _, seen in observed]
    accepted = [not mine and seen.outcome == "ok" for mine, (_, seen) in zip(own, observed, strict=True)]
    constants = {field.path[0]: list(values) for field, values in constants_of(candidate.when).items()}
    merged = {name: [*hints.get(name, ()), *constants.get(name, ())] for name in {*hints, *constants}}
    configs = [config for config, _ in observed]
    stated = constants_in(candidate.message or "")
    known = {name: its.stating(stated) for name, its in known_of(target, merged).items()}
    return Question(configs, rows(own), rows(accepted), context, known)


def _options(
    target: Target, candidate: Candidate, question: Question, holds: int, named: Sequence[str]
) -> Iterator[Option]:
    """Conditions to try, each with what its change costs."""
    when = candidate.when
    words = mentioned(candidate.message or "", frozenset(spec.name for spec in target.fields))
    inside = question.limited(holds)
    narrowed: Option | None = None
    if inside.unwanted:
        narrowed = _added(inside, [*named, *words])
        if narrowed and not question.wanted & ~holds:
            yield narrowed[0] + 0.3, Op("and", (when, narrowed[1]))
    outside = replace(question, wanted=question.wanted & ~holds)
    if outside.wanted:
        widened = _added(outside, [*named, *words])
        if widened and not inside.unwanted:
            yield widened[0] + 0.5, Op("or", (when, widened[1]))
        if widened and narrowed:
            both = Op("or", (Op("and", (when, narrowed[1])), widened[1]))
            yield widened[0] + narrowed[0] + 1.0, both
    again = _added(question, [*named, *words], slack=0.0)
    if again:
        yield again[0] + 3.0, again[1]


def _added(question: Question, named: Sequence[str], slack: float = SLACK) -> Option | None:
    """The smallest predicate that tells the rows apart."""
    if not question.wanted or not question.unwanted:
        return None
    names = relevant(question.configs, question.wanted, question.unwanted, named)
    found, atoms = answers(question, names, least=1)
    return _accepted(found, atoms, question, slack)


def _accepted(found: Found | None, atoms: Sequence[Atom], question: Question, slack: float) -> Option | None:
    if found is None or found.uncovered or found.size > MOST_ADDED:
        return None
    if not proven(found, atoms, question.wanted, question.unwanted, slack):
        return None
    return found.cost, found.expr()


def _corrected(when: Expr, question: Question) -> Iterator[Option]:
    """The condition with one clause left out, or replaced by another about the same fields."""
    if not (isinstance(when, Op) and when.name in ("and", "or")):
        found = _replacement(when, question)
        if found:
            yield found
        return
    for place, clause in enumerate(when.args):
        rest = when.args[:place] + when.args[place + 1 :]
        others = rows_where(Op(when.name, rest), question.configs, question.context)
        if when.name == "and":
            if question.wanted & ~others:
                continue
            left = question.limited(others)
        else:
            if question.unwanted & others:
                continue
            left = replace(question, wanted=question.wanted & ~others)
        if (when.name == "and" and not left.unwanted) or (when.name == "or" and not left.wanted):
            yield 0.2, rest[0] if len(rest) == 1 else Op(when.name, rest)
            continue
        for cost, corrected in _corrected(clause, left):
            yield cost, Op(when.name, (*when.args[:place], corrected, *when.args[place + 1 :]))
    if when.name == "and":
        yield from _without_what_misses(when, question)


def _without_what_misses(when: Op, question: Question) -> Iterator[Option]:
    """Only those clauses that hold wherever it happened: the others belong to one of several ways there."""
    masks = [rows_where(clause, question.configs, question.context) for clause in when.args]
    kept = tuple(clause for clause, mask in zip(when.args, masks, strict=True) if not question.wanted & ~mask)
    if 0 < len(kept) < len(when.args) - 1:
        yield 0.2 * (len(when.args) - len(kept)), kept[0] if len(kept) == 1 else Op("and", kept)


def _replacement(clause: Expr, question: Question) -> Option | None:
    names = list(dict.fromkeys(field.path[0] for field in fields_of(clause)))
    if not names or not question.wanted or not question.unwanted:
        return None
    found, atoms = answers(question, names, least=1)
    return _accepted(found, atoms, question, SLACK)
