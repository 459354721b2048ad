"""What can be said of an expression's value without evaluating it."""

from __future__ import annotations

from atlas.invariants.predicate.expr import Const, Each, Expr, Op

CONDITIONS = frozenset(
    [
        "and",
        "or",
        "not",
        "==",
        "!=",
        "<",
        "<=",
        ">",
        ">=",
        "in",
        "not_in",
        "given",
        "truth",
        "raises",
        "conforms",
    ]
) | {
    "same",
    "matches",
    "fullmatch",
    "startswith",
    "endswith",
    "isdigit",
    "isalpha",
    "isalnum",
    "isnumeric",
    "isspace",
    "isidentifier",
    "isint",
    "isnan",
    "isinf",
    "isfinite",
}
"""The operations whose value, where there is one, is true or false."""


def is_condition(expr: Expr) -> bool:
    """Whether its value is true or false, if it has one."""
    if isinstance(expr, Op):
        if expr.name == "if":
            return is_condition(expr.args[1]) and is_condition(expr.args[2])
        return expr.name in CONDITIONS
    if isinstance(expr, Const):
        return isinstance(expr.value, bool)
    return isinstance(expr, Each) and expr.kind != "list"
