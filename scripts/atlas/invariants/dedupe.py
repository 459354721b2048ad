"""Two rules that say the same on the sample space are one; a rule inside another one adds nothing."""

from __future__ import annotations

from collections.abc import Sequence

from atlas.invariants.corpus import context_of
from atlas.invariants.model import Candidate, Config, Target
from atlas.invariants.predicate import compile_expr, fields_of, to_text

RANKS = {"static": 0, "lifted": 1, "live": 2}


def redundant(
    target: Target,
    rules: Sequence[Candidate],
    trues: Sequence[Sequence[Config]],
    own_evidence: Sequence[int],
) -> dict[int, int]:
    """Rule → the rule that already says all of it, by their places.

    `trues` are configurations in which each rule was seen to hold, `own_evidence` how often it was so at its
    own site: of equal rules the better founded stays, and a narrower one stays if it has a site of its own.
    """
    context = context_of(target)
    compiled = [compile_expr(rule.when, context) for rule in rules]
    about = [set(fields_of(rule.when)) for rule in rules]
    order = sorted(range(len(rules)), key=lambda number: _worth(rules[number], own_evidence[number]))
    kept: list[int] = []
    covered: dict[int, int] = {}

    def within(inner: int, outer: int) -> bool:
        """Whether the outer rule held whenever the inner one did."""
        return bool(trues[inner]) and all(compiled[outer](config) is True for config in trues[inner])

    for number in order:
        for other in kept:
            if about[number].isdisjoint(about[other]) or not _comparable(rules[other], rules[number]):
                continue
            if within(number, other) and (
                _no_site_of_its_own(rules[number], rules[other]) or within(other, number)
            ):
                covered[number] = other
                break
        else:
            kept.append(number)
    return covered


def _comparable(one: Candidate, two: Candidate) -> bool:
    if (one.severity, one.requires) != (two.severity, two.requires):
        return False
    if one.severity == "warn":
        return one.site == two.site or bool(one.site and one.site.meets(two.site))
    return one.severity == "error" or _same_sets(one, two)


def _no_site_of_its_own(narrow: Candidate, wide: Candidate) -> bool:
    return narrow.severity == "dormant" or narrow.site is None or narrow.site.meets(wide.site)


def _same_sets(one: Candidate, two: Candidate) -> bool:
    return {name: to_text(value) for name, value in two.effect.sets.items()}.items() <= {
        name: to_text(value) for name, value in one.effect.sets.items()
    }.items()


def _worth(rule: Candidate, seen: int) -> tuple[int, int, int, str]:
    text = to_text(rule.when)
    return (RANKS[rule.origin], len(fields_of(rule.when)), len(text), text) if seen else (9, 0, 0, text)
