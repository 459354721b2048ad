"""Company for a condition's fields: accepted configurations that set many other fields at once.

What a rule's condition leaves out shows only where another field has another value than its default. In
mixtures of many fields, each of which the engine takes, every field is met often, even among hundreds.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from itertools import zip_longest

from atlas.canonical import compact
from atlas.invariants.bench import Bench
from atlas.invariants.model import Config, Json, Observation
from atlas.invariants.sampling import Pools

ROUNDS = 10
"""So often every field is in a mixture, each time with its next value."""
TOGETHER = (2, 24)
SHARE = 6
"""A mixture has one in so many of the fields, within the limits above."""
HALVINGS = 3
PLAIN_EVERY = 3


def is_quiet(observation: Observation) -> bool:
    """Whether the engine took it without a word."""
    return observation.outcome == "ok" and not observation.warned and not observation.changed


def mixtures(
    bench: Bench, pools: Pools, observed: Iterable[tuple[Config, Observation]], seed: int
) -> list[Config]:
    """Quiet configurations of several fields, made of what is quiet alone; in halves where need be."""
    rng = random.Random(f"company {seed}")
    values = _quiet_alone(bench, pools, observed)
    names = sorted(values)
    size = min(max(len(names) // SHARE, TOGETHER[0]), TOGETHER[1])
    todo: list[dict[str, Json]] = []
    for number in range(ROUNDS):
        rng.shuffle(names)
        row = [(name, values[name][number % len(values[name])]) for name in names]
        todo += [dict(row[start : start + size]) for start in range(0, len(row), size)]
    return _kept(bench, todo)


def in_turns(mixed: Sequence[Config], plain: Sequence[Config], seed: int) -> list[Config]:
    """All of them in an order of the seed's: some plain ones among the mixed ones, the others after them."""
    rng = random.Random(f"turns {seed}")
    rest = rng.sample(plain, len(plain))
    found: list[Config] = []
    for number, one in enumerate(rng.sample(mixed, len(mixed)), start=1):
        found.append(one)
        if number % PLAIN_EVERY == 0 and rest:
            found.append(rest.pop())
    return [*found, *rest]


def _quiet_alone(
    bench: Bench, pools: Pools, observed: Iterable[tuple[Config, Observation]]
) -> dict[str, list[Json]]:
    """The values of each field that are taken beside nothing but what must be given.

    None is the default, and none is of a wrong type: to the engine, most of these are the same. Values that
    conditions name take turns with ordinary ones.
    """
    defaults = bench.target.defaults()
    quiet: dict[str, set[bytes]] = {}
    for config, observation in observed:
        own = [name for name in config if name not in bench.base]
        if len(own) != 1 or not is_quiet(observation) or not _has_base(config, bench.base):
            continue
        quiet.setdefault(own[0], set()).add(compact(config[own[0]]))
    found: dict[str, list[Json]] = {}
    for name, pool in pools.items():
        turns = zip_longest(pool.boundary, pool.valid, fillvalue=defaults.get(name))
        ordered = {compact(value): value for pair in turns for value in pair}
        ordered.pop(compact(defaults.get(name)), None)
        if values := [value for key, value in ordered.items() if key in quiet.get(name, ())]:
            found[name] = values
    return found


def _has_base(config: Config, base: Mapping[str, Json]) -> bool:
    return all(name in config and config[name] == value for name, value in base.items())


def _kept(bench: Bench, todo: Sequence[dict[str, Json]]) -> list[Config]:
    kept: list[Config] = []
    for _ in range(HALVINGS + 1):
        observed = bench.observed([{**bench.base, **one} for one in todo])
        halves: list[dict[str, Json]] = []
        for own, (config, observation) in zip(todo, observed, strict=True):
            if is_quiet(observation):
                kept.append(config)
            elif len(own) > 1:
                halves += _halves(own)
        todo = halves
    return kept


def _halves(own: Mapping[str, Json]) -> list[dict[str, Json]]:
    items, middle = list(own.items()), len(own) // 2
    return [dict(items[:middle]), dict(items[middle:])]
