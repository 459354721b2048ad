"""Values that are in no pool: what has been learned from pools alone does not hold for them by accident."""

from __future__ import annotations

import random

from atlas.invariants.model import Json
from atlas.invariants.sampling.fragments import Fragment, accepts, alternatives, examples, is_untyped, kinds

LETTERS = "abcdefghijklmnopqrstuvwxyz_-/.0123456789"
ORDINARY = 0.6
SHAPES = (
    "{0}", "-{0}", "{0}.{1}", "0x{0}", "1e-{0}", "{0}.{1}.{2}", "v{0}.{1}", "{0}.{1}.dev{2}", "{0}GB",
    "{0}%", "true", "False", "null", "{3},{3}{0}", "{0},{1}", "{0}:{1}", "{0}-{1}", "{3}={0}", "{3}:{0}",
    "{3}.{3}{0}", "http://{3}:{0}", "tcp://127.0.0.1:{0}", "/{3}/{3}.json", "127.0.0.{0}", "[{0}]",
    '{{"{3}": {0}}}', "{3} {3}",
)  # fmt: skip
"""Texts that are numbers, sizes, versions, pairs, lists, addresses, paths or JSON."""
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
        return text(rng)
    items = fragment.get("items", {})
    pool = examples(items)
    made = [fresh(rng, items) or pool[:1] for _ in range(int(rng.random() * 6))]
    return [value for one in made for value in one]


def text(rng: random.Random) -> str:
    """Any letters, or what programs read out of texts: numbers, versions, addresses, lists."""
    if rng.random() < ORDINARY:
        return "".join(LETTERS[int(rng.random() * len(LETTERS))] for _ in range(1 + int(rng.random() * 9)))
    shape = SHAPES[int(rng.random() * len(SHAPES))]
    one, two, three = (int(10 ** rng.uniform(0, 2.5)) for _ in range(3))
    word = "".join(LETTERS[int(rng.random() * 26)] for _ in range(1 + int(rng.random() * 6)))
    return shape.format(one, two, three, word)


def _integer(rng: random.Random) -> int:
    """Small numbers as often as each larger magnitude; one in ten is negative."""
    size = int(10 ** rng.uniform(0, 5))
    return -size if rng.random() < 0.1 else size
