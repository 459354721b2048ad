"""Values that are in no pool: what has been learned from pools alone does not hold for them by accident."""

from __future__ import annotations

import random

from atlas.invariants.model import Json
from atlas.invariants.sampling.fragments import Fragment, accepts, alternatives, examples, is_untyped, kinds

LETTERS = "abcdefghijklmnopqrstuvwxyz_-/.0123456789"
OF_UNTYPED = ("integer", "number", "string")


def fresh(rng: random.Random, fragment: Fragment) -> tuple[Json, ...]:
    """At most one random value of the type, within its bounds: none where its values are listed."""
    kind_of = [(kind, one) for one in alternatives(fragment) for kind in _kinds(one)]
    if not kind_of:
        return ()
    kind, one = kind_of[int(rng.random() * len(kind_of))]
    value = _random(rng, kind, one)
    return (value,) if accepts(fragment, value) else ()


def _kinds(fragment: Fragment) -> list[str]:
    if "enum" in fragment or "const" in fragment or "prefixItems" in fragment:
        return []
    listed = OF_UNTYPED if is_untyped(fragment) else kinds(fragment)
    return [kind for kind in listed if kind in ("integer", "number", "string", "array")]


def _random(rng: random.Random, kind: str, fragment: Fragment) -> Json:
    if kind == "integer":
        return _integer(rng)
    if kind == "number":
        return round(rng.uniform(0, 1) if rng.random() < 0.5 else rng.uniform(-3, 130), 3)
    if kind == "string":
        return "".join(LETTERS[int(rng.random() * len(LETTERS))] for _ in range(1 + int(rng.random() * 9)))
    items = fragment.get("items", {})
    pool = examples(items)
    made = [fresh(rng, items) or pool[:1] for _ in range(int(rng.random() * 6))]
    return [value for one in made for value in one]


def _integer(rng: random.Random) -> int:
    """Small numbers as often as each larger magnitude; one in ten is negative."""
    size = int(10 ** rng.uniform(0, 5))
    return -size if rng.random() < 0.1 else size
