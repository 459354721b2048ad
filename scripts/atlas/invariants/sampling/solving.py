"""Changes of one field that bring a condition nearer to what is wanted of it.

A comparison that fails is repaired by solving it for one of its fields, all others as they are; a failing
part of a conjunction is repaired first. What cannot be solved is left to chance.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from atlas.invariants.model import Json
from atlas.invariants.predicate.expr import Const, Expr, Field, Op
from atlas.invariants.predicate.values import type_name
from atlas.invariants.sampling.conditions import CONTAINMENT, field_names
from atlas.invariants.sampling.values import is_json, is_number, plain

Change: TypeAlias = tuple[str, Json]
"""A field, dotted, and its new value."""
Value: TypeAlias = Callable[[Expr], Json]
"""What an expression is at present."""

NEGATED = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">", "in": "not_in", "not_in": "in"}
MIRRORED = {"==": "==", "!=": "!=", "<": ">", ">": "<", "<=": ">=", ">=": "<="}
STEPS: Mapping[str, tuple[float, ...]] = {
    "==": (0,), "!=": (1, -1), "<": (-1, -0.5, -2), "<=": (0, -1), ">": (1, 0.5, 2), ">=": (0, 1),
}  # fmt: skip
LONGEST = 4096
LARGEST = 1e15


@dataclass(frozen=True)
class Present:
    """The state that is to be changed: what expressions are at present, and the values to choose from."""

    value: Value
    choices: Mapping[str, tuple[Json, ...]]
    rng: random.Random


def repairs(expr: Expr, want: bool, present: Present) -> Iterator[Change]:
    """Changes of one field each, after which `expr` may be what is wanted."""
    match expr:
        case Op("and" | "or" as name, args):
            failing = [one for one in args if bool(present.value(one)) != want] or list(args)
            every = (name == "and") == want
            chosen = [failing[int(present.rng.random() * len(failing))]] if every else failing
            for one in chosen:
                yield from repairs(one, want, present)
        case Op("not", (inner,)):
            yield from repairs(inner, not want, present)
        case Op("if", (condition, then, otherwise)):
            yield from repairs(then if present.value(condition) else otherwise, want, present)
            yield from repairs(condition, not present.value(condition), present)
        case Op("==" | "in" as name, (Op("type", (inner,)), Const(kinds))) if want:
            wanted = (kinds,) if name == "==" else kinds
            yield from _of_type(inner, wanted, present)
        case Op("!=" | "not_in" as name, (Op("type", (inner,)), Const(kinds))) if not want:
            wanted = (kinds,) if name == "!=" else kinds
            yield from _of_type(inner, wanted, present)
        case Op(name, (left, right)) if name in MIRRORED:
            operator = name if want else NEGATED[name]
            yield from _compared(left, operator, present.value(right), present)
            yield from _compared(right, MIRRORED[operator], present.value(left), present)
        case Op(name, (item, container)) if name in CONTAINMENT and (name == "in") == want:
            yield from _contained(item, container, present)
        case _:
            for name in field_names(expr):
                yield from ((name, value) for value in present.choices.get(name, ()))


def _of_type(expr: Expr, wanted: Json, present: Present) -> Iterator[Change]:
    """Values of these types for the field that is asked for its type."""
    for name in field_names(expr):
        choices = present.choices.get(name, ())
        yield from ((name, value) for value in choices if type_name(value) in wanted)


def _compared(expr: Expr, operator: str, other: Json, present: Present) -> Iterator[Change]:
    """Changes after which `expr` compares in this way with a value."""
    if _solvable(other):
        for step in STEPS[operator]:
            yield from solved(expr, other + step, present)
    elif operator == "==" and is_json(other):
        yield from solved(expr, plain(other), present)
    else:
        for name in field_names(expr):
            yield from ((name, value) for value in present.choices.get(name, ()))


def _contained(item: Expr, container: Expr, present: Present) -> Iterator[Change]:
    held = present.value(container)
    for value in list(held) if isinstance(held, list | tuple | dict | frozenset) else []:
        if is_json(value):
            yield from solved(item, plain(value), present)
    if not isinstance(container, Const):
        wanted = plain(present.value(item))
        yield from solved(container, [wanted] if is_json(wanted) else [], present)
        if isinstance(wanted, str):
            yield from solved(container, {wanted: 1}, present)


def solved(expr: Expr, target: Json, present: Present) -> Iterator[Change]:
    """Changes of one field each, after which the value of `expr` is the target, or nearly."""
    match expr:
        case Field(path):
            yield ".".join(path), _whole(target)
        case Op("get", (Field(path), Const(str() as key), *_)):
            yield ".".join((*path, key)), _whole(target)
        case Op("len", (inner,)):
            yield from _of_length(inner, target, present)
        case Op("str", (inner,)) if isinstance(target, str):
            yield from solved(inner, target, present)
        case Op("neg", (inner,)) if _solvable(target):
            yield from solved(inner, -target, present)
        case Op("+" | "-" | "*" | "/" | "//" | "%" as operator, (left, right)) if _solvable(target):
            yield from _arithmetic(operator, left, right, target, present)
        case Op("if", (_, then, otherwise)):
            yield from solved(then, target, present)
            yield from solved(otherwise, target, present)
        case Op(name, args) if name not in ("type", "conforms", "given"):
            for inner in args:
                yield from solved(inner, target, present)
        case _:
            return


def _arithmetic(operator: str, left: Expr, right: Expr, target: float, present: Present) -> Iterator[Change]:
    """Solve an operation for either side; a remainder only for its left one."""
    first, second = present.value(left), present.value(right)
    if _solvable(second):
        for_left = {"+": target - second, "-": target + second, "%": target + second}
        wanted = _ratio(target, second) if operator == "*" else for_left.get(operator, target * second)
        yield from solved(left, wanted, present)
    if _solvable(first) and operator != "%":
        for_right = {"+": target - first, "-": first - target, "*": _ratio(target, first)}
        yield from solved(right, for_right.get(operator, _ratio(first, target)), present)


def _ratio(left: float, right: float) -> float:
    return left / right if right else 0


def _of_length(expr: Expr, target: Json, present: Present) -> Iterator[Change]:
    if not _solvable(target) or not 0 <= target <= LONGEST:
        return
    size = int(target)
    for name in field_names(expr):
        choices = present.choices.get(name, ())
        if any(isinstance(one, str) for one in choices):
            yield name, "a" * size
        items = next((one[0] for one in choices if isinstance(one, list) and one), "a")
        yield name, [items] * size


def _whole(value: Json) -> Json:
    """The value, as an int where it is a whole number."""
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 2**53 else value


def _solvable(value: Json) -> bool:
    """Whether a value is a number that can be calculated with: neither infinite nor too large for a float."""
    return is_number(value) and abs(value) < LARGEST
