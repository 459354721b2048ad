"""What the machine keeps: events, the functions, loops and `try`s it is in, how much it may still do."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from atlas.invariants.model import Depth, Site
from atlas.invariants.predicate import Expr
from atlas.invariants.static.objects import Object
from atlas.invariants.static.state import Path, State
from atlas.invariants.static.values import Raised, Value
from atlas.schema.static.modules import Definition, Scope

Kind = Literal["raise", "assert", "warning", "log", "issue", "set", "implicit"]


@dataclass(frozen=True)
class Event:
    """Something the engine does under a condition: `path` is how control gets there."""

    kind: Kind
    site: Site
    path: Path
    depth: Depth
    raises: str | None = None
    message: Value | None = None
    sets: tuple[str, Value, Expr | None] | None = None
    """A field that is assigned, the value, and the value as an expression where it has one."""


Issue = tuple[int, Site, Path, Value, Depth]
"""A message put into a container on the heap: which one, where, under which path, and the message."""


@dataclass
class Catcher:
    """A `try` whose body is being executed: the exceptions it catches, and those that came so far."""

    names: frozenset[str]
    caught: list[tuple[Raised, State]] = field(default_factory=list)
    taken: list[tuple[Raised, State]] = field(default_factory=list)

    def takes(self, raised: Raised) -> bool:
        return self.fits(self.names, raised)

    @staticmethod
    def fits(names: frozenset[str], raised: Raised) -> bool:
        """Whether `except names` takes an exception."""
        if raised.name in ("SystemExit", "KeyboardInterrupt", "GeneratorExit"):
            return bool(names & {raised.name, "BaseException"})
        return bool(names & {raised.name, *raised.bases, "Exception", "BaseException"})


@dataclass
class Loop:
    continues: list[State] = field(default_factory=list)
    breaks: list[State] = field(default_factory=list)


@dataclass
class Frame:
    """One function that is being executed."""

    node: ast.AST
    scope: Scope
    qualname: str
    first: Value | None = None
    owner: Definition | None = None
    closure: Mapping[str, Value] = field(default_factory=dict)
    returns: list[tuple[Value, State]] = field(default_factory=list)
    loops: list[Loop] = field(default_factory=list)
    departures: int = 0


@dataclass(frozen=True)
class Result:
    """Of a call that took long, or of a function that keeps its results: how often it was executed, what it
    gave, and the objects of then."""

    times: int
    value: Value
    heap: Mapping[int, Object]


@dataclass
class Budget:
    """How much is executed for one target."""

    statements: int = 120_000
    calls: int = 40
    repeats: int = 2
    items: int = 80
    rows: int = 1_000
    doubts: int = 6

    @property
    def spent(self) -> bool:
        return self.statements <= 0
