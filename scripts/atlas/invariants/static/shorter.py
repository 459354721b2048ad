"""Conditions made shorter by what their own clauses imply.

Unlike the canonical form this may decide what Python leaves undefined: a part that is left out was never
evaluated, or follows from another one that was.
"""

from __future__ import annotations

from itertools import combinations

from atlas.invariants.predicate import FALSE, TRUE, Const, Each, Expr, Op
from atlas.invariants.static.implied import excluded, implied
from atlas.invariants.static.measure import size
from atlas.invariants.static.terms import and_, if_, kind_of, not_, op, or_

_MOST = 40
_SAFE = frozenset(
    {"str", "==", "!=", "truth", "not", "and", "or", "if", "given", "raw", "type", "list", "conforms"}
)
_TEXTS = frozenset({"lower", "upper", "strip", "lstrip", "rstrip"})


def shorter(expr: Expr) -> Expr:
    """A condition that holds wherever this one does, and elsewhere at most where this one has no value.

    What stands under `not` stays: a clause that is left out there could leave no value where there was one.
    """
    if isinstance(expr, Each) and expr.kind != "list":
        return Each(expr.kind, expr.var, expr.over, shorter(expr.body))
    if not isinstance(expr, Op):
        return expr
    if expr.name == "if":
        condition, then, other = expr.args
        return if_(condition, shorter(then), shorter(other))
    if expr.name == "and":
        return _and([shorter(one) for one in expr.args])
    if expr.name == "or":
        return _or([shorter(one) for one in expr.args])
    if expr.name == "raises" and never_raises(expr.args[0]):
        return FALSE
    if expr.name in ("in", "not_in") and expr.args[1] == Const(()):
        return FALSE if expr.name == "in" else TRUE
    return _typed(expr)


def _typed(expr: Op) -> Expr:
    """A question for a type that the form of the value tells."""
    left = expr.args[0]
    if expr.name in ("==", "!=", "in", "not_in") and isinstance(left, Op) and left.name == "type":
        kind = kind_of(left.args[0])
        return expr if kind is None else op(expr.name, Const(kind), expr.args[1])
    return expr


def never_raises(expr: Expr) -> bool:
    """Whether it has a value for all fields whatever."""
    if not isinstance(expr, Op):
        return not isinstance(expr, Each)
    if expr.name in _TEXTS:
        return len(expr.args) == 1 and _is_text(expr.args[0]) and never_raises(expr.args[0])
    if expr.name in ("in", "not_in"):
        container = expr.args[1]
        plain = isinstance(container, Const) and isinstance(container.value, tuple)
        return (plain or _is_text(expr.args[0])) and never_raises(expr.args[0])
    return expr.name in _SAFE and all(map(never_raises, expr.args))


def _is_text(expr: Expr) -> bool:
    return isinstance(expr, Op) and (
        expr.name in ("str", "type") or (expr.name in _TEXTS and _is_text(expr.args[0]))
    )


# --- and, or ----------------------------------------------------------------------------------------------


def _and(parts: list[Expr]) -> Expr:
    """Alternatives that other clauses exclude are left out, and what they imply."""
    joined = and_(*parts)
    if not isinstance(joined, Op) or joined.name != "and" or len(joined.args) > _MOST:
        return joined
    clauses = list(joined.args)
    for at, clause in enumerate(clauses):
        facts = [one for place, one in enumerate(clauses) if place != at and one != TRUE]
        clauses[at] = _given(clause, facts)
    return and_(*clauses)


def _given(clause: Expr, facts: list[Expr]) -> Expr:
    """A clause where these facts hold."""
    if isinstance(clause, Op) and clause.name in ("and", "or"):
        join = and_ if clause.name == "and" else or_
        return join(*(_given(one, facts) for one in clause.args))
    if any(excluded(fact, clause) for fact in facts):
        return FALSE
    if clause not in facts and any(implied(fact, clause) for fact in facts):
        return TRUE
    return clause


def _or(parts: list[Expr]) -> Expr:
    """`a and b or a and not b` is a; `a or not a and b` is `a or b`."""
    joined = or_(*parts)
    while isinstance(joined, Op) and joined.name == "or" and len(joined.args) <= _MOST:
        sets = [frozenset(_clauses(one)) for one in joined.args]
        found = _merged(sets)
        if found is None:
            break
        joined = or_(*(and_(*_ordered(one, joined)) for one in found))
    return joined


def _merged(sets: list[frozenset[Expr]]) -> list[frozenset[Expr]] | None:
    for left, right in combinations(range(len(sets)), 2):
        for one, other in ((left, right), (right, left)):
            for literal in sets[one]:
                opposite = not_(literal)
                rest = sets[one] - {literal}
                if opposite in sets[other] and rest <= sets[other] - {opposite}:
                    kept = [its for at, its in enumerate(sets) if at != other]
                    return [*kept, sets[other] - {opposite}]
            if sets[one] < sets[other]:
                return [its for at, its in enumerate(sets) if at != other]
    return None


def _clauses(expr: Expr) -> tuple[Expr, ...]:
    return expr.args if isinstance(expr, Op) and expr.name == "and" else (expr,)


def _ordered(clauses: frozenset[Expr], among: Op) -> list[Expr]:
    """The clauses in the order in which they stand in a condition."""
    places = {clause: at for at, clause in enumerate(one for part in among.args for one in _clauses(part))}
    return sorted(clauses, key=lambda one: places.get(one, size(one)))
