"""A target on the test bench: configurations go to the engine once each, completed by what it requires."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from atlas.canonical import compact, sha256_bytes
from atlas.invariants.model import Config, Json, Observation, Target

TRIED_VALUES = 8
TRIED_BASES = 4000


class Engine(Protocol):
    """What asks the engine (a live session)."""

    def observe(
        self,
        target: str,
        configs: Sequence[Config],
        variant: int = 0,
        *,
        base: Mapping[str, Json] | None = None,
    ) -> list[Observation]: ...


@dataclass
class Bench:
    """One target, and what the engine did with its configurations so far."""

    target: Target
    engine: Engine
    base: Mapping[str, Json] = field(default_factory=dict)
    """Values for the fields that must be given."""
    asked: int = 0
    _known: dict[tuple[int, bytes], Observation] = field(default_factory=dict)

    def ask(self, configs: Sequence[Config], variant: int = 0) -> list[Observation]:
        """What the engine does with each; a configuration that it has seen is not asked again."""
        keys = [(variant, compact(config)) for config in configs]
        new = {key: config for key, config in zip(keys, configs, strict=True) if key not in self._known}
        if new:
            rest = self.base or None
            answers = self.engine.observe(self.target.cls, list(new.values()), variant, base=rest)
            self._known.update(zip(new, answers, strict=True))
            self.asked += len(new)
        return [self._known[key] for key in keys]

    def observed(self, configs: Sequence[Config], variant: int = 0) -> list[tuple[Config, Observation]]:
        return list(zip(configs, self.ask(configs, variant), strict=True))

    def complete(self, configs: Sequence[Config]) -> list[Config]:
        """With the required fields that they leave out; each configuration once."""
        every = ({**self.base, **config} for config in configs)
        return list({compact(config): config for config in every}.values())

    def forget(self) -> None:
        self._known.clear()


def required_fields(target: Target) -> list[str]:
    return [spec.name for spec in target.fields if spec.default_kind == "required"]


def find_base(bench: Bench, values: Mapping[str, Sequence[Json]]) -> Mapping[str, Json] | None:
    """The first values of the required fields that the engine accepts, None where there are none."""
    names = required_fields(bench.target)
    choices = [list(values.get(name, ()))[:TRIED_VALUES] or [None] for name in names]
    batch = [dict(zip(names, combination, strict=True)) for combination in _first(choices)]
    for config, observation in bench.observed(batch):
        if observation.outcome == "ok":
            return config
    return None


def _first(choices: Sequence[Sequence[Json]]) -> Iterator[tuple[Json, ...]]:
    return itertools.islice(itertools.product(*choices), TRIED_BASES)


def seed_of(*parts: object) -> int:
    """A number for a purpose, the same everywhere."""
    return int(sha256_bytes("\0".join(map(str, parts)).encode())[7:19], 16)
