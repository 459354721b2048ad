"""Building conditions: constants are folded and alternatives distributed as soon as they are known.

What is built here means what Python means by the expression it stands for; folding only removes what can
never matter. Canonical form is made later, from the finished condition.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from atlas.invariants.predicate import FALSE, TRUE, Const, Each, Expr, Op, Opaque
from atlas.invariants.static.folding import fold
from atlas.invariants.static.measure import size

_MAX_LEAVES = 24
_MOST_SPREAD = 60
_MOST_SPELLED = 60
"""A choice between conditions is written with `and` and `or` where that is not longer."""
_BOOLEAN = frozenset(
    {"and", "or", "not", "==", "!=", "<", "<=", ">", ">=", "in", "not_in", "given", "truth", "raises"}
    | {"isint", "isnan", "isinf", "isfinite", "startswith", "endswith", "matches", "fullmatch"}
    | {"isdigit", "isalpha", "isalnum", "isnumeric", "isspace", "isidentifier", "conforms", "same"}
)


def and_(*parts: Expr) -> Expr:
    return _joined("and", parts, TRUE, FALSE)


def or_(*parts: Expr) -> Expr:
    return _joined("or", parts, FALSE, TRUE)


def _joined(name: str, parts: Iterable[Expr], neutral: Const, decisive: Const) -> Expr:
    kept: dict[Expr, None] = {}
    for part in _flat(name, parts):
        if part == decisive or not_(part) in kept:
            return decisive
        if part != neutral:
            kept[part] = None
    if not kept:
        return neutral
    return next(iter(kept)) if len(kept) == 1 else Op(name, tuple(kept))


def _flat(name: str, parts: Iterable[Expr]) -> Iterator[Expr]:
    for part in parts:
        if isinstance(part, Op) and part.name == name:
            yield from part.args
        else:
            yield part


def not_(part: Expr) -> Expr:
    if isinstance(part, Const):
        return FALSE if part.value else TRUE
    if isinstance(part, Op):
        if part.name == "not":
            return truth(part.args[0])
        if part.name in _OPPOSITE:
            return Op(_OPPOSITE[part.name], part.args)
    return Op("not", (part,))


_OPPOSITE = {"==": "!=", "!=": "==", "in": "not_in", "not_in": "in"}


def truth(value: Expr) -> Expr:
    """What `bool(value)` is."""
    if isinstance(value, Const):
        return TRUE if value.value else FALSE
    if is_boolean(value) or isinstance(value, Opaque):
        return value
    if isinstance(value, Op) and value.name == "if":
        return if_(value.args[0], truth(value.args[1]), truth(value.args[2]))
    if isinstance(value, Op) and value.name == "list":
        return TRUE if value.args else FALSE
    return Op("truth", (value,))


def is_boolean(value: Expr) -> bool:
    """Whether it can only be true or false."""
    if isinstance(value, Const):
        return isinstance(value.value, bool)
    if isinstance(value, Op) and value.name == "if":
        return is_boolean(value.args[1]) and is_boolean(value.args[2])
    if isinstance(value, Each):
        return value.kind != "list"
    return isinstance(value, Op) and value.name in _BOOLEAN


def if_(condition: Expr, then: Expr, other: Expr) -> Expr:
    if isinstance(condition, Const):
        return then if condition.value else other
    if then == other:
        return then
    then, other = _known(then, condition, TRUE), _known(other, condition, FALSE)
    plain = then in (TRUE, FALSE) or other in (TRUE, FALSE)
    if plain and is_boolean(then) and is_boolean(other):
        return _boolean_if(condition, then, other)
    if isinstance(other, Op) and other.name == "if":
        if other.args[0] == condition:
            other = other.args[2]
        elif other.args[1] == then:
            return if_(or_(condition, other.args[0]), then, other.args[2])
    if isinstance(then, Op) and then.name == "if" and then.args[0] == condition:
        then = then.args[1]
    if _means(condition, then, other):
        return other
    return Op("if", (condition, then, other))


def _known(side: Expr, condition: Expr, value: Const) -> Expr:
    """A side that says again what its condition says."""
    if is_boolean(side):
        if side == condition:
            return value
        if side == not_(condition):
            return FALSE if value == TRUE else TRUE
    return side


def _boolean_if(condition: Expr, then: Expr, other: Expr) -> Expr:
    if then == TRUE:
        return or_(condition, other)
    if then == FALSE:
        return and_(not_(condition), other)
    if other == TRUE:
        return or_(not_(condition), then)
    return and_(condition, then)


def _means(condition: Expr, then: Expr, other: Expr) -> bool:
    """`None if x is None else x` is x."""
    return isinstance(then, Const) and then.value is None and condition == Op("==", (other, then))


def op(name: str, *args: Expr) -> Expr:
    """An operator or function of values: folded where all are known, spread over the branches of an `if`."""
    for at, arg in enumerate(args):
        if isinstance(arg, Op) and arg.name == "if" and name != "given" and _is_short(arg, args):
            return _spread(arg, lambda leaf, at=at: op(name, *args[:at], leaf, *args[at + 1 :]))  # type: ignore[misc]
    if all(isinstance(arg, Const) for arg in args):
        folded = fold(name, [arg.value for arg in args if isinstance(arg, Const)])
        if folded is not None:
            return folded
    if name in ("==", "!=", "same") and _sizes_differ(args[0], args[1]):
        return TRUE if name == "!=" else FALSE
    if name in ("in", "not_in") and isinstance(args[1], Const) and args[1].value in ((), {}, "", frozenset()):
        return FALSE if name == "in" else TRUE
    return Op(name, tuple(args))


def _is_short(branch: Op, args: tuple[Expr, ...]) -> bool:
    """Whether an operation on each branch of a choice is not much longer than one on all of it."""
    rest = sum(size(one, _MOST_SPREAD) for one in args if one is not branch)
    return _leaves(branch) <= _MAX_LEAVES and _leaves(branch) * rest <= _MOST_SPREAD


def _sizes_differ(left: Expr, right: Expr) -> bool:
    """Whether both are lists, of different lengths."""
    sizes = [
        len(one.args)
        if isinstance(one, Op) and one.name == "list"
        else len(one.value)
        if isinstance(one, Const) and isinstance(one.value, tuple)
        else None
        for one in (left, right)
    ]
    return None not in sizes and sizes[0] != sizes[1]


def _spread(branch: Op, step: Callable[[Expr], Expr]) -> Expr:
    condition, then, other = branch.args
    left = _spread(then, step) if isinstance(then, Op) and then.name == "if" else step(then)
    right = _spread(other, step) if isinstance(other, Op) and other.name == "if" else step(other)
    made = if_(condition, left, right)
    if isinstance(made, Op) and made.name == "if" and is_boolean(left) and is_boolean(right):
        spelled = or_(and_(condition, left), and_(not_(condition), right))
        return spelled if size(spelled, _MOST_SPELLED) <= _MOST_SPELLED else made
    return made


def _leaves(value: Expr) -> int:
    if isinstance(value, Op) and value.name == "if":
        return _leaves(value.args[1]) + _leaves(value.args[2])
    return 1


def type_in(value: Expr, names: Iterable[str]) -> Expr:
    """Whether the type of a JSON value is one of these (`null bool int float str list dict`)."""
    kinds = tuple(dict.fromkeys(names))
    if not kinds:
        return FALSE
    if isinstance(value, Op) and value.name == "if" and _leaves(value) <= _MAX_LEAVES:
        return _spread(value, lambda leaf: type_in(leaf, kinds))
    known = kind_of(value)
    if known is not None:
        return TRUE if known in kinds else FALSE
    if isinstance(value, Opaque):
        return Opaque(f"type({value.text})", value.fields, value.environment)
    its = Op("type", (value,))
    return op("==", its, Const(kinds[0])) if len(kinds) == 1 else op("in", its, Const(kinds))


def kind_of(value: Expr) -> str | None:
    """The type of an expression's value where its form tells."""
    if isinstance(value, Const):
        its: Any = value.value
        if its is None:
            return "null"
        names = {bool: "bool", int: "int", float: "float", str: "str", tuple: "list", dict: "dict"}
        return names.get(type(its))
    if is_boolean(value):
        return "bool"
    if isinstance(value, Each):
        return "list"
    if isinstance(value, Op):
        return _RESULTS.get(value.name)
    return None


_RESULTS = {
    **dict.fromkeys(("list", "sorted", "unique", "split", "keys", "values"), "list"),
    **dict.fromkeys(("len", "int", "floor", "ceil", "find", "count"), "int"),
    **dict.fromkeys(("str", "lower", "upper", "strip", "lstrip", "rstrip", "replace", "type", "join"), "str"),
    **dict.fromkeys(("title", "capitalize", "casefold", "removeprefix", "removesuffix"), "str"),
    **dict.fromkeys(("float", "sqrt", "log2"), "float"),
    "dict": "dict",
}


def is_none(value: Expr) -> Expr:
    known = kind_of(value)
    if known is not None:
        return TRUE if known == "null" else FALSE
    return op("==", value, Const(None))


def undefined_of(value: Expr) -> Expr:
    """Whether evaluating it fails."""
    return FALSE if isinstance(value, Const) else Op("raises", (value,))
