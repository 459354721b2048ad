"""What conditions are about: the constants that a field is held against, and the fields that meet."""

from __future__ import annotations

from collections.abc import Iterable

from atlas.invariants.model import Candidate, Json
from atlas.invariants.predicate import Const, Each, Expr, Field, Op, constants_of, fields_of

CONNECTIVES = frozenset({"and", "or", "not", "if"})


def constants_by_field(candidates: Iterable[Candidate]) -> dict[str, list[Json]]:
    """For each field, the constants that stand in one clause with it; in order, each once."""
    found: dict[str, dict[Const, None]] = {}
    for candidate in candidates:
        for clause in _clauses(candidate.when):
            for field in sorted(one.path[0] for one in fields_of(clause)):
                found.setdefault(field, {}).update(dict.fromkeys(map(Const, constants_of(clause))))
    return {field: [const.value for const in constants] for field, constants in sorted(found.items())}


def _clauses(expr: Expr) -> Iterable[Expr]:
    if isinstance(expr, Op) and expr.name in CONNECTIVES:
        for part in expr.args:
            yield from _clauses(part)
    elif isinstance(expr, Op | Each | Field):
        yield expr


def related_fields(candidates: Iterable[Candidate]) -> list[frozenset[str]]:
    """Sets of fields that stand in one condition, each once."""
    sets = (frozenset(one.path[0] for one in fields_of(candidate.when)) for candidate in candidates)
    return list(dict.fromkeys(one for one in sets if len(one) > 1))
