"""Configurations for the gate: both sides of a candidate's boundary, as many as it takes to be judged."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from atlas.canonical import compact
from atlas.invariants.bench import seed_of
from atlas.invariants.corpus import Corpus
from atlas.invariants.model import Candidate, Config, Json, Target
from atlas.invariants.outcomes import compiled
from atlas.invariants.predicate import Context, Expr, Op, fields_of
from atlas.invariants.sampling import Pools, around
from atlas.invariants.shared import REQUIRED

DRAWS, FRUITLESS = 24, 4
"""So often is drawn again where much of it is rejected for other reasons; less often where nothing comes."""
MARGIN = 20
MOST = 12
"""So many rules that reject what is drawn are kept away from."""
TRIES = 3000
FEWEST = 30
"""With fewer configurations in which it holds, more are looked for."""
LETTERS = "abcdefghijklmnopqrstuvwxyz_-/.0123456789 "


@dataclass(frozen=True)
class Space:
    """What configurations of a target are drawn from."""

    target: Target
    pools: Pools
    context: Context
    accepted: Sequence[Config]
    base: Mapping[str, Json]
    rejecting: Corpus
    """What these rules reject says nothing of warnings and changes."""


def sides(
    space: Space, candidate: Candidate, n: int, seed: int, *, shared: bool = False
) -> tuple[list[Config], list[Config]]:
    """Up to n configurations on each side, or more on one where the other has few.

    Where candidates share theirs, n on each side are enough.
    """
    wanted = 2 * n if shared else REQUIRED + MARGIN
    its_seed = seed_of(seed, candidate.target, repr(candidate.when), candidate.severity)
    about = [one.path[0] for one in fields_of(candidate.when)]
    base = {name: value for name, value in space.base.items() if name not in about}
    holds = compiled(candidate.when, space.context)
    notice = candidate.severity != "error"
    found: tuple[dict[bytes, Config], dict[bytes, Config]] = ({}, {})
    spare: tuple[dict[bytes, Config], dict[bytes, Config]] = ({}, {})

    def take(configs: Iterable[Config]) -> None:
        for config in configs:
            whole = {**base, **config}
            side = int(holds(whole) is True)
            its = spare if notice and space.rejecting.rejects(whole) else found
            its[side].setdefault(compact(whole), whole)

    fruitless = 0
    for number in range(DRAWS if notice else 1):
        before = sum(map(len, found))
        drawn = around(
            candidate.when, space.target, space.pools, space.context, *(n * (2 if number else 1),) * 2,
            seed_of(its_seed, number), valid_context=space.accepted,
        )  # fmt: skip
        take((*drawn[0], *drawn[1]))
        fruitless = fruitless + 1 if sum(map(len, found)) == before else 0
        if min(map(len, found)) >= n or fruitless >= FRUITLESS:
            break
        if number == FRUITLESS - 1:
            for config in _apart(space, candidate.when, found, spare, n, seed_of(its_seed, "apart")):
                take((config,))

    if not notice:
        found[1].update(_not_only_elsewhere(space, candidate.when, found[1], base, n, its_seed))

    def too_few() -> bool:
        return sum(min(len(side), 2 * n) for side in found) < wanted or len(found[1]) < FEWEST

    if too_few() and about:
        take(_further(about, [*found[0].values(), *found[1].values()], its_seed, too_few))
    return _both(found, spare, n, wanted)


Sides = tuple[dict[bytes, Config], dict[bytes, Config]]


def _apart(space: Space, when: Expr, found: Sides, spare: Sides, n: int, seed: int) -> Iterator[Config]:
    """Configurations on the sides that have few, away from what is rejected of those drawn so far."""
    about = [one.path[0] for one in fields_of(when)]
    refused = _rejecting(space, [one for side in spare for one in side.values()], about)
    for side, its in enumerate(found):
        if refused and len(its) < n:
            wanted = when if side else Op("not", (when,))
            narrow = Op("and", (wanted, *(Op("not", (one,)) for one in refused)))
            drawn, _ = around(
                narrow, space.target, space.pools, space.context, n, 0, seed_of(seed, side),
                valid_context=space.accepted,
            )  # fmt: skip
            yield from drawn


def _not_only_elsewhere(
    space: Space, when: Expr, trues: dict[bytes, Config], base: Config, n: int, seed: int
) -> dict[bytes, Config]:
    """All in which a rejection holds; where nearly all are rejected by known rules too, some others first."""
    known = [config for config in trues.values() if space.rejecting.rejects(config)]
    every = dict(trues)
    if not known or len(trues) - len(known) >= n // 4:
        return every
    refused = _rejecting(space, known, [one.path[0] for one in fields_of(when)])
    narrow = Op("and", (when, *(Op("not", (one,)) for one in refused)))
    drawn, _ = around(
        narrow, space.target, space.pools, space.context, n // 2, 0, seed_of(seed, "elsewhere"),
        valid_context=space.accepted,
    )  # fmt: skip
    holds = compiled(when, space.context)
    based = [{**base, **config} for config in drawn]
    whole = [config for config in based if holds(config) is True and not space.rejecting.rejects(config)]
    trues.clear()
    return {**{compact(config): config for config in whole}, **every}


def _rejecting(space: Space, spare: Sequence[Config], about: Sequence[str]) -> list[Expr]:
    """Conditions on these fields under which what was drawn is rejected, the most frequent first."""
    counts = Counter(number for config in spare for number in space.rejecting.holding(config))
    rules = [space.rejecting.rules[number].when for number, _ in sorted(counts.items(), key=_often)]
    return [one for one in rules if not {field.path[0] for field in fields_of(one)}.isdisjoint(about)][:MOST]


def _often(entry: tuple[int, int]) -> tuple[int, int]:
    return -entry[1], entry[0]


def _both(
    found: tuple[dict[bytes, Config], dict[bytes, Config]],
    spare: tuple[dict[bytes, Config], dict[bytes, Config]],
    n: int,
    wanted: int,
) -> tuple[list[Config], list[Config]]:
    """(trues, falses); a side that has few lets the other have more, and what is rejected comes last."""
    falses, trues = [list(side.values()) for side in found]
    more_trues, more_falses = (max(n, wanted - len(side)) for side in (falses, trues))
    trues, falses = trues[:more_trues], falses[:more_falses]
    return (
        trues + list(spare[1].values())[: max(0, n - len(trues))],
        falses + list(spare[0].values())[: max(0, more_falses - len(falses))],
    )


def _further(
    fields: Sequence[str], known: Sequence[Config], seed: int, wanted: Callable[[], bool]
) -> Iterable[Config]:
    """Known configurations with any JSON value in one of the fields."""
    rng = random.Random(f"further {seed}")
    start = list(known) or [{}]
    for _ in range(TRIES):
        if not wanted():
            return
        config = start[int(rng.random() * len(start))]
        yield {**config, fields[int(rng.random() * len(fields))]: anything(rng)}


def anything(rng: random.Random, depth: int = 0) -> Json:
    """A JSON value of any type."""
    kind = int(rng.random() * (7 if depth < 2 else 5))
    if kind == 0:
        return int(10 ** rng.uniform(0, 6)) * (-1 if rng.random() < 0.3 else 1)
    if kind == 1:
        return round(rng.uniform(-10, 1000) if rng.random() < 0.5 else rng.uniform(-1, 2), 3)
    if kind == 2:
        return "".join(LETTERS[int(rng.random() * len(LETTERS))] for _ in range(int(rng.random() * 12)))
    if kind == 3:
        return str(int(rng.uniform(-50, 5000)))
    if kind == 4:
        return (None, True, False)[int(rng.random() * 3)]
    items = [anything(rng, depth + 1) for _ in range(int(rng.random() * 4))]
    return items if kind == 5 else {f"k{number}": item for number, item in enumerate(items)}
