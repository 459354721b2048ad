"""Atoms about what is in a value: how long it is, its items, its keys."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from atlas.invariants.learn.atoms import (
    ITEM,
    NUMERIC,
    Atom,
    atom_of,
    cuts,
    negated,
    number,
    op,
    thinned,
    type_of,
)
from atlas.invariants.learn.known import Known
from atlas.invariants.learn.table import A, B, Cells, sized
from atlas.invariants.predicate.expr import Const, Each, Expr, Var

LISTED = 3
"""Of a field for which so many texts are known, texts differ by what they are."""


def content_atoms(subject: Expr, cells: Cells, known: Known) -> Iterator[Atom]:
    """All of them, for those types of value that there are."""
    cells = sized(cells)  # what has no length has no items either
    types = {type_of(value) for value, _ in cells}
    if types & {"str", "list", "dict"}:
        yield from sized_atoms(subject, cells, known)
    if "list" in types:
        yield from item_atoms(subject, ITEM, A, cells, known, "list")
    if "dict" in types:
        objects = tuple(cell for cell in cells if isinstance(cell[0], dict))
        yield from item_atoms(subject, ITEM, op("values", A), objects, known, "dict")
        yield from key_atoms(subject, cells)


def sized_atoms(subject: Expr, cells: Cells, known: Known) -> Iterator[Atom]:
    """Tests of a length; not of texts that are listed, which are compared with what is in the list."""
    if sum(isinstance(value, str) for value in known.constants) >= LISTED:
        cells = tuple(cell for cell in cells if not isinstance(cell[0], str) or not cell[0])
    size = op("len", A)
    lengths = sorted({len(value) for value, _ in cells if isinstance(value, str | list | tuple | dict)})
    for low, high in pairwise(thinned(lengths)):
        if low == 0:
            yield atom_of(subject, op("==", size, B), cells, 1.2, 0)
            yield atom_of(subject, op(">", size, B), cells, 1.2, 0)
        else:
            for name, constant, cost in cuts(low, high, known.constants):
                yield atom_of(subject, op(name, size, B), cells, cost + 0.1, constant)
    cells = tuple(cell for cell in cells if isinstance(cell[0], str))
    if any(value and not value.strip() for value, _ in cells):
        yield atom_of(subject, op("==", op("strip", A), B), cells, 1.8, "")


def item_atoms(subject: Expr, item: Var, over: Expr, cells: Cells, known: Known, kind: str) -> Iterator[Atom]:
    """Tests of the items of lists or the values of objects."""
    containers = [value for value, _ in cells if type_of(value) == kind]
    items = [each for value in containers for each in (value.values() if kind == "dict" else value)]
    kinds = sorted({type_of(each) for each in items})
    tests = [(op("!=", op("type", item), Const(name)), 1.0) for name in kinds]
    tests += [(op("==", op("type", item), Const(name)), 1.0) for name in kinds]
    tests += [(op("not_in", op("type", item), Const(pair)), 1.05) for pair in (("int", "float"), NUMERIC)]
    for low, high in pairwise(thinned(sorted({each for each in items if number(each)}))):
        tests += [
            (op(name, item, Const(edge)), cost) for name, edge, cost in cuts(low, high, known.constants)
        ]
    if any(isinstance(each, str | list | tuple | dict) and not each for each in items):
        tests.append((op("==", op("len", item), Const(0)), 1.0))
    for body, cost in tests:
        yield atom_of(subject, Each("any", item.name, over, body), cells, cost + 0.6)
        yield atom_of(subject, Each("all", item.name, over, body), cells, cost + 0.8)


def key_atoms(subject: Expr, cells: Cells) -> Iterator[Atom]:
    """Tests of which keys an object has."""
    cells = tuple(cell for cell in cells if isinstance(cell[0], dict))
    objects = [value for value, _ in cells]
    for key in sorted({key for value in objects for key in value})[:20]:
        yield atom_of(subject, op("in", B, A), cells, 1.04, key)
        yield atom_of(subject, op("not_in", B, A), cells, 1.25, key)  # that there is no key at all is simpler
    body = negated(op("conforms", ITEM, Const("int")))
    yield atom_of(subject, Each("any", ITEM.name, op("keys", A), body), cells, 1.8)
    yield atom_of(subject, Each("all", ITEM.name, op("keys", A), body), cells, 1.8)
