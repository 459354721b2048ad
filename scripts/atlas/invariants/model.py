"""What the parts of this stage hand to one another: targets, candidates, observations and rules."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

from atlas.invariants.predicate.expr import Expr

Json: TypeAlias = Any
Config: TypeAlias = Mapping[str, Json]
"""Keyword arguments of a target, as a user writes them: JSON values by field name."""

Severity: TypeAlias = Literal["error", "warn", "dormant"]
Depth: TypeAlias = Literal["construct", "validate", "resolve", "load", "generate"]
DEPTHS: tuple[Depth, ...] = ("construct", "validate", "resolve", "load", "generate")
Origin: TypeAlias = Literal["static", "lifted", "live"]


@dataclass(frozen=True)
class FieldSpec:
    """One parameter of a target, as the schema artefact knows it.

    `display` is the type as text (`int | None`), `type` the JSON Schema fragment. `default` holds where
    `default_kind` is `value` or `none` (or a factory whose value is known); `has_default` says so.
    """

    name: str
    display: str
    type: Mapping[str, Json]
    default: Json
    has_default: bool
    default_kind: str
    annotation: str | None = None
    converts: bool = False
    """Whether values of another type are converted as pydantic does (by the class or the one it joins)."""
    nested: str | None = None
    """The class of the objects that it takes, where there is one only."""
    joins: str | None = None
    """The field of another class that the value is handed to (`pkg.mod.Class.field`), where known."""


@dataclass(frozen=True)
class Step:
    """One stage that an instance goes through after its construction.

    `call` is the name of a method of the instance, or a call tree (see the probe's `calls`).
    """

    depth: Depth
    call: Json


@dataclass(frozen=True)
class Target:
    """A class whose configurations are judged, and how far they are taken.

    `given` are keyword values that are always passed and never sampled; each of `variants` replaces
    some of them (another model): what differs between variants depends on more than the configuration.
    """

    cls: str
    group: str
    fields: tuple[FieldSpec, ...]
    given: Mapping[str, Json] = field(default_factory=dict)
    variants: tuple[Mapping[str, Json], ...] = ()
    prepare: Mapping[str, Json] = field(default_factory=dict)
    others: tuple[Mapping[str, Json], ...] = ()
    """Further variants: each replaces some of the prepared objects."""
    limit_s: float | None = None
    """For one configuration, where it is not the session's."""
    memory_mb: int | None = None
    """That one configuration may take on top of what the engine has, where it is not as usual."""
    steps: tuple[Step, ...] = ()
    inner: Mapping[str, tuple[FieldSpec, ...]] = field(default_factory=dict)
    """The fields of the objects that a field takes, by its name."""
    converts: str = "none"
    """How the class takes values of another type: `none`, or `lax` (pydantic's)."""
    ignore: frozenset[str] = frozenset()
    """Fields whose final values depend on the machine, by their last or their whole dotted name."""
    ends: Mapping[str, Json] = field(default_factory=dict)
    """What fields end up as when nothing is set but what must be, by their dotted names, where known."""

    def defaults(self) -> dict[str, Json]:
        """What fields are when unset; a field whose default is not known is not in it."""
        return {name: spec.default for name, spec in self._every() if spec.has_default}

    def types(self) -> dict[str, str]:
        """The declared types of the fields whose values are converted to them."""
        return {name: spec.display for name, spec in self._every() if spec.converts}

    def _every(self) -> Iterator[tuple[str, FieldSpec]]:
        """The fields, and those of the objects that they take, by their dotted names."""
        for spec in self.fields:
            yield spec.name, spec
            for one in self.inner.get(spec.name, ()):
                yield f"{spec.name}.{one.name}", one


@dataclass(frozen=True)
class Site:
    """A statement of the engine's that raises, warns or changes: lines are counted from 1, both included."""

    file: str
    line: int
    end_line: int
    function: str = ""

    @property
    def start(self) -> str:
        """Where it begins, as a traceback has it."""
        return f"{self.file}:{self.line}"

    def meets(self, other: Site | None) -> bool:
        """Whether two sites share a line: a learned one is a frame's line, a mined one a whole statement."""
        if other is None or self.file != other.file:
            return False
        return self.line <= other.end_line and other.line <= self.end_line

    def holds(self, frame: str) -> bool:
        """Whether `file:line` of a traceback or a call stack lies in it."""
        file, _, line = frame.rpartition(":")
        return file == self.file and self.line <= int(line) <= self.end_line


@dataclass(frozen=True)
class Effect:
    """What the engine does. `sets`: the fields it changes, each with the value it makes of it."""

    raises: str | None = None
    """The exception's class name, where known."""
    warns: str | None = None
    """`logging` or `warnings`."""
    sets: Mapping[str, Expr] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class Candidate:
    """A rule that nobody has tried yet.

    `partial` holds the source text of every clause that could not be translated (`when` is then what is
    known of the condition). `requires` holds clauses about the machine, the platform or installed packages.
    `message` is a template: `{field}` or `{expression}` stands for a value of the user's.
    """

    target: str
    severity: Severity
    depth: Depth
    when: Expr
    effect: Effect
    origin: Origin
    message: str | None = None
    site: Site | None = None
    key: str | None = None
    """What an issue that is collected at the site is called where all are told of together. Without a site:
    the place that a collected error names, which may be called otherwise than the field of the user's."""
    partial: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    refined: bool = False
    """Whether counter-examples have changed its condition since."""


@dataclass(frozen=True)
class SiteAccount:
    """What became of one raise, warn or change site that is reachable from a target."""

    target: str
    site: Site
    kind: Literal["raise", "assert", "warning", "log", "issue", "set", "found"]
    status: Literal["translated", "partial", "unreachable", "untranslated"]
    reason: str = ""


Members: TypeAlias = Mapping[str, tuple[str, ...]]
"""The names of all that is in modules of other packages, by the module's name."""
NO_MEMBERS: Members = MappingProxyType({})


def nothing_asked(_: str) -> tuple[str, ...]:
    return ()


@dataclass(frozen=True)
class Mined:
    """What a miner found."""

    candidates: tuple[Candidate, ...]
    sites: tuple[SiteAccount, ...] = ()
    asked: Callable[[str], tuple[str, ...]] = nothing_asked
    """`file:line` → what the sources ask of the machine on the way to it."""
    modules: tuple[str, ...] = ()
    """Modules of other packages of which a text of the user's names a member."""
    early: Mined | None = None
    """The same without the steps that load weights, where there are such."""


@dataclass(frozen=True)
class Thrown:
    """An exception as the probe saw it.

    `frames` are `file:line` of the engine's own frames, innermost first. `parts` are the errors inside a
    collected one (pydantic's), each with `type`, `loc`, `message` and `frames`. `outside` is the file that
    raised it, as `package/module.py`, where it is none of the engine's.
    """

    type: str
    mro: tuple[str, ...] = field()  # without it, the method `type.mro` would be taken for a default
    message: str
    frames: tuple[str, ...] = ()
    parts: tuple[Mapping[str, Json], ...] = ()
    outside: str = ""


@dataclass(frozen=True)
class Warned:
    """A warning as the probe saw it: `channel` is `warnings` or `logging`, `category` its class or level."""

    channel: str
    category: str
    message: str
    frames: tuple[str, ...] = ()


@dataclass(frozen=True)
class Observation:
    """What the engine did with one configuration.

    `outcome`: `ok`; `rejected` (an exception); `timeout`, `exit` (it called sys.exit) or `killed` (the
    process died): failures of that probe. `depth` is the step where it ended. `changed` holds the fields
    whose final value differs from what was given, or, where nothing was given, from what it is otherwise.
    """

    outcome: Literal["ok", "rejected", "timeout", "exit", "killed"]
    depth: Depth
    thrown: Thrown | None = None
    warned: tuple[Warned, ...] = ()
    changed: Mapping[str, Json] = field(default_factory=dict)
