"""The smallest disjunction of conjunctions of atoms that holds in all wanted rows and in no unwanted one."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from atlas.invariants.learn.atoms import Atom
from atlas.invariants.learn.conjunctions import Conjunction, conjunction, pure
from atlas.invariants.predicate.expr import Expr, Op

MOST_ATOMS = 4
"""Of a conjunction that covers all; parts of a disjunction have fewer."""
MOST_DISJUNCTS = 6
MOST_BRANCHES = 4000

OR = 0.6
"""What a further disjunct costs besides its atoms."""


@dataclass(frozen=True)
class Found:
    """A disjunction, what it costs, and the wanted rows that it leaves out."""

    parts: tuple[Conjunction, ...]
    uncovered: int
    cost: float

    def expr(self) -> Expr:
        """The predicate."""
        parts = tuple(part.expr() for part in self.parts)
        return parts[0] if len(parts) == 1 else Op("or", parts)

    @property
    def size(self) -> int:
        """How many atoms it has."""
        return sum(len(part.atoms) for part in self.parts)


def reduced(atoms: Iterable[Atom], wanted: int, unwanted: int) -> list[Atom]:
    """The cheapest atom of each behaviour on the rows, without those that tell nothing; cheapest first."""
    best: dict[int, Atom] = {}
    for atom in atoms:
        behaviour = atom.mask & (wanted | unwanted)
        if behaviour & wanted and unwanted & ~behaviour:
            known = best.get(behaviour)
            if known is None or atom.cost < known.cost:
                best[behaviour] = atom
    return sorted(best.values(), key=lambda atom: atom.cost)


def smallest(atoms: Sequence[Atom], wanted: int, unwanted: int, least: int = 1) -> Found | None:
    """The cheapest predicate found; each of its parts holds in at least `least` wanted rows.

    Rows that no part of that size reaches are left out, and said to be.
    """
    single = _single(atoms, wanted, unwanted)
    options = [single] if single else []
    if single is None or single.cost > 2 + OR:
        options += _disjunctions(atoms, wanted, unwanted, least)
    options = [
        found for found in options if all((part.mask & wanted).bit_count() >= least for part in found.parts)
    ]
    return min(options, key=lambda found: (found.uncovered.bit_count(), found.cost), default=None)


def _single(atoms: Sequence[Atom], wanted: int, unwanted: int) -> Found | None:
    """The cheapest conjunction that holds in all wanted rows: a hitting set of the unwanted ones."""
    usable = [atom for atom in atoms if wanted & ~atom.mask == 0]
    usable = _undominated(usable, unwanted)
    best: list[tuple[float, tuple[Atom, ...]]] = []
    branches = 0

    def extend(chosen: tuple[Atom, ...], left: int, cost: float) -> None:
        nonlocal branches
        branches += 1
        if best and cost >= best[0][0]:
            return
        if not left:
            best[:] = [(cost, chosen)]
            return
        if len(chosen) == MOST_ATOMS or branches > MOST_BRANCHES:
            return
        first = left & -left
        for atom in usable:
            if not atom.mask & first:
                extend((*chosen, atom), left & atom.mask, cost + atom.cost)

    extend((), unwanted, 0.0)
    if not best or not best[0][1]:
        return None
    cost, chosen = best[0]
    return Found((conjunction(chosen),), 0, cost)


def _undominated(atoms: Sequence[Atom], unwanted: int) -> list[Atom]:
    """Atoms of which no cheaper one excludes at least as much (atoms are cheapest first)."""
    kept: list[Atom] = []
    for atom in atoms:
        if not any(unwanted & other.mask & ~atom.mask == 0 for other in kept):
            kept.append(atom)
    return kept


def _disjunctions(atoms: Sequence[Atom], wanted: int, unwanted: int, least: int) -> Iterator[Found]:
    """Covers of the wanted rows with pure conjunctions of ever more atoms, until more can't be cheaper."""
    best = math.inf
    for size, parts in enumerate(pure(atoms, wanted, unwanted, least), 1):
        for found in _covers(parts, wanted, least):
            yield found
            best = best if found.uncovered else min(best, found.cost)
        if best <= size + 2 + OR:
            return


def _covers(parts: Sequence[Conjunction], wanted: int, least: int) -> Iterator[Found]:
    """The cheapest two that cover all, and what taking the best ones first comes to."""
    pair = _pair_of(parts, wanted)
    if pair:
        yield pair
    for by_ratio in (False, True):
        chosen: list[Conjunction] = []
        left = wanted
        while left and len(chosen) < MOST_DISJUNCTS:
            needed = min(least, left.bit_count())
            reach = [each for each in parts if (each.mask & left).bit_count() >= needed]
            if not reach:
                break
            best = max(reach, key=lambda each: _worth(each, left, by_ratio))
            chosen.append(best)
            left &= ~best.mask
        if chosen:
            yield _found(_irredundant(chosen, wanted & ~left), left)


def _worth(each: Conjunction, left: int, by_ratio: bool) -> tuple[float, float]:
    gain = (each.mask & left).bit_count()
    return (gain / each.cost, -each.cost) if by_ratio else (gain, -each.cost)


def _found(parts: Sequence[Conjunction], left: int) -> Found:
    return Found(tuple(parts), left, sum(part.cost for part in parts) + OR * (len(parts) - 1))


def _pair_of(parts: Sequence[Conjunction], wanted: int) -> Found | None:
    """The cheapest two that cover all, among those that cover most."""
    most = sorted(parts, key=lambda each: (each.cost, -(each.mask & wanted).bit_count()))[:160]
    pairs = [pair for pair in combinations(most, 2) if wanted & ~(pair[0].mask | pair[1].mask) == 0]
    best = min(pairs, key=lambda pair: pair[0].cost + pair[1].cost, default=None)
    return _found(best, 0) if best else None


def _irredundant(parts: Sequence[Conjunction], wanted: int) -> list[Conjunction]:
    kept = list(parts)
    for part in sorted(parts, key=lambda each: -each.cost):
        rest = 0
        for other in kept:
            if other is not part:
                rest |= other.mask
        if wanted & ~rest == 0:
            kept.remove(part)
    return kept


def proven(found: Found, atoms: Sequence[Atom], wanted: int, unwanted: int, slack: float = 0.0) -> bool:
    """Whether that so small a predicate fits so many rows can hardly be chance.

    The predicate must take fewer bits (but for the slack) than the rows that it tells apart.
    """
    ours, theirs = (wanted & ~found.uncovered).bit_count(), unwanted.bit_count()
    bits = found.size * math.log2(len(atoms) + 1) - slack
    if found.uncovered:
        rate = wanted.bit_count() / (wanted.bit_count() + theirs)
        return ours * -math.log2(rate) >= bits + 4
    return _log2_choose(ours + theirs, ours) >= bits


def _log2_choose(total: int, chosen: int) -> float:
    nats = math.lgamma(total + 1) - math.lgamma(chosen + 1) - math.lgamma(total - chosen + 1)
    return nats / math.log(2)
