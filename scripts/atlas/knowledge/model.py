"""What knowledge.json says of rules and the classes that they are about, as typed records."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any, TypeAlias

from atlas.invariants.predicate import Context, Expr, parse

Json: TypeAlias = Any


class Target:
    """A class whose configurations were judged, and what evaluating rules about it needs to know.

    `status` is that of invariants.yaml: only the rules of `gated` targets are proven. `given` are values that
    were always passed while rules were proven, such as a model.
    """

    def __init__(
        self,
        cls: str,
        group: str,
        status: str,
        converts: str,
        defaults: Mapping[str, Json],
        types: Mapping[str, str],
        given: Mapping[str, Json] | None = None,
    ) -> None:
        self.cls = cls
        self.group = group
        self.status = status
        self.converts = converts
        self.defaults = defaults
        self.types = types
        self.given = given or {}

    def __repr__(self) -> str:
        return f"Target({self.cls!r})"

    @property
    def name(self) -> str:
        return self.cls.rpartition(".")[2]

    @cached_property
    def context(self) -> Context:
        return Context(self.defaults, self.types, "lax" if self.types else "none")


class Rule:
    """A rule of invariants.yaml, over its entry: there are hundreds, of which few are looked into."""

    def __init__(self, entry: Mapping[str, Json]) -> None:
        self.entry = entry

    def __repr__(self) -> str:
        return f"Rule({self.id})"

    @property
    def id(self) -> str:
        return str(self.entry["id"])

    @property
    def target(self) -> str:
        return str(self.entry["target"])

    @property
    def severity(self) -> str:
        return str(self.entry["severity"])

    @property
    def depth(self) -> str:
        return str(self.entry["depth"])

    @property
    def fields(self) -> tuple[str, ...]:
        return tuple(self.entry["fields"])

    @property
    def when(self) -> str:
        return str(self.entry["when"])

    @property
    def effect(self) -> Mapping[str, Json]:
        effect: Mapping[str, Json] = self.entry["effect"]
        return effect

    @property
    def proven(self) -> bool:
        """Not so: only the sources speak for it, and it never is an error."""
        return bool(self.entry["proven"])

    @property
    def message(self) -> str | None:
        return self.entry.get("message")

    @property
    def requires(self) -> tuple[str, ...]:
        return tuple(self.entry.get("requires", ()))

    @property
    def partial(self) -> tuple[str, ...]:
        return tuple(self.entry.get("partial", ()))

    @property
    def file(self) -> str | None:
        return self.entry.get("file")

    @property
    def line(self) -> int | None:
        return self.entry.get("line")

    @property
    def origins(self) -> tuple[str, ...]:
        return tuple(self.entry["origins"])

    @property
    def n_triggered(self) -> int | None:
        return self.entry.get("n_triggered")

    @property
    def lower_bound(self) -> float | None:
        return self.entry.get("lower_bound")

    @property
    def always(self) -> bool:
        """Whether it holds when nothing is set."""
        return bool(self.entry.get("always"))

    @property
    def triggers(self) -> Mapping[str, Json] | None:
        """The smallest configuration that it was seen to hold for."""
        return self.entry.get("triggers")

    @property
    def passes(self) -> Mapping[str, Json] | None:
        """The nearest one that it was seen not to hold for."""
        return self.entry.get("passes")

    @cached_property
    def expr(self) -> Expr:
        return parse(self.when)

    @cached_property
    def sets(self) -> dict[str, Expr]:
        """The fields that it changes, each with what it becomes."""
        return {name: parse(text) for name, text in self.effect.get("sets", {}).items()}
