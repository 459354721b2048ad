"""What rules explain of what happened, and what is left."""

from __future__ import annotations

from collections.abc import Sequence

from atlas.invariants.corpus import context_of
from atlas.invariants.learn.fit import Observed, by_signature, rows_giving, rows_where
from atlas.invariants.learn.signature import SEVERITY, Signature
from atlas.invariants.model import Candidate, Target
from atlas.invariants.outcomes import sets_field
from atlas.invariants.predicate import Context

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
    configs = [config for config, _ in observed]
    giving = rows_giving(configs)
    held = [rows_where(each.when, configs, context, giving) for each in rules]
    open_rows: dict[Signature, list[int]] = {}
    for signature, matching in groups.items():
        done = explained(signature, rules, observed, matching, context, held)
        left = [row for row in matching if row not in done]
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


def explained(
    signature: Signature,
    rules: Sequence[Candidate],
    observed: Sequence[Observed],
    matching: Sequence[int],
    context: Context,
    held: Sequence[int] | None = None,
) -> set[int]:
    """Those of the matching rows in which some rule holds that says that this happens.

    `held` are the rows in which each rule holds, where that is known.
    """
    left = list(matching)
    for number, each in enumerate(rules):
        if not left:
            break
        if not _says(each, signature):
            continue
        if held is None:
            true = rows_where(each.when, [observed[row][0] for row in left], context)
            there = [row for place, row in enumerate(left) if true >> place & 1]
        else:
            there = [row for row in left if held[number] >> row & 1]
        if signature.kind == "changed":
            there = [
                row
                for row in there
                if sets_field(each, signature.what, observed[row][0], observed[row][1].changed, context)
            ]
        done = set(there)
        left = [row for row in left if row not in done]
    return set(matching) - set(left)


def _says(candidate: Candidate, signature: Signature) -> bool:
    """Whether a rule, where it holds, says that this happens."""
    if candidate.severity != SEVERITY[signature.kind]:
        return False
    if signature.kind == "warned":
        return _same_place(candidate, signature)
    return signature.kind == "rejected" or signature.what in candidate.effect.sets


def _same_place(candidate: Candidate, signature: Signature) -> bool:
    if candidate.site is None or signature.frame is None:
        return candidate.site is None and signature.frame is None
    return candidate.site.holds(signature.frame)
