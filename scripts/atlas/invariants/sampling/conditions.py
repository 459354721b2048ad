"""What conditions tell about the values worth trying: their constants, by field, and fields that meet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from atlas.invariants.model import Json
from atlas.invariants.predicate.expr import Const, Each, Expr, Field, Op, Opaque, Var
from atlas.invariants.sampling.patterns import matching
from atlas.invariants.sampling.values import distinct, is_json, plain

CONTAINMENT = ("in", "not_in")
COMPARISONS = (
    "==", "!=", "<", "<=", ">", ">=", *CONTAINMENT, "%", "startswith", "endswith", "matches", "fullmatch",
)  # fmt: skip
MOST_SPELLED = 4
JSON_TEXTS = ("{}", '{"a": 1}', "[1]", "{")
OF_TYPES = ("type", "conforms", "convert", "raises", "given")
"""Their constants are names of types, not values."""


@dataclass(frozen=True)
class Hints:
    """Values worth trying of one field: values it is compared with, lengths, and values of its items."""

    values: tuple[Json, ...] = ()
    lengths: tuple[int, ...] = ()
    items: tuple[Json, ...] = ()


@dataclass(frozen=True)
class Subject:
    """What a comparison is about: a field (dotted), by its `values`, its `lengths` or its `items`."""

    field: str
    role: str = "values"


def children(expr: Expr) -> tuple[Expr, ...]:
    """The expressions that one is made of."""
    match expr:
        case Op(_, args):
            return args
        case Each(_, _, over, body, only):
            return (over, body, only)
        case Opaque(_, fields, _):
            return fields
        case _:
            return ()


def nodes(expr: Expr) -> Iterator[Expr]:
    """An expression and everything in it."""
    yield expr
    for child in children(expr):
        yield from nodes(child)


def field_names(expr: Expr) -> tuple[str, ...]:
    """The fields that an expression reads, dotted, in order of appearance."""
    return tuple(dict.fromkeys(".".join(one.path) for one in nodes(expr) if isinstance(one, Field)))


def hints_of(exprs: Iterable[Expr]) -> dict[str, Hints]:
    """What conditions compare each field with."""
    found: dict[str, dict[str, list[Json]]] = {}
    for expr in exprs:
        for subject, value in _hints(expr, {}):
            roles = found.setdefault(subject.field, {"values": [], "lengths": [], "items": []})
            roles[subject.role].append(value)
    return {field: Hints(*(distinct(values) for values in roles.values())) for field, roles in found.items()}


def related_fields(exprs: Iterable[Expr]) -> tuple[frozenset[str], ...]:
    """The sets of two and more top-level fields that one condition reads together, without repeats."""
    found = (frozenset(name.split(".")[0] for name in field_names(expr)) for expr in exprs)
    return tuple(dict.fromkeys(group for group in found if len(group) > 1))


def _hints(expr: Expr, scope: Mapping[str, tuple[Subject, ...]]) -> Iterator[tuple[Subject, Json]]:
    if isinstance(expr, Each):
        items = tuple(Subject(one.field, "items") for one in subjects(expr.over, scope))
        yield from _hints(expr.over, scope)
        for inner in (expr.body, expr.only):
            yield from _hints(inner, {**scope, expr.var: items})
        return
    if isinstance(expr, Op) and expr.name in COMPARISONS:
        yield from _compared(expr, scope)
    if isinstance(expr, Op) and expr.name == "conforms" and expr.args[1:] == (Const("Json"),):
        its = subjects(expr.args[0], scope)
        yield from ((subject, text) for subject in its if subject.role == "values" for text in JSON_TEXTS)
    for child in children(expr):
        yield from _hints(child, scope)


def _compared(expr: Op, scope: Mapping[str, tuple[Subject, ...]]) -> Iterator[tuple[Subject, Json]]:
    constants = [value for arg in expr.args for value in _constants(arg, expr.name)]
    for arg in expr.args:
        contains = expr.name in CONTAINMENT and arg is expr.args[1]
        for subject in subjects(arg, scope):
            role = "items" if contains and subject.role == "values" else subject.role
            for value in (*constants, *_other_spellings(arg, constants)):
                if role != "lengths" or type(value) is int:
                    yield Subject(subject.field, role), value


def _other_spellings(expr: Expr, constants: Sequence[Json]) -> Iterator[Json]:
    """Texts that become one of these constants when they are written in small or capital letters, or cut."""
    names = {one.name for one in nodes(expr) if isinstance(one, Op)}
    texts = [one for one in constants if isinstance(one, str) and one][:MOST_SPELLED]
    for text in texts:
        if names & {"lower", "casefold"}:
            yield from (text.upper(), text.title())
        if "upper" in names:
            yield from (text.lower(), text.title())
        if names & {"strip", "lstrip", "rstrip"}:
            yield f" {text} "


def _constants(expr: Expr, operator: str) -> Iterator[Json]:
    """The values of an operand, or their items where membership is asked for; names of types are none."""
    match expr:
        case Const(value) if operator in ("matches", "fullmatch") and isinstance(value, str):
            yield from matching(value)
        case Const(value):
            items = plain(value)
            members = isinstance(items, list | dict) and operator in CONTAINMENT
            yield from (one for one in (items if members else [items]) if is_json(one))
        case Op("if", (_, then, other)):
            yield from (value for side in (then, other) for value in _constants(side, operator))
        case Op(name, args) if name not in (*OF_TYPES, "len"):
            for arg in args:
                yield from _constants(arg, operator)
        case _:
            return


def subjects(expr: Expr, scope: Mapping[str, tuple[Subject, ...]]) -> tuple[Subject, ...]:
    """The fields that an operand is about, and by what of them."""
    match expr:
        case Field(path):
            return (Subject(".".join(path)),)
        case Var(name):
            return scope.get(name, ())
        case Op("len", (inner,)):
            measured = [one for one in subjects(inner, scope) if one.role == "values"]
            return tuple(Subject(one.field, "lengths") for one in measured)
        case Op("get", (inner, Const(str() as key), *_)):
            return tuple(Subject(f"{one.field}.{key}") for one in subjects(inner, scope))
        case Op("get" | "keys" | "values" | "sorted" | "sum", (inner, *_)):
            return tuple(Subject(one.field, "items") for one in subjects(inner, scope))
        case Op("if", (_, then, other)):
            return (*subjects(then, scope), *subjects(other, scope))
        case Op(name, args) if name not in OF_TYPES:
            return tuple(one for arg in args for one in subjects(arg, scope))
        case _:
            return ()
