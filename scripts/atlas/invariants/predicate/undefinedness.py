"""When evaluating an expression raises in Python."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from atlas.invariants.predicate.expr import FALSE, Const, Each, Expr, Field, Op, Var
from atlas.invariants.predicate.normal import normalise
from atlas.invariants.predicate.values import NUMBERS, SIZED


def undefined(expr: Expr) -> Expr:
    """The condition under which Python, evaluating `expr` from left to right, raises.

    The order of `expr` counts, so ask before normalising. Simple cases are said by types; others by
    `raises(...)`, which is exact too. That a default is not known, or a clause opaque, raises nothing.
    """
    return normalise(_raising(expr))


def _raising(expr: Expr) -> Expr:
    if isinstance(expr, Field):
        owners = [Field(expr.path[:size]) for size in range(1, len(expr.path))]
        return _any(*(_is_not(owner, ("dict",)) for owner in owners))
    if isinstance(expr, Each):
        return Op("raises", (expr,))
    if not isinstance(expr, Op):
        return FALSE
    if expr.name in ("and", "or"):
        return _first_to_last(expr)
    if expr.name == "if":
        condition, then, otherwise = expr.args
        return _any(
            _raising(condition),
            _all(condition, _raising(then)),
            _all(Op("not", (condition,)), _raising(otherwise)),
        )
    if expr.name in ("given", "raises"):
        return FALSE
    own = _OWN.get(expr.name, _unsaid)(expr)
    if own == Op("raises", (expr,)):
        return own
    return _any(*map(_raising, expr.args), own)


def _first_to_last(expr: Op) -> Expr:
    """A part is reached only if none before it decided."""
    reached: list[Expr] = []
    cases: list[Expr] = []
    for part in expr.args:
        cases.append(_all(*reached, _raising(part)))
        reached.append(part if expr.name == "and" else Op("not", (part,)))
    return _any(*cases)


def _any(*parts: Expr) -> Expr:
    kept = tuple(part for part in parts if part != FALSE)
    return Op("or", kept) if kept else FALSE


def _all(*parts: Expr) -> Expr:
    return FALSE if FALSE in parts else Op("and", parts)


def _is_not(expr: Expr, kinds: tuple[str, ...]) -> Expr:
    return Op("not_in", (Op("type", (expr,)), Const(kinds)))


def _never(_: Op) -> Expr:
    return FALSE


def _unsaid(expr: Op) -> Expr:
    return Op("raises", (expr,))


def _order(expr: Op) -> Expr:
    """Numbers are compared with numbers, text with text."""
    left, right = expr.args
    if _is_number(left) and _is_number(right):
        return FALSE
    for one, other in ((left, right), (right, left)):
        if isinstance(other, Const) and not isinstance(one, Const):
            kind = type(other.value)
            if kind in (bool, int, float):
                return FALSE if _is_number(one) else _is_not(one, NUMBERS)
            if kind is str:
                return _is_not(one, ("str",))
    return _unsaid(expr)


def _is_number(expr: Expr) -> bool:
    return isinstance(expr, Op) and expr.name in ("len", "int", "float", "isint", "floor", "ceil")


def _contained(expr: Op) -> Expr:
    container = expr.args[1]
    if not isinstance(container, Const):
        return _unsaid(expr)
    if isinstance(container.value, tuple):
        return FALSE
    if isinstance(container.value, str):
        return _is_not(expr.args[0], ("str",))
    return _unsaid(expr)


def _sum(expr: Op) -> Expr:
    """With an integer; a fraction could overflow."""
    left, right = expr.args
    for one, other in ((left, right), (right, left)):
        if isinstance(other, Const) and type(other.value) is int and not isinstance(one, Const):
            return _is_not(one, NUMBERS) if abs(other.value) < 2**53 else _unsaid(expr)
    return _unsaid(expr)


def _looked_up(expr: Op) -> Expr:
    """A key of an object that is a text."""
    owner, key, *default = expr.args
    if not (isinstance(key, Const) and isinstance(key.value, str)):
        return _unsaid(expr)
    no_object = _is_not(owner, ("dict",))
    return no_object if default else _any(no_object, Op("not_in", (key, owner)))


def _distinct(expr: Op) -> Expr:
    """Lists and objects are no items of sets."""
    wrong = Each("any", "item", expr.args[0], Op("in", (Op("type", (Var("item"),)), Const(("dict", "list")))))
    return _any(_is_not(expr.args[0], SIZED), wrong)


def _of(*kinds: str) -> Callable[[Op], Expr]:
    return lambda expr: _is_not(expr.args[0], kinds)


_OWN: Mapping[str, Callable[[Op], Expr]] = {
    **dict.fromkeys(("==", "!=", "not", "truth", "type", "raw", "list", "conforms", "isint", "same"), _never),
    **dict.fromkeys(("<", "<=", ">", ">="), _order),
    **dict.fromkeys(("in", "not_in"), _contained),
    **dict.fromkeys(("+", "-"), _sum),
    **dict.fromkeys(("neg", "abs"), _of(*NUMBERS)),
    "len": _of(*SIZED),
    "get": _looked_up,
    "unique": _distinct,
    **dict.fromkeys(("lower", "upper", "title", "capitalize", "casefold"), _of("str")),
    **dict.fromkeys(("isdigit", "isalpha", "isalnum", "isnumeric", "isspace", "isidentifier"), _of("str")),
    **dict.fromkeys(("keys", "values"), _of("dict")),
}
"""What an operation itself raises on, its arguments having values."""
