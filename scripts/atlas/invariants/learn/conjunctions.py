"""Conjunctions of atoms that hold in wanted rows only, found by a beam search."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from atlas.invariants.learn.atoms import Atom
from atlas.invariants.predicate.expr import Expr, Op

MOST_TOGETHER = 3
MOST_COMBINED = 240
"""So many atoms, those that tell most, are combined with others."""
WIDTH = 14

_State: TypeAlias = tuple[tuple[Atom, ...], int, int, float]
"""Chosen atoms, the wanted and the unwanted rows where they hold, and their cost."""


@dataclass(frozen=True)
class Conjunction:
    """Atoms that hold together in `mask`."""

    atoms: tuple[Atom, ...]
    mask: int
    cost: float

    def expr(self) -> Expr:
        """The predicate."""
        parts = tuple(atom.expr for atom in self.atoms)
        return parts[0] if len(parts) == 1 else Op("and", parts)


def conjunction(atoms: Iterable[Atom]) -> Conjunction:
    """The atoms together."""
    ordered = tuple(atoms)
    mask = ordered[0].mask
    for atom in ordered[1:]:
        mask &= atom.mask
    return Conjunction(ordered, mask, sum(atom.cost for atom in ordered))


def pure(atoms: Sequence[Atom], wanted: int, unwanted: int, least: int) -> Iterator[list[Conjunction]]:
    """Conjunctions that hold in some wanted rows and in no unwanted one, by a beam search.

    First those of one atom, then those of up to two, and so on; those that cover most first.
    """
    found: dict[int, Conjunction] = {}
    promising = _promising(atoms, wanted, unwanted)
    beam: list[_State] = [((), wanted, unwanted, 0.0)]
    for depth in range(MOST_TOGETHER):
        if depth:
            atoms = promising
        states: dict[tuple[int, int], _State] = {}
        for chosen, hit, missed, cost in beam:
            for atom in atoms:
                ours, theirs = hit & atom.mask, missed & atom.mask
                if theirs == missed or ours.bit_count() < least:
                    continue
                total = cost + atom.cost
                if not theirs:
                    if ours not in found or total < found[ours].cost:
                        found[ours] = conjunction((*chosen, atom))
                elif (ours, theirs) not in states or total < states[ours, theirs][3]:
                    states[ours, theirs] = ((*chosen, atom), ours, theirs, total)
        beam = _best_states(list(states.values()), wanted, unwanted)
        yield sorted(found.values(), key=lambda each: (-(each.mask & wanted).bit_count(), each.cost))


def _promising(atoms: Sequence[Atom], wanted: int, unwanted: int) -> Sequence[Atom]:
    """The atoms that tell most, cheapest first."""
    if len(atoms) <= MOST_COMBINED:
        return atoms
    ours, theirs = wanted.bit_count(), unwanted.bit_count()

    def told(atom: Atom) -> float:
        return (atom.mask & wanted).bit_count() / ours - (atom.mask & unwanted).bit_count() / theirs

    kept = sorted(atoms, key=lambda atom: (-told(atom), atom.cost))[:MOST_COMBINED]
    return sorted(kept, key=lambda atom: atom.cost)


def _best_states(states: list[_State], wanted: int, unwanted: int) -> list[_State]:
    """The most promising ones: by balance, by purity, and those that lost no wanted row."""
    ours, theirs = wanted.bit_count(), unwanted.bit_count()
    counted = [(state[1].bit_count(), state[2].bit_count(), state[3], state) for state in states]
    balance = sorted(counted, key=lambda each: (each[1] / theirs - each[0] / ours, each[2]))[:WIDTH]
    purity = sorted(counted, key=lambda each: (-each[0] / (each[0] + each[1] + 2), each[2]))[:WIDTH]
    whole = sorted((each for each in counted if each[0] == ours), key=lambda each: (each[1], each[2]))[:WIDTH]
    return list({id(each[3]): each[3] for each in (*balance, *purity, *whole)}.values())
