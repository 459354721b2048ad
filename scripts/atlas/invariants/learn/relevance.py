"""Which fields a condition may be about: those that tell the rows apart, and those that messages name."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

from atlas.invariants.learn.atoms import Atom, field_atoms
from atlas.invariants.learn.contents import content_atoms
from atlas.invariants.learn.known import Known, knowledge
from atlas.invariants.learn.table import Column, column, indices
from atlas.invariants.model import Config, Json, Target
from atlas.invariants.predicate import Context
from atlas.invariants.predicate.expr import Field, identity

MOST_FIELDS = 9
SCREENED = 600
"""So many rows of each kind decide which fields are looked at."""
MOST_KEYS = 6

Hints = Mapping[str, Collection[Json]]


def relevant(configs: Sequence[Config], wanted: int, unwanted: int, named: Iterable[str] = ()) -> list[str]:
    """The fields worth looking at, best first. `named` are mentioned by what is known of the condition."""
    ours, theirs = _spread(indices(wanted)), _spread(indices(unwanted))
    counts: dict[str, dict[object, list[int]]] = {}
    for side, numbers in enumerate((ours, theirs)):
        for number in numbers:
            for name, value in configs[number].items():
                cell = counts.setdefault(name, {}).setdefault(identity(value), [0, 0])
                cell[side] += 1
    totals = len(ours), len(theirs)
    scores = {name: _gain(list(cells.values()), totals) for name, cells in counts.items()}
    common = {name for name, cells in counts.items() if sum(cell[0] for cell in cells.values()) == totals[0]}
    first = [name for name in dict.fromkeys(named) if name in counts]
    if len(common) <= MOST_FIELDS:
        first += sorted(common, key=lambda name: (-scores[name], name))
    rest = sorted(scores, key=lambda name: (-scores[name], name))
    return list(dict.fromkeys((*first[:MOST_FIELDS], *rest)))[:MOST_FIELDS]


def _spread(numbers: Sequence[int]) -> Sequence[int]:
    return numbers[:: max(1, math.ceil(len(numbers) / SCREENED))]


def _gain(cells: Sequence[Sequence[int]], totals: tuple[int, int]) -> float:
    """How much a field tells of the side, corrected for how many values it has."""
    unset = [total - sum(cell[side] for cell in cells) for side, total in enumerate(totals)]
    whole = sum(totals)
    score = 0.0
    for cell in (*cells, unset):
        for side, count in enumerate(cell):
            if count:
                score += 2 * count * math.log(count * whole / (sum(cell) * totals[side]))
    return score - len(cells)


def mentioned(text: str, names: Collection[str]) -> list[str]:
    """The fields that a message names, in its order."""
    return [word for word in dict.fromkeys(re.findall(r"\w+", text)) if word in names]


def columns_of(
    configs: Sequence[Config], names: Sequence[str], context: Context, wanted: int
) -> list[Column]:
    """The columns of the fields, of the keys of objects in them, and of the keys of objects in those."""
    found: list[Column] = []
    for name in names:
        whole = column(configs, (name,), context)
        inside = [column(configs, (name, key), context) for key in _keys(whole, wanted)]
        found += [whole, *inside]
        for each in inside:
            found += (column(configs, (*each.path, key), context) for key in _keys(each, wanted))
    return found


def _keys(found: Column, wanted: int) -> list[str]:
    """The keys that objects in the wanted rows have most often, by name."""
    counts: Counter[str] = Counter()
    for value, mask in found.cells:
        if isinstance(value, dict) and mask & wanted:
            counts.update(dict.fromkeys(filter(str.isidentifier, value), (mask & wanted).bit_count()))
    return sorted(sorted(counts, key=lambda key: (-counts[key], key))[:MOST_KEYS])


def known_of(target: Target, hints: Hints) -> dict[str, Known]:
    """What is known of each field apart from the data, and of the fields of objects by their dotted names."""
    found = {spec.name: knowledge(spec, hints.get(spec.name, ())) for spec in target.fields}
    for spec in target.fields:
        found |= known_inside(target, spec.name, hints.get(spec.name, ()), hints)
    return found


def known_inside(target: Target, name: str, common: Collection[Json], hints: Hints) -> dict[str, Known]:
    """What is known of the fields of the objects that a field takes, by their dotted names.

    `common` are constants that may be any of theirs, `hints` those of each.
    """
    dotted = {f"{name}.{one.name}": one for one in target.inner.get(name, ())}
    return {path: knowledge(one, (*hints.get(path, ()), *common)) for path, one in dotted.items()}


def atoms_of(columns: Sequence[Column], known: Mapping[str, Known], wanted: int, unwanted: int) -> list[Atom]:
    """All tests of single columns."""
    atoms: list[Atom] = []
    for each in columns:
        its = known.get(".".join(each.path)) or known.get(each.path[0]) or knowledge(None)
        atoms += field_atoms(each, its, wanted, unwanted)
        atoms += content_atoms(Field(each.path), each.cells, its)
    return atoms
