"""Clauses: what the engine itself tests of several fields, in conditions that were read from its code.

Which way is taken is often decided by the same test at many statements. Where one of them could not be read,
such a test is a likelier part of its condition than any of equal size that only outcomes suggest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from atlas.invariants.learn.atoms import Atom, negated
from atlas.invariants.predicate import Expr, Op, every_part, fields_of, opaque_of

MOST_PARTS = 40
"""Longer clauses are conditions of their own."""
MOST_KEPT, MOST_TRIED = 300, 24
"""So many clauses of a class are kept, and tried for one question: those that stand in most conditions."""
COST, OPPOSITE = 1.25, 1.35
"""Less than two tests of one field, more than one."""


def clauses_of(conditions: Iterable[Expr]) -> tuple[Expr, ...]:
    """The clauses of conditions, those in most of them first."""
    counts: Counter[Expr] = Counter()
    for condition in conditions:
        counts.update(dict.fromkeys(_composed(condition), 1))
    known = [expr for expr in counts if len(list(every_part(expr))) <= MOST_PARTS]
    return tuple(sorted(known, key=lambda expr: (-counts[expr], repr(expr)))[:MOST_KEPT])


def _composed(condition: Expr) -> Iterator[Expr]:
    """Its parts that are true or false, and say more than one test of one field does."""
    for part in every_part(condition):
        if isinstance(part, Op) and part.name in ("and", "or") and not opaque_of(part) and fields_of(part):
            yield part


def about(clauses: Sequence[Expr], names: Sequence[str]) -> list[Expr]:
    """Those about nothing but these fields."""
    known = set(names)
    return [one for one in clauses if all(field.path[0] in known for field in fields_of(one))][:MOST_TRIED]


def clause_atoms(clause: Expr, mask: int, rows: int) -> Iterator[Atom]:
    """The clause and its opposite; `mask` is where it holds, of `rows`."""
    yield Atom(clause, mask, COST)
    yield Atom(negated(clause), rows & ~mask, OPPOSITE)
