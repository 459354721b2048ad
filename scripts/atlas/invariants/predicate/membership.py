"""Bringing together clauses about one thing: what it equals, and how large it is."""

from __future__ import annotations

from collections.abc import Iterable

from atlas.invariants.predicate.expr import Const, Expr, Json, Op, identity

Clauses = list[Expr]

_POSITIVE = {"==": True, "in": True, "!=": False, "not_in": False}
_SIDES = {"<": "upper", "<=": "upper", ">": "lower", ">=": "lower"}
_KINDS = {"null": 0, "int": 1, "float": 1, "bool": 1, "str": 2, "list": 3, "dict": 4}
_TIES = {"int": 0, "float": 1, "bool": 2}


def merged(name: str, clauses: Clauses) -> Clauses:
    """The clauses of an `and` or `or`, with those about one expression brought together."""
    return _bounds(name, _members(name, clauses))


def membership(left: Expr, items: Iterable[Json], positive: bool) -> Expr:
    """`left in items` (or not in), as an equality where there is only one."""
    distinct = in_order(items)
    if len(distinct) == 1:
        return Op("==" if positive else "!=", (left, Const(distinct[0])))
    return Op("in" if positive else "not_in", (left, Const(tuple(distinct))))


def in_order(items: Iterable[Json]) -> list[Json]:
    """Each value once (1, 1.0 and True are one), in an order of their own."""
    kept: list[Json] = []
    for item in sorted(items, key=_order):
        if not any(item == other for other in kept[-3:]) and item not in kept:
            kept.append(item)
    return kept


def _order(value: Json) -> tuple[int, float, str, int]:
    kind = "null" if value is None else {"tuple": "list"}.get(type(value).__name__, type(value).__name__)
    size = _size(value) if isinstance(value, int | float) else 0.0
    return (_KINDS.get(kind, 5), size, "" if kind in _TIES else repr(value), _TIES.get(kind, 0))


def _size(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def listed(expr: Expr) -> tuple[Expr, tuple[Json, ...], bool] | None:
    """Of `x == 1`, `x in (1, 2)` and their opposites: `x`, the values, and whether it is among them."""
    if not isinstance(expr, Op) or expr.name not in _POSITIVE or not isinstance(expr.args[1], Const):
        return None
    left, value = expr.args[0], expr.args[1].value
    if expr.name in ("==", "!="):
        items: tuple[Json, ...] = (value,)
    elif isinstance(value, tuple):
        items = value
    else:
        return None
    if isinstance(left, Const) or any("nan" in str(identity(item)) for item in items):
        return None
    return left, items, _POSITIVE[expr.name]


def _members(name: str, clauses: Clauses) -> Clauses:
    """What is common to all (`and`), or in any (`or`), of the lists that one expression is held against."""
    groups: dict[Expr, list[tuple[tuple[Json, ...], bool]]] = {}
    rest: Clauses = []
    for clause in clauses:
        found = listed(clause)
        if found is None:
            rest.append(clause)
        else:
            groups.setdefault(found[0], []).append(found[1:])
    return rest + [_together(name, left, lists) for left, lists in groups.items()]


def _together(name: str, left: Expr, lists: list[tuple[tuple[Json, ...], bool]]) -> Expr:
    """`or` is the opposite of the `and` of opposites."""
    whole = name == "and"
    ins = [items for items, positive in lists if positive is whole]
    outs = [item for items, positive in lists if positive is not whole for item in items]
    if not ins:
        return membership(left, outs, not whole)
    common = [item for item in ins[0] if all(item in items for items in ins[1:]) and item not in outs]
    return membership(left, common, whole)


def _bounds(name: str, clauses: Clauses) -> Clauses:
    """Of several bounds on one side of one expression, that which decides."""
    best: dict[tuple[Expr, str], Op] = {}
    rest: Clauses = []
    for clause in clauses:
        side = _side(clause)
        if side is None or not isinstance(clause, Op):
            rest.append(clause)
            continue
        key = (clause.args[0], side)
        kept = best.get(key)
        if kept is None or _tighter(clause, kept, side) is (name == "and"):
            best[key] = clause
    return rest + list(best.values())


def _side(clause: Expr) -> str | None:
    if not isinstance(clause, Op) or clause.name not in _SIDES:
        return None
    bound = clause.args[1]
    known = isinstance(bound, Const) and type(bound.value) in (int, float) and bound.value == bound.value
    return _SIDES[clause.name] if known and not isinstance(clause.args[0], Const) else None


def _tighter(one: Op, other: Op, side: str) -> bool:
    """Whether `one` leaves less than `other`."""
    mine, its = _bound(one), _bound(other)
    if mine == its:
        return not one.name.endswith("=")
    return bool(mine < its) if side == "upper" else bool(mine > its)


def _bound(clause: Op) -> Json:
    return clause.args[1].value if isinstance(clause.args[1], Const) else None
