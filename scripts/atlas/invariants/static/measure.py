"""How large an expression is, and what is in it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from atlas.invariants.predicate import Expr, Field, Opaque, Var
from atlas.invariants.predicate.walk import parts_of

MAX_SIZE = 600
MOST_REMEMBERED = 100_000
TOO_LONG = "a condition too long to be read"


def size(value: Expr, limit: int = MAX_SIZE) -> int:
    """The number of nodes, counted up to a limit."""
    total, pending = 0, [value]
    while pending and total <= limit:
        one = pending.pop()
        total += 1
        pending += parts_of(one)
    return total


def capped(value: Expr, limit: int = 250) -> Expr:
    """A condition that people can read; a longer one is only known by its fields."""
    if size(value, limit) <= limit:
        return value
    lost = list(opaque_in(value))
    about = bool(lost) and all(one.environment for one in lost) and not fields_in(value)
    return Opaque(TOO_LONG, fields_in(value), about)


def walk(value: Expr) -> Iterator[Expr]:
    pending = [value]
    while pending:
        one = pending.pop()
        yield one
        pending += reversed(parts_of(one))


def fields_in(*values: Expr) -> tuple[Field, ...]:
    """The fields that occur, also in clauses that are not translated; in order, each once."""
    if len(values) == 1:
        return _fields(values[0])
    out: dict[Field, None] = {}
    for value in values:
        out.update(dict.fromkeys(_fields(value)))
    return tuple(out)


@lru_cache(maxsize=MOST_REMEMBERED)
def _fields(value: Expr) -> tuple[Field, ...]:
    if isinstance(value, Field):
        return (value,)
    if isinstance(value, Opaque):
        return tuple(dict.fromkeys(value.fields))
    found = [one for part in parts_of(value) for one in _fields(part)]
    return tuple(dict.fromkeys(found))


def opaque_in(value: Expr) -> Iterator[Opaque]:
    return (one for one in walk(value) if isinstance(one, Opaque))


def mentions(value: Expr, var: str) -> bool:
    return any(isinstance(one, Var) and one.name == var for one in walk(value))
