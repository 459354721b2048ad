"""Atoms of two or three fields: comparisons with one another, divisibility, sums, products, differences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations, permutations

from atlas.invariants.learn.atoms import Atom, comparison_atoms, mostly, number, op
from atlas.invariants.learn.known import Known
from atlas.invariants.learn.table import (
    A,
    B,
    C,
    Cells,
    Column,
    computable,
    evaluated,
    filled,
    is_json,
    joined,
    sized,
    true_rows,
)
from atlas.invariants.model import Json
from atlas.invariants.predicate.expr import Const, Expr, Field, Op, identity

MOST_NUMERIC = 6
"""So many numeric fields are compared with one another."""

COMPARED = {"<": 1.4, "<=": 1.4, ">": 1.4, ">=": 1.4, "==": 1.6, "!=": 1.9}
SYMMETRIC = ("==", "!=")
ORDERED = ("<", "<=", ">", ">=")


def numeric(columns: Sequence[Column]) -> list[Column]:
    """The first columns that mostly hold numbers, several of them."""
    found = [each for each in columns if len({value for value in each.values if number(value)}) > 1]
    return [each for each in found if mostly(each, int, float)][:MOST_NUMERIC]


def pair_atoms(columns: Sequence[Column]) -> Iterator[Atom]:
    """Tests of two fields."""
    for first, second in combinations(numeric(columns), 2):
        left, right = Field(first.path), Field(second.path)
        cells = joined(computable(first.cells), computable(second.cells))
        for name, cost in COMPARED.items():
            yield _pair(left, right, op(name, A, B), cells, cost)
        for places in ((A, B), (B, A)):
            for name in SYMMETRIC:
                yield _pair(left, right, op(name, op("%", *places), Const(0)), cells, 1.7)
        for name in ("*", "+", "-"):
            yield from _computed(left, right, op(name, A, B), cells)
    yield from _container_atoms(columns)
    yield from _same_kind_atoms(columns)


def _pair(left: Expr, right: Expr, shape: Expr, cells: Cells, cost: float) -> Atom:
    return Atom(filled(shape, left, right), true_rows(shape, cells, places=2), cost)


def _computed(left: Expr, right: Expr, shape: Expr, cells: Cells) -> Iterator[Atom]:
    """Comparisons of a sum, a difference or a product with a constant."""
    merged: dict[object, tuple[Json, int]] = {}
    for (one, other), mask in cells:
        value = evaluated(shape, one, other) if number(one) and number(other) else None
        if value is not None and is_json(value):
            key = identity(value)
            merged[key] = (value, merged.get(key, (value, 0))[1] | mask)
    yield from comparison_atoms(filled(shape, left, right), tuple(merged.values()), Known(), extra=1.0)


def _container_atoms(columns: Sequence[Column]) -> Iterator[Atom]:
    """Lengths against numbers and other lengths; membership of one field in another."""
    size = op("len", A)
    holders = [each for each in columns if any(isinstance(value, list | tuple) for value in each.values)]
    for holder in holders[:3]:
        for other in numeric([each for each in columns if each is not holder])[:4]:
            cells = joined(sized(holder.cells), computable(other.cells))
            for name in (*ORDERED, *SYMMETRIC):
                yield _pair(Field(holder.path), Field(other.path), op(name, size, B), cells, 1.8)
            for name in ("in", "not_in"):
                yield _pair(Field(holder.path), Field(other.path), op(name, B, A), cells, 1.8)
    for one, two in combinations(holders[:4], 2):
        cells = joined(sized(one.cells), sized(two.cells))
        for name in SYMMETRIC:
            shape = op(name, size, op("len", B))
            yield _pair(Field(one.path), Field(two.path), shape, cells, 1.8)


def _same_kind_atoms(columns: Sequence[Column]) -> Iterator[Atom]:
    """Equality of fields that hold strings."""
    textual = [each for each in columns if sum(isinstance(value, str) for value in each.values) > 1]
    for one, two in combinations(textual[:4], 2):
        cells = joined(one.cells, two.cells)
        for name in SYMMETRIC:
            yield _pair(Field(one.path), Field(two.path), op(name, A, B), cells, COMPARED[name] + 0.2)


def triple_atoms(columns: Sequence[Column]) -> Iterator[Atom]:
    """Tests of a product or a sum of two fields against a third."""
    for first, second, third in permutations(numeric(columns), 3):
        if first.path > second.path:
            continue
        cells = joined(joined(*(computable(each.cells) for each in (first, second))), computable(third.cells))
        parts = (Field(first.path), Field(second.path), Field(third.path))
        for name in ("*", "+"):
            computed = op(name, A, B)
            shapes: list[Op] = [op(each, computed, C) for each in (*ORDERED, *SYMMETRIC)]
            shapes.append(op("!=", op("%", C, computed), Const(0)))
            shapes.append(op("!=", op("%", computed, C), Const(0)))
            for shape in shapes:
                yield Atom(filled(shape, *parts), true_rows(shape, cells, places=3), 2.4)
