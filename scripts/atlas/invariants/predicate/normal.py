"""The canonical form of an expression, which has the same value on every configuration.

Every step keeps all three truth values, so that it may be taken anywhere, under `not` too. That is why
`not x < 1` stays: of NaN it is true, and `x >= 1` is not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from atlas.invariants.predicate.errors import WITHOUT_VALUE
from atlas.invariants.predicate.expr import FALSE, TRUE, Const, Each, Expr, Json, Op, Var
from atlas.invariants.predicate.kleene import thawed
from atlas.invariants.predicate.membership import in_order, listed, membership, merged
from atlas.invariants.predicate.parse import collected, parse
from atlas.invariants.predicate.printing import exact_text
from atlas.invariants.predicate.shapes import is_condition
from atlas.invariants.predicate.values import CALLS
from atlas.invariants.predicate.walk import rebuilt

MAX_FOLDED = 400
MAX_ABSORBED = 100
_LOOP_NAMES = ("x", "y", "z", "u", "v", "w")
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
_OPPOSITE = {"==": "!=", "!=": "==", "in": "not_in", "not_in": "in"}
_OPPOSITE_ORDER = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}


def normalise(expr: Expr) -> Expr:
    """The canonical form: of two expressions with one form, one can stand for the other."""
    expr = _renamed(expr, {})
    for _ in range(10):
        before, expr = expr, (_as_value(_condition(expr)) if is_condition(expr) else _value(expr))
        if isinstance(expr, Op) and expr.name == "truth" and _is_junction(expr.args[0]):
            expr = expr.args[0]
        if expr == before:
            break
    return expr


def to_text(expr: Expr) -> str:
    """The canonical form as text: `parse` reads it back."""
    return exact_text(normalise(expr))


def _is_junction(expr: Expr) -> bool:
    return isinstance(expr, Op) and expr.name in ("and", "or")


def _as_value(expr: Expr) -> Expr:
    """A condition where its value counts and not only its truth."""
    return expr if is_condition(expr) and not _is_junction(expr) else Op("truth", (expr,))


def _condition(expr: Expr) -> Expr:
    """Where only truth counts."""
    if isinstance(expr, Const):
        return Const(bool(expr.value))
    if isinstance(expr, Op):
        if expr.name in ("and", "or"):
            return _junction(expr.name, expr.args)
        if expr.name == "not":
            return _negated(_condition(expr.args[0]))
        if expr.name == "truth":
            return _condition(expr.args[0])
        if expr.name == "if":
            return _choice(Op("if", (_condition(expr.args[0]), *map(_condition, expr.args[1:]))))
    return _value(expr)


def _junction(name: str, args: tuple[Expr, ...]) -> Expr:
    decisive = FALSE if name == "and" else TRUE
    flat: dict[Expr, None] = {}
    for arg in map(_condition, args):
        flat.update(dict.fromkeys(arg.args if isinstance(arg, Op) and arg.name == name else (arg,)))
    if decisive in flat:
        return decisive
    flat.pop(TRUE if name == "and" else FALSE, None)
    clauses = _absorbed(name, merged(name, list(flat)))
    if len(clauses) == 1:
        return clauses[0]
    return Op(name, tuple(sorted(clauses, key=exact_text))) if clauses else Const(name == "and")


def _absorbed(name: str, clauses: list[Expr]) -> list[Expr]:
    """`a or a and b` is `a`."""
    if len(clauses) > MAX_ABSORBED:
        return clauses
    other = "or" if name == "and" else "and"
    sets = [
        frozenset(clause.args) if isinstance(clause, Op) and clause.name == other else frozenset((clause,))
        for clause in clauses
    ]
    return [clause for clause, own in zip(clauses, sets, strict=True) if not any(one < own for one in sets)]


def _negated(inner: Expr) -> Expr:
    """The opposite of a condition in canonical form."""
    if isinstance(inner, Const):
        return Const(not inner.value)
    if isinstance(inner, Each) and inner.kind != "list":
        kind = "all" if inner.kind == "any" else "any"
        return replace(inner, kind=kind, body=_negated(inner.body))  # type: ignore[arg-type]
    if not isinstance(inner, Op):
        return Op("not", (inner,))
    if inner.name in ("and", "or"):
        return _junction("or" if inner.name == "and" else "and", tuple(map(_negated, inner.args)))
    if inner.name == "not":
        return inner.args[0]
    if inner.name == "if":
        return Op("if", (inner.args[0], *map(_negated, inner.args[1:])))
    if inner.name in _OPPOSITE:
        return Op(_OPPOSITE[inner.name], inner.args)
    if inner.name in _OPPOSITE_ORDER and all(map(_is_count, inner.args)):
        return Op(_OPPOSITE_ORDER[inner.name], inner.args)
    return Op("not", (inner,))


def _is_count(expr: Expr) -> bool:
    """Whether it is surely an integer, and so one of two orders holds."""
    if isinstance(expr, Const):
        return type(expr.value) is int
    return isinstance(expr, Op) and expr.name == "len"


def _choice(expr: Op) -> Expr:
    condition, then, otherwise = expr.args
    if isinstance(condition, Const):
        return then if condition.value else otherwise
    if (then, otherwise) == (TRUE, FALSE):
        return condition if is_condition(condition) else Op("truth", (condition,))
    if (then, otherwise) == (FALSE, TRUE):
        return _negated(condition)
    return expr


def _value(expr: Expr) -> Expr:
    if isinstance(expr, Each):
        body = _value(expr.body) if expr.kind == "list" else _condition(expr.body)
        return replace(expr, over=_value(expr.over), body=body, only=_condition(expr.only))
    if not isinstance(expr, Op):
        return expr
    if expr.name in ("and", "or", "not", "truth"):
        return _as_value(_condition(expr))
    if expr.name == "if":
        choice = _choice(Op("if", (_condition(expr.args[0]), *map(_value, expr.args[1:]))))
        return _as_value(choice) if _is_junction(choice) else choice
    if expr.name == "raises":
        return Op("raises", (parse_as_value(expr.args[0]),))
    return _operation(Op(expr.name, tuple(map(_value, expr.args))))


def parse_as_value(expr: Expr) -> Expr:
    """The expression in the very order it has, as its text reads."""
    reread = parse(exact_text(Op("raises", (expr,))))
    return reread.args[0] if isinstance(reread, Op) else expr


def _operation(expr: Op) -> Expr:
    if expr.name in ("list", "set", "dict"):
        return collected(expr.name, expr.args)
    if expr.name in CALLS and expr.args and all(isinstance(arg, Const) for arg in expr.args):
        return _folded(expr)
    if expr.name in _MIRRORED:
        return _oriented(expr)
    found = listed(expr)
    if found is not None:
        return membership(*found)
    if expr.name in ("in", "not_in") and isinstance(expr.args[1], Const):
        return _with_sorted_list(expr, expr.args[1].value)
    return expr


def _with_sorted_list(expr: Op, items: Json) -> Expr:
    if isinstance(items, tuple) and not any(item != item for item in items):
        return Op(expr.name, (expr.args[0], Const(tuple(in_order(items)))))
    return expr


def _folded(expr: Op) -> Expr:
    """The value of an operation on constants, where it has one that is not too long."""
    try:
        value = CALLS[expr.name](*(thawed(arg.value) for arg in expr.args if isinstance(arg, Const)))
        return Const(value) if len(repr(value)) <= MAX_FOLDED else expr
    except WITHOUT_VALUE:
        return expr


def _oriented(expr: Op) -> Expr:
    """Constants stand on the right; else what comes first as text stands on the left."""
    left, right = expr.args
    if isinstance(right, Const):
        return expr
    if isinstance(left, Const) or exact_text(right) < exact_text(left):
        return Op(_MIRRORED[expr.name], (right, left))
    return expr


def _renamed(expr: Expr, names: Mapping[str, str]) -> Expr:
    """Loop variables named by how deep they are."""
    if isinstance(expr, Var):
        return Var(names.get(expr.name, expr.name))
    change: Callable[[Expr], Expr] = lambda part: _renamed(part, names)  # noqa: E731
    if not isinstance(expr, Each):
        return rebuilt(expr, change)
    depth = len(set(names.values()))
    name = _LOOP_NAMES[depth] if depth < len(_LOOP_NAMES) else f"x{depth}"
    inner = {**names, expr.var: name}
    body, only = _renamed(expr.body, inner), _renamed(expr.only, inner)
    return replace(expr, var=name, over=change(expr.over), body=body, only=only)
