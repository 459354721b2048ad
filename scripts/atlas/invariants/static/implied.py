"""What one simple clause says about another one of the same value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from atlas.invariants.predicate import Const, Expr, Op
from atlas.invariants.static.terms import kind_of, not_

_TEXTS = frozenset({"lower", "upper", "strip", "lstrip", "rstrip", "isdigit"})
_ORDER: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "in": lambda a, b: a in b,
    "not_in": lambda a, b: a not in b,
}


def implied(fact: Expr, clause: Expr) -> bool:
    """Whether the clause holds wherever the fact does."""
    if fact == clause:
        return True
    if isinstance(clause, Op) and clause.name == "not":
        return excluded(fact, clause.args[0])
    sides = _sides(fact, clause)
    return sides is not None and _implied(*sides)


def excluded(fact: Expr, clause: Expr) -> bool:
    """Whether the clause cannot hold where the fact does."""
    if not_(fact) == clause:
        return True
    if isinstance(clause, Op) and clause.name == "not":
        return implied(fact, clause.args[0])
    if isinstance(clause, Op) and clause.name == "same":
        return _other_type(fact, *clause.args)
    if isinstance(clause, Op) and clause.name == "raises":
        inner = clause.args[0]
        is_text = isinstance(inner, Op) and inner.name in _TEXTS and len(inner.args) == 1
        return is_text and fact == Op("==", (Op("type", inner.args), Const("str")))  # type: ignore[union-attr]
    sides = _sides(fact, clause)
    return sides is not None and _excluded(*sides)


def _other_type(fact: Expr, left: Expr, right: Expr) -> bool:
    """Whether two values are different JSON because one of them has another type."""
    if not isinstance(fact, Op) or not isinstance(fact.args[0], Op) or fact.args[0].name != "type":
        return False
    for one, other in ((left, right), (right, left)):
        kind = kind_of(other)
        if fact.args[0].args[0] == one and kind is not None and isinstance(fact.args[-1], Const):
            kinds = {"int", "float"} if kind in ("int", "float") else {kind}
            return all(_excluded(fact.name, fact.args[1].value, "==", its) for its in kinds)  # type: ignore[union-attr]
    return False


def subject(clause: Expr) -> Expr | None:
    """The value that a clause compares with a constant."""
    if isinstance(clause, Op) and clause.name == "not":
        return subject(clause.args[0])
    is_simple = isinstance(clause, Op) and clause.name in _ORDER and isinstance(clause.args[1], Const)
    return clause.args[0] if is_simple else None  # type: ignore[union-attr]


def _sides(fact: Expr, clause: Expr) -> tuple[str, Any, str, Any] | None:
    """Both as comparisons of one value with constants."""
    both = []
    for one in (fact, clause):
        if not isinstance(one, Op) or one.name not in _ORDER or not isinstance(one.args[1], Const):
            return None
        both.append((one.name, one.args[1].value, one.args[0]))
    if both[0][2] != both[1][2]:
        return None
    return both[0][0], both[0][1], both[1][0], both[1][1]


def _numbers(*values: Any) -> bool:
    return all(isinstance(one, int | float) and one == one for one in values)


def _holds(name: str, value: Any, other: Any) -> bool | None:
    try:
        return bool(_ORDER[name](value, other))
    except TypeError:
        return None


def _values(name: str, value: Any) -> list[Any] | None:
    """The only values that a clause leaves."""
    if name == "==":
        return [value]
    return list(value) if name == "in" and isinstance(value, tuple) else None


def _implied(fact: str, bound: Any, clause: str, other: Any) -> bool:
    only = _values(fact, bound)
    if only is not None:
        return all(_holds(clause, one, other) is True for one in only)
    if _numbers(bound, other):
        if fact in ("<", "<=") and clause in ("<", "<=", "!="):
            strict = fact == "<" or clause == "<="
            return bound < other or (bound == other and strict)
        if fact in (">", ">=") and clause in (">", ">=", "!="):
            strict = fact == ">" or clause == ">="
            return bound > other or (bound == other and strict)
    if fact == "not_in" and isinstance(bound, tuple):
        return (clause == "!=" and other in bound) or (
            clause == "not_in" and isinstance(other, tuple) and all(one in bound for one in other)
        )
    is_order = fact in ("<", "<=", ">", ">=")
    return is_order and clause == "!=" and other is None


def _excluded(fact: str, bound: Any, clause: str, other: Any) -> bool:
    only = _values(fact, bound)
    if only is not None:
        return all(_holds(clause, one, other) is False for one in only)
    if _numbers(bound, other):
        if fact in ("<", "<=") and clause in (">", ">=", "=="):
            return other > bound or (other == bound and not (fact == "<=" and clause in (">=", "==")))
        if fact in (">", ">=") and clause in ("<", "<=", "=="):
            return other < bound or (other == bound and not (fact == ">=" and clause in ("<=", "==")))
    if fact == "not_in" and isinstance(bound, tuple):
        return (clause == "==" and other in bound) or (
            clause == "in" and isinstance(other, tuple) and all(one in bound for one in other)
        )
    is_order = fact in ("<", "<=", ">", ">=")
    return is_order and clause == "==" and other is None
