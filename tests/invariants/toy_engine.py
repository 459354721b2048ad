"""Engines in a few lines: what they do is known, so that what is learned of them can be compared with it."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from atlas.invariants.corpus import context_of
from atlas.invariants.model import FieldSpec, Observation, Target, Thrown, Warned
from atlas.invariants.predicate import compile_expr

Config = Mapping[str, Any]
Pools = Mapping[str, Sequence[Any]]

ANY: tuple[Any, ...] = (None, True, False, 3, -2, 0.5, "text", "7", [1, 2], {"key": 1}, [], "")


def field(
    name: str, default: Any = None, display: str = "int", type: Mapping[str, Any] | None = None
) -> FieldSpec:
    return FieldSpec(name, display, type or {}, default, True, "value")


def target(*fields: FieldSpec, converts: str = "none") -> Target:
    return Target("toy.Config", "engine_params", fields, converts=converts)


def rejected(message: str, frame: str | None = "toy.py:10", type: str = "ValueError") -> Observation:
    return Observation(
        "rejected", "validate", Thrown(type, (type, "Exception"), message, (frame,) if frame else ())
    )


def warned(message: str, frame: str = "toy.py:20") -> Observation:
    return Observation("ok", "validate", warned=(Warned("logging", "WARNING", message, (frame,)),))


def changed(**values: Any) -> Observation:
    return Observation("ok", "validate", changed=values)


OK = Observation("ok", "validate")


def total(condition: Callable[[Config], Any], config: Config) -> bool:
    """Whether the engine's condition holds; one that raises does not."""
    try:
        return bool(condition(config))
    except (TypeError, ValueError, KeyError, AttributeError, ZeroDivisionError):
        return False


def sampled(pools: Pools, n: int, seed: int, most: int = 7) -> list[dict[str, Any]]:
    """Configurations that set one to seven fields."""
    draw = random.Random(seed)
    names = sorted(pools)
    return [
        {
            name: draw.choice(list(pools[name]))
            for name in draw.sample(names, draw.randint(1, min(most, len(names))))
        }
        for _ in range(n)
    ]


def observe(
    configs: Sequence[Config], engine: Callable[[Config], Observation]
) -> list[tuple[Config, Observation]]:
    return [(config, engine(config)) for config in configs]


def wrong(when: Any, its: Target, configs: Sequence[Config], truth: Callable[[Config], bool]) -> list[Config]:
    """The configurations in which a predicate and the truth differ."""
    holds = compile_expr(when, context_of(its))
    return [config for config in configs if (holds(config) is True) != truth(config)]
