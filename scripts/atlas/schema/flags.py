"""Command-line flags and the parameters they set."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from atlas.schema.facts import FlagFact, Limitation

Key = TypeVar("Key")


@dataclass
class Targets(Generic[Key]):
    """What a flag may set: parameters by (class, name), and root parameters by bare name."""

    fields: dict[tuple[str, str], Key] = field(default_factory=dict)
    names: dict[str, Key] = field(default_factory=dict)

    def find(self, flag: FlagFact) -> Key | None:
        """By the parameter it names; by its destination only where it names no class."""
        names = [name for name in (flag.field, flag.dest) if name]
        for name in names:
            if flag.owner and (flag.owner, name) in self.fields:
                return self.fields[flag.owner, name]
        return next((self.names[name] for name in names if name in self.names), None)


def primary_flag(flags: Sequence[FlagFact]) -> str | None:
    """The spelling a reader expects: the first long one that does not switch something off."""
    spellings = all_flags(flags)
    long = [flag for flag in spellings if flag.startswith("--") and not flag.startswith("--no-")]
    return next(iter(long or spellings), None)


def all_flags(flags: Sequence[FlagFact]) -> list[str]:
    return list(dict.fromkeys(flag for fact in flags for flag in fact.flags))


def choices(flags: Sequence[FlagFact]) -> list[object]:
    """Values a parser offers; the class behind it may take others."""
    return list(dict.fromkeys(choice for fact in flags for choice in fact.choices or ()))


def assign(
    flags: Iterable[FlagFact], targets: Targets[Key]
) -> tuple[Mapping[Key, tuple[FlagFact, ...]], list[Limitation]]:
    """Flags by the parameter they set, and a limitation for each that sets none."""
    found: dict[Key, tuple[FlagFact, ...]] = {}
    lost = []
    for flag in flags:
        key = targets.find(flag)
        if key is None:
            reason = "a command-line flag that sets no known parameter"
            lost.append(Limitation("flag_without_parameter", flag.flags[0], reason))
        else:
            found[key] = (*found.get(key, ()), flag)
    return found, lost
