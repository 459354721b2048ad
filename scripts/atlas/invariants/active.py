"""More about a gap: the smallest configuration that shows it, and what happens all around that."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence

from atlas.canonical import compact
from atlas.invariants.bench import Bench
from atlas.invariants.learn import Signature, signatures
from atlas.invariants.model import Config, Json, Observation
from atlas.invariants.sampling import Pools
from atlas.invariants.sampling.configurations import UNSET, assembled, at

MOST_SUBSETS = 64
MOST_CONTEXTS = 6
MOST_ALSO = 10
"""So many values of a field that is not set, but that the gap is about."""


def minimal(
    bench: Bench, shown: Mapping[Signature, Sequence[Config]], names: Sequence[str]
) -> dict[Signature, list[Config]]:
    """For each signature the smallest parts of its configurations that still show it."""
    parts = {
        signature: [list(_parts(config, bench.base)) for config in configs]
        for signature, configs in shown.items()
    }
    bench.ask([config for rows in parts.values() for row in rows for config in row])
    found: dict[Signature, list[Config]] = {}
    for signature, rows in parts.items():
        for row in rows:
            for config, observation in bench.observed(row):
                if shows(observation, signature, names):
                    found.setdefault(signature, []).append(config)
                    break
    return {signature: _distinct(configs) for signature, configs in found.items()}


def shows(observation: Observation, signature: Signature, names: Sequence[str]) -> bool:
    """Whether the outcome is (among others) the one with this signature."""
    return any(signature.covers(one) for one in signatures(observation, names))


def _parts(config: Config, base: Mapping[str, Json]) -> Iterator[Config]:
    """The configuration with fewer fields, the smallest first; fields that must be given stay."""
    free = [name for name in config if name not in base]
    kept = {name: value for name, value in config.items() if name in base}
    subsets = (chosen for size in range(len(free) + 1) for chosen in itertools.combinations(free, size))
    for chosen in itertools.islice(subsets, MOST_SUBSETS):
        yield {**kept, **{name: config[name] for name in chosen}}
    yield config


def around_gap(
    config: Config,
    pools: Pools,
    base: Mapping[str, Json],
    accepted: Sequence[Config],
    most: int,
    also: Iterable[str] = (),
) -> list[Config]:
    """At most so many variations of a small configuration: one field or two over their pools.

    `also` are fields that what happened is about, though the configuration does not set them.
    """
    found: dict[bytes, Config] = {}
    for variation in _variations(config, pools, base, accepted, most, also):
        found.setdefault(compact(variation), variation)
        if len(found) >= most:
            break
    return list(found.values())


def _variations(
    config: Config,
    pools: Pools,
    base: Mapping[str, Json],
    accepted: Sequence[Config],
    most: int,
    also: Iterable[str],
) -> Iterator[Config]:
    names = [name for name in config if name in pools]
    yield config
    for name in also:
        if name in pools and at(config, name) is UNSET:
            yield from (assembled([(name, value)], config) for value in _some(pools[name].every, MOST_ALSO))
    for company in accepted[:MOST_CONTEXTS]:
        other = {name: value for name, value in company.items() if name not in config}
        yield {**other, **config}
    for name in names:
        rest = {key: value for key, value in config.items() if key != name or name in base}
        yield rest
        yield from ({**rest, name: value} for value in _some(pools[name].every, most // 3))
    yield from _inside(config, pools)
    for one, two in itertools.combinations(names, 2):
        product = itertools.product(_some(pools[one].every), _some(pools[two].every))
        yield from ({**config, one: first, two: second} for first, second in product)


def _inside(config: Config, pools: Pools) -> Iterator[Config]:
    """Objects with a key less, and with other values of a key."""
    keys = [f"{name}.{key}" for name, value in config.items() if isinstance(value, Mapping) for key in value]
    for name in keys:
        yield assembled([(name, UNSET)], config)
        if name in pools:
            values = _some(pools[name].every, MOST_ALSO)
            yield from (assembled([(name, value)], config) for value in values)


def _some(values: Sequence[Json], most: int = 12) -> Sequence[Json]:
    return values[:: max(1, -(-len(values) // most))]


def _distinct(configs: Sequence[Config]) -> list[Config]:
    return list({compact(config): config for config in configs}.values())
