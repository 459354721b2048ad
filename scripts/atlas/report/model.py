"""What the report shows: engines, their versions, and the parameters of each, in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

Json: TypeAlias = Any
Status: TypeAlias = Literal["available", "source unavailable", "not built"]

LANES = ("static", "live")

FACTS = (
    "owner",
    "type",
    "values",
    "open",
    "annotation",
    "default",
    "default_kind",
    "effective",
    "limits",
    "description",
    "deprecated",
    "flag",
    "lanes",
    "aliases",
    "env",
    "private",
    "readonly",
    "static_only",
    "disagreement",
    "same_as",
    "also_in",
    "joins",
    "applies_to",
    "default_text",
)
"""The facts of a parameter that may differ between versions, in the order in which they are embedded."""


@dataclass(frozen=True)
class Pin:
    """What the report needs of an engine's YAML; `source_url` has {version}, {file} and {line}."""

    engine: str
    library: str
    current_version: str
    versions: tuple[str, ...]
    source_url: str | None = None


@dataclass(frozen=True)
class Stale:
    """An artefact that is not what its inputs would make today, and why."""

    artefact: str
    reason: str


@dataclass(frozen=True)
class Evidence:
    """Where a lane saw a parameter."""

    lane: str
    file: str | None
    line: int | None


@dataclass(frozen=True)
class Parameter:
    """A parameter of one version.

    `id` names it in every version of its engine and in addresses of the page;
    `facts` has those of FACTS that are known, as text or JSON.
    """

    group: str
    path: str
    facts: Mapping[str, Json]
    evidence: tuple[Evidence, ...] = ()
    id: str = ""


@dataclass(frozen=True)
class Limitation:
    """What is not known of a cell; `subjects` are the parameters or classes concerned."""

    code: str
    reason: str
    subjects: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rule:
    """A rule that was proven, in words; it judges configurations of the class `target`."""

    id: str
    target: str
    severity: str
    depth: str
    when: str
    effect: str
    message: str | None = None
    requires: str | None = None
    file: str | None = None
    line: int | None = None


@dataclass(frozen=True)
class Proof:
    """How well a version's rules explain configurations that nothing before has seen.

    A rule that requires more than the configuration is `conditional`, whatever its severity. `recall` is
    the share of the engine's rejections that a rule told beforehand, None where nothing was rejected.
    """

    error: int
    warn: int
    dormant: int
    conditional: int
    quarantined: int
    asked: int
    sampled: int
    false_rejections: int
    recall: float | None

    @property
    def rules(self) -> int:
        return self.error + self.warn + self.dormant + self.conditional

    @property
    def told(self) -> str:
        """The recall in per cent, rounded down so that 100 means all."""
        return "–" if self.recall is None else f"{int(1000 * self.recall) / 10:g} %"


@dataclass(frozen=True)
class Cell:
    """One engine version. A cell that is not available has a `reason`, and nothing else."""

    engine: str
    version: str
    status: Status
    reason: str | None = None
    lanes: tuple[str, ...] = ()
    coverage: Mapping[str, int] = field(default_factory=dict)
    parameters: tuple[Parameter, ...] = ()
    limitations: tuple[Limitation, ...] = ()
    environment: str | None = None
    sources: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    only_static: str | None = None
    """Why the live lane did not run."""
    rules: tuple[Rule, ...] = ()
    proof: Proof | None = None
    """None where no rule could be tried on the engine."""

    def share(self, count: str) -> int:
        """A coverage count in whole per cent of the parameters; rounded down, so that 100 means all."""
        n = self.coverage.get("n", 0)
        return 100 * self.coverage.get(count, 0) // n if n else 0

    @property
    def disagreements(self) -> int:
        """Parameters of which the lanes say different things."""
        return sum("disagreement" in parameter.facts for parameter in self.parameters)


@dataclass(frozen=True)
class EnginePage:
    """One engine with all its cells, oldest first."""

    pin: Pin
    cells: tuple[Cell, ...]
