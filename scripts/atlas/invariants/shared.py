"""Evidence from the configurations of other candidates, where asking the engine is expensive.

A configuration that was drawn for one candidate was not seen by the mining of another one either. Of those in
which a candidate holds, only what could speak against it is taken, or what happened at its own statement: a
configuration that is rejected for another reason says little for it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from atlas.canonical import compact
from atlas.invariants.bench import seed_of
from atlas.invariants.model import Candidate, Config, Observation
from atlas.invariants.outcomes import at_own_site, compiled
from atlas.invariants.predicate import Context

Observed: TypeAlias = tuple[Config, Observation]

REQUIRED = 200
"""So many configurations have to be judged at least."""
MARGIN = 10


@dataclass
class Sides:
    """What the engine did where a candidate holds, and where it does not."""

    trues: list[Observed] = field(default_factory=list)
    falses: list[Observed] = field(default_factory=list)


def shared(
    candidates: Sequence[Candidate], sides: Sequence[Sides], context: Context, seed: int
) -> list[Sides]:
    """Each candidate's own configurations, and as many of the others' as are required."""
    pool = list({compact(one[0]): one for its in sides for one in (*its.trues, *its.falses)}.values())
    return [
        _with_others(candidate, its, pool, context, seed)
        for candidate, its in zip(candidates, sides, strict=True)
    ]


def _with_others(
    candidate: Candidate, own: Sides, pool: Sequence[Observed], context: Context, seed: int
) -> Sides:
    holds = compiled(candidate.when, context)
    found = Sides(list(own.trues), list(own.falses))
    known = {compact(config) for config, _ in (*own.trues, *own.falses)}
    for config, observation in _in_turn(pool, seed_of(seed, repr(candidate.when), candidate.severity)):
        if len(found.trues) + len(found.falses) >= REQUIRED + MARGIN:
            break
        if compact(config) in known or observation.outcome not in ("ok", "rejected"):
            continue
        if holds(config) is True:
            if observation.outcome == "ok" or at_own_site(candidate, observation):
                found.trues.append((config, observation))
        elif candidate.severity == "error" or observation.outcome == "ok":
            found.falses.append((config, observation))
    return found


def _in_turn(pool: Sequence[Observed], seed: int) -> Iterator[Observed]:
    """All of them, from a place of the seed's on, in steps that meet neighbours late."""
    if not pool:
        return
    rng = random.Random(f"shared {seed}")
    step = next(n for n in (7919, 104729, 1) if len(pool) % n or n == 1)
    start = rng.randrange(len(pool))
    for number in range(len(pool)):
        yield pool[(start + number * step) % len(pool)]
