"""Random configurations as people write them: few fields, mostly ordinary values."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import TypeVar

from atlas.invariants.model import Config, Json, Target
from atlas.invariants.sampling.configurations import assembled, in_order
from atlas.invariants.sampling.fresh import fresh
from atlas.invariants.sampling.pools import Pool, Pools
from atlas.invariants.sampling.values import identity

T = TypeVar("T")

WEIGHTS = (0.25, 0.35, 0.25, 0.15)
"""How often a configuration has one, two, three and four fields; more are as rare as four."""
TOGETHER = 0.5
"""How often the next field is one that a condition reads together with one already chosen."""
AT_BOUNDARY = 0.3
NEW = 0.1
"""How often a value is one of its type that is in no pool."""
TRIES = 50
"""So many draws for each configuration wanted, before there is none left to be found."""


def random_configs(
    target: Target,
    pools: Pools,
    n: int,
    seed: int,
    *,
    related: Sequence[frozenset[str]] = (),
    wrong_share: float = 0.15,
    max_fields: int = 4,
) -> list[Config]:
    """Up to n distinct configurations; the first of a longer sample are those of a shorter one.

    About `wrong_share` of them have one value of a wrong type. Fields that are related meet more often.
    """
    names = [name for name, pool in pools.items() if pool.every]
    if not names:
        return []
    rng = random.Random(f"random configurations {seed}")
    partners = _partners(related, names)
    order = {spec.name: at for at, spec in enumerate(target.fields)}
    found: dict[str, Config] = {}
    for _ in range(n * TRIES):
        if len(found) >= n:
            break
        chosen = _fields(rng, names, partners, max_fields)
        wrong = rng.randrange(len(chosen)) if rng.random() < wrong_share else -1
        values = [(name, _value(rng, pools[name], wrong=at == wrong)) for at, name in enumerate(chosen)]
        config = in_order(assembled(values), order)
        found.setdefault(identity(config), config)
    return list(found.values())


def pick(rng: random.Random, choices: Sequence[T]) -> T:
    """One of the choices, each as likely."""
    return choices[int(rng.random() * len(choices))]


def _partners(related: Sequence[frozenset[str]], names: Sequence[str]) -> Mapping[str, list[str]]:
    """Each field with those that conditions read together with it, as often as they do, in a fixed order."""
    known = set(names)
    found: dict[str, list[str]] = {}
    for group in related:
        members = sorted(group & known)
        for name in members:
            found.setdefault(name, []).extend(other for other in members if other != name)
    return found


def _fields(
    rng: random.Random, names: Sequence[str], partners: Mapping[str, list[str]], max_fields: int
) -> list[str]:
    weights = [WEIGHTS[min(at, len(WEIGHTS) - 1)] for at in range(max(1, max_fields))]
    count = rng.choices(range(1, len(weights) + 1), weights)[0]
    chosen = [pick(rng, names)]
    while len(chosen) < min(count, len(names)):
        near = [other for name in chosen for other in partners.get(name, ())]
        name = pick(rng, near) if near and rng.random() < TOGETHER else pick(rng, names)
        if name not in chosen:
            chosen.append(name)
        elif len(near) >= len(names):
            break
    return chosen


def _value(rng: random.Random, pool: Pool, *, wrong: bool) -> Json:
    if wrong and pool.wrong:
        return pick(rng, pool.wrong)
    new = fresh(rng, pool.type) if rng.random() < NEW else ()
    if new:
        return new[0]
    if pool.boundary and (not pool.valid or rng.random() < AT_BOUNDARY):
        return pick(rng, pool.boundary)
    return pick(rng, pool.valid or pool.wrong)
