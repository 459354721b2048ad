"""Atoms: the tests of one field that a condition is put together from, each with the rows it is true in.

What an atom costs is how much it has to prove: tests of types and comparisons with round or known numbers
are cheap, comparisons with values that only sampling chose are dear. Of equally cheap ones the first, which
is the more general, is taken.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TypeVar

from atlas.invariants.learn.known import Known
from atlas.invariants.learn.table import A, B, Cells, Column, computable, filled, true_rows
from atlas.invariants.model import Json
from atlas.invariants.predicate.expr import NONE, Const, Expr, Field, Op, Var

T = TypeVar("T")

MOST_VALUES = 60
"""Comparisons are made at so many distinct values of one field at most."""

MOST_MEMBERS = 6
GIVEN = 1.12
"""Conditions rarely ask whether something was given, and often what it is."""

NULL = 1.6
"""An explicit null for what is None unless set is rare, but all that can be said of it is this."""
STATED = 0.95
"""A list in the message says which values are taken: more than that no other was."""

ITEM = Var("v")
TYPES = ("null", "bool", "int", "float", "str", "list", "dict")
NUMERIC = ("bool", "int", "float")


@dataclass(frozen=True)
class Atom:
    """A test, the rows where it is true, and what it costs."""

    expr: Expr
    mask: int
    cost: float


def type_of(value: Json) -> str:
    """The name that `type(x)` has for it."""
    names = {bool: "bool", int: "int", float: "float", str: "str", list: "list", tuple: "list", dict: "dict"}
    return names.get(type(value), "null")


def number(value: Json) -> bool:
    """Whether it is a finite number, and no bool."""
    return type(value) is int or (type(value) is float and math.isfinite(value))


def op(name: str, left: Expr, right: Expr | None = None) -> Op:
    """An operation on one or two expressions."""
    return Op(name, (left,) if right is None else (left, right))


def negated(expr: Expr) -> Op:
    """The test that holds where the other is false."""
    return Op("not", (expr,))


def field_atoms(found: Column, known: Known, wanted: int, unwanted: int) -> Iterator[Atom]:
    """Every test of one field: `wanted` and `unwanted` are the rows that it should tell apart."""
    subject = Field(found.path)
    whole = wanted | unwanted
    if found.given and len(found.path) == 1:
        given = op("given", subject)
        yield Atom(given, found.given & whole, GIVEN)
        yield Atom(negated(given), whole & ~found.given, GIVEN)
    if found.nulls:  # an explicit null, beside a field that is None unless set
        yield Atom(Op("and", (op("given", subject), op("==", subject, NONE))), found.nulls, NULL)
    numeric, boolean = mostly(found, int, float), mostly(found, bool)
    yield from type_atoms(subject, found.cells, wanted, unwanted, boolean=boolean)
    yield from _membership_atoms(subject, found.cells, known, wanted, unwanted, numeric=numeric)
    yield from comparison_atoms(subject, found.cells, known, 0.0 if numeric else 0.2)
    if found.raw:  # the field itself is the converted value, and has none where it does not convert
        passed = Op("raw", (subject,))
        yield from (dearer(atom) for atom in type_atoms(passed, found.raw, wanted, unwanted))
        yield from _conversion_atoms(passed, found.raw, known)
    else:
        yield from _conversion_atoms(subject, found.cells, known)


def mostly(column: Column, *kinds: type) -> bool:
    """Whether what was passed is at least as often of these types as not, `None` aside."""
    shares = [
        (type(value) in kinds, (mask & column.given).bit_count())
        for value, mask in column.cells
        if value is not None
    ]
    return 2 * sum(count for inside, count in shares if inside) >= sum(count for _, count in shares)


def dearer(atom: Atom) -> Atom:
    """The same at a higher cost."""
    return Atom(atom.expr, atom.mask, atom.cost + 0.3)


def _conversion_atoms(subject: Expr, cells: Cells, known: Known) -> Iterator[Atom]:
    types = {type_of(value) for value, _ in cells}
    for display in known.displays if len(types - {"null"}) > 1 else ():
        yield from both(subject, op("conforms", A, B), cells, 1.4, display)


def both(subject: Expr, shape: Expr, cells: Cells, cost: float, *constants: Json) -> Iterator[Atom]:
    """A test and its opposite."""
    for each, extra in ((negated(shape), 0.0), (shape, 0.0)):
        yield atom_of(subject, each, cells, cost + extra, *constants)


def atom_of(subject: Expr, shape: Expr, cells: Cells, cost: float, *constants: Json) -> Atom:
    expr = filled(shape, subject, *map(Const, constants))
    return Atom(expr, true_rows(shape, cells, *constants), cost)


def type_atoms(
    subject: Expr, cells: Cells, wanted: int, unwanted: int, *, boolean: bool = False
) -> Iterator[Atom]:
    """Tests of the type: alone, and of the sets of types that the data set apart."""
    kind = op("type", A)
    present = dict.fromkeys(TYPES, 0)
    for value, mask in cells:
        present[type_of(value)] |= mask
    seen = [name for name in TYPES if present[name]]
    without = tuple(name for name in seen if present[name] & unwanted and not present[name] & wanted)
    only = tuple(name for name in seen if present[name] & wanted and not present[name] & unwanted)
    numeric = ("int", "float"), NUMERIC
    sets = [("not_in", without), *(("not_in", each) for each in numeric), ("in", only)]
    sets += [("in", each) for each in numeric]
    for name, members in sets:
        if len(members) > 1 and len(members) < len(TYPES):
            yield atom_of(subject, op(name, kind, B), cells, 1.1 + 0.02 * len(members), members)
    for name in seen:
        if name == "null":
            yield atom_of(subject, op("!=", A, NONE), cells, 1.0)
            yield atom_of(subject, op("==", A, NONE), cells, 1.1 if boolean else 1.0)
        else:
            yield atom_of(subject, op("!=", kind, B), cells, 1.06, name)
            yield atom_of(subject, op("==", kind, B), cells, 1.02, name)
    if len(seen) > 1 or "bool" in seen:
        yield from both(subject, op("truth", A), cells, 1.0 if boolean else 1.05)


def _membership_atoms(
    subject: Expr, cells: Cells, known: Known, wanted: int, unwanted: int, *, numeric: bool
) -> Iterator[Atom]:
    """Membership in closed sets, and equality with single values.

    Strings that only sampling chose prove nothing about other strings: sets are of known ones only.
    """
    scalars = [(value, mask) for value, mask in cells if not isinstance(value, list | tuple | dict)]
    spared = [value for value, mask in scalars if mask & unwanted and not mask & wanted]
    hit = [value for value, mask in scalars if mask & wanted and not mask & unwanted]
    strings = [value for value in known.constants if isinstance(value, str)]
    closed = [*strings, *([None] if None in spared else [])]  # the whole set, tried or not
    listed = [*known.stated, *([None] if None in spared else [])] if len(known.stated) > 1 else []
    lists = (("not_in", listed, STATED), ("not_in", closed, 1.15), ("not_in", spared, 1.2), ("in", hit, 1.2))
    for name, members, base in lists:
        chosen = [value for value in members if type(value) is str or value is None]
        if name == "in":
            chosen = [value for value in members if known.names(value)]
        named = [value for value in chosen if isinstance(value, str)]
        if len(chosen) > 1 and named and all(map(known.names, named)):
            ordered = tuple(sorted(chosen, key=lambda value: (value is not None, str(value))))
            cost = base + (0.0 if members in (listed, closed) else 0.05 * min(len(chosen), MOST_MEMBERS))
            yield atom_of(subject, op(name, A, B), cells, cost, ordered)
    close = [value for value in spared if isinstance(value, str) and known.spells(value)]
    for texts in (strings, close):
        yield from _folded_atoms(subject, scalars, texts, wanted)
    met = [value for value, mask in scalars if mask & wanted]
    if 1 < len(met) <= MOST_MEMBERS and len(met) < len(scalars) and all(map(known.certain, met)):
        ordered = tuple(sorted(met, key=lambda value: (value is not None, str(value))))
        yield atom_of(subject, op("in", A, B), cells, 1.25 + 0.05 * len(met), ordered)
    # Of equal values (1 is 1.0 and true) the one that is tried most comes first.
    scalars.sort(key=lambda cell: -cell[1].bit_count())
    for value, mask in scalars[:MOST_VALUES]:
        value = int(value) if numeric and isinstance(value, bool) else value
        if value is None or (isinstance(value, str) and value and not known.names(value)):
            continue
        cost = 1.1 if known.names(value) or isinstance(value, bool) or value in (0, 1, "") else 2.2
        if mask & unwanted:
            yield atom_of(subject, op("!=", A, B), cells, cost, value)
        if mask & wanted:
            yield atom_of(subject, op("==", A, B), cells, cost, value)


def _folded_atoms(
    subject: Expr, scalars: Sequence[tuple[Json, int]], strings: Sequence[str], wanted: int
) -> Iterator[Atom]:
    """Being none of the known texts however it is written, where none of the wanted ones is one of them."""
    texts = [(value, mask) for value, mask in scalars if isinstance(value, str)]
    none = [(value, mask) for value, mask in scalars if value is None and mask & wanted]
    for name, fold in (("upper", str.upper), ("lower", str.lower)):
        members = tuple(sorted(set(map(fold, strings))))
        spelled = {value for value, _ in texts if value not in strings and fold(value) in members}
        taken = any(mask & wanted and fold(value) in members for value, mask in texts)
        if len(members) > 1 and (spelled or len(members) < len(strings)) and not taken:
            shape: Expr = op("not_in", op(name, A), B)
            shape = op("or", op("==", A, NONE), shape) if none else shape
            yield atom_of(subject, shape, (*texts, *none), 1.3, members)


def comparison_atoms(subject: Expr, cells: Cells, known: Known, extra: float = 0.0) -> Iterator[Atom]:
    """Comparisons with a constant between each two neighbouring values, and tests of being integral."""
    ordered = sorted(
        (cell for cell in computable(cells) if not math.isnan(cell[0])), key=lambda cell: cell[0]
    )
    below = list(accumulate((mask for _, mask in ordered), int.__or__))
    above = list(accumulate((mask for _, mask in reversed(ordered)), int.__or__))[::-1]
    numbers = [value for value, _ in ordered]
    edges = [place for place in range(1, len(ordered)) if numbers[place - 1] < numbers[place]]
    for place in thinned(edges):
        for name, constant, cost in cuts(numbers[place - 1], numbers[place], known.constants):
            mask = below[place - 1] if name[0] == "<" else above[place]
            yield Atom(op(name, subject, Const(constant)), mask, cost + extra)
    if any(number(value) and value % 1 for value in numbers):
        yield from both(subject, op("isint", A), cells, 1.3 + extra)


def thinned(numbers: Sequence[T]) -> Sequence[T]:
    """So many of the numbers, evenly, that comparisons stay cheap."""
    step = max(1, math.ceil(len(numbers) / MOST_VALUES))
    return numbers[::step]


def cuts(low: float, high: float, constants: Iterable[Json]) -> Iterator[tuple[str, float, float]]:
    """The comparisons that tell a number from the next greater one, each with its constant and cost."""
    between = {value for value in constants if number(value) and low <= value <= high}
    options = between | {value for value in (0, 1, low, high) if low <= value <= high and number(value * 1)}

    def strangeness(value: float) -> tuple[bool, int]:
        return (value not in between, (0, 1).index(value) if value in (0, 1) else 1 + len(f"{value:g}"))

    below = _plain(min(options, key=lambda value: (*strangeness(value), -value)))
    above = _plain(min(options, key=lambda value: (*strangeness(value), value)))
    cost = {True: 1.0, False: 1.4}
    yield ("<=" if below == low else "<"), below, cost[below in between or below in (0, 1)]
    yield (">=" if above == high else ">"), above, cost[above in between or above in (0, 1)]


def _plain(value: float) -> float:
    """Integral floats as int: comparisons see no difference."""
    return int(value) if abs(value) < 2**53 and value == int(value) else value
