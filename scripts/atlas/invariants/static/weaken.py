"""What is left of a condition when the clauses that could not be translated are taken out.

The result is implied by the condition: it holds wherever the condition does, and maybe elsewhere.
"""

from __future__ import annotations

from atlas.invariants.predicate import FALSE, TRUE, Each, Expr, Op, Opaque
from atlas.invariants.static.measure import opaque_in
from atlas.invariants.static.terms import and_, not_, or_


def weakest(expr: Expr, positive: bool = True) -> Expr:
    """Without opaque clauses: implied by `expr`, or (not positive) implying it."""
    if not any(opaque_in(expr)):
        return expr
    if isinstance(expr, Op):
        if expr.name in ("and", "or"):
            join = and_ if expr.name == "and" else or_
            return join(*(weakest(one, positive) for one in expr.args))
        if expr.name == "not":
            return not_(weakest(expr.args[0], not positive))
        if expr.name == "truth":
            return weakest(expr.args[0], positive)
        if expr.name == "if":
            return _choice(expr, positive)
    if isinstance(expr, Each) and expr.kind != "list" and not any(opaque_in(expr.over)):
        body = weakest(expr.body, positive)
        return Each(expr.kind, expr.var, expr.over, body)
    return TRUE if positive else FALSE


def _choice(expr: Op, positive: bool) -> Expr:
    condition, then, other = expr.args
    return or_(
        and_(weakest(condition, positive), weakest(then, positive)),
        and_(not_(weakest(condition, not positive)), weakest(other, positive)),
    )


def clauses(condition: Expr) -> list[Expr]:
    if isinstance(condition, Op) and condition.name == "and":
        return [inner for one in condition.args for inner in clauses(one)]
    return [condition]


def untranslated(clause: Expr) -> tuple[list[str], list[str]]:
    """The texts of a clause that could not be translated, and of what it asks about the environment."""
    found = list(dict.fromkeys(opaque_in(clause)))
    partial = [one.text for one in found if not one.environment]
    requires = [one.text for one in found if one.environment]
    if isinstance(clause, Op) and clause.name == "not" and isinstance(clause.args[0], Opaque):
        partial = [f"not ({text})" for text in partial]
        requires = [f"not ({text})" for text in requires]
    return partial, requires
