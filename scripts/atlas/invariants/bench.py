"""A target on the test bench: configurations go to the engine once each, completed by what it requires."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from atlas.canonical import compact, sha256_bytes
from atlas.invariants.model import Config, Json, Observation, Target

TRIED_VALUES, MORE_VALUES = 8, 32
"""Of each required field so many values are tried at least; up to as many more where few are required."""
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

    def unset(
        self, target: str, variant: int = 0, base: Mapping[str, Json] | None = None
    ) -> Mapping[str, Json]: ...


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

    def begin_with(self, base: Mapping[str, Json]) -> None:
        """Give this wherever nothing else is given, and see what the rest is then."""
        self.base = base
        self.target = replace(self.target, ends=self.engine.unset(self.target.cls, 0, base or None))


def required_fields(target: Target) -> list[str]:
    return [spec.name for spec in target.fields if spec.default_kind == "required"]


def find_base(bench: Bench, values: Mapping[str, Sequence[Json]]) -> Mapping[str, Json] | None:
    """Values of the required fields with which the engine accepts a configuration; None where there are none.

    Of those that it accepts, the first that leaves most of the others as they are declared. Where none is
    accepted alone, one will do that is accepted with some other field.
    """
    names = required_fields(bench.target)
    each = max(TRIED_VALUES, min(MORE_VALUES, int(TRIED_BASES ** (1 / max(len(names), 1)))))
    choices = [list(values.get(name, ()))[:each] or [None] for name in names]
    batch = [dict(zip(names, combination, strict=True)) for combination in _first(choices)]
    taken = [(config, seen) for config, seen in bench.observed(batch) if seen.outcome == "ok"]
    if taken:
        return min(taken, key=lambda one: len(one[1].changed) + len(one[1].warned))[0]
    more = [
        {**batch[0], name: value}
        for name, found in values.items()
        if name not in names
        for value in found[:TRIED_VALUES]
    ]
    for config, seen in bench.observed(more[:TRIED_BASES]):
        if seen.outcome == "ok":
            return {name: config[name] for name in names}
    return None


def _first(choices: Sequence[Sequence[Json]]) -> Iterator[tuple[Json, ...]]:
    return itertools.islice(itertools.product(*choices), TRIED_BASES)


def seed_of(*parts: object) -> int:
    """A number for a purpose, the same everywhere."""
    return int(sha256_bytes("\0".join(map(str, parts)).encode())[7:19], 16)
