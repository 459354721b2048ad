"""One change between two versions, and all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

from atlas.diff.kinds import MIRROR

Json: TypeAlias = Any
Basis: TypeAlias = Literal["static", "live", "conditional"]
"""`static`: read in the sources of at least one of the two. `live`: the running classes of both said so.
`conditional`: proven, but true only on some machines or with some models."""
CONFIRMED = "witness-confirmed"
"""The evidence of a change with a configuration that one version accepts and the other rejects."""
BOTH_WAYS = ("type_changed", "constraint_changed", "invariant_changed")
"""Kinds with a witness for either way: of what is rejected now, and of what is accepted now (`relief`)."""


SEVERAL = ("indeterminate", "provenance_changed", "type_rewritten", "default_text_changed")
"""Kinds that may be told of several aspects of one subject."""


@dataclass(frozen=True)
class Witness:
    """Keyword arguments of a class that one version accepts and the other rejects.

    `rule` is the proven rule of the rejecting version that holds; no rule of the accepting one does.
    """

    target: str
    other_target: str
    config: Mapping[str, Json]
    accepted_by: str
    rejected_by: str
    rule: str
    message: str | None = None


@dataclass(frozen=True)
class Change:
    """A fact that differs. `subject` is `group:path` or the id of a rule.

    `old` and `new` are the facts of the aspect as each version has them (None where it has none), and so
    enough to make the one version's facts of the other's. `detail` is what of it matters, for readers.
    """

    kind: str
    subject: str
    aspect: str
    old: Json
    new: Json
    basis: Basis = "static"
    renamed_to: str | None = None
    """What the newer version calls the subject, where that is another name."""
    reason: str = ""
    """Why it can't be told, of an indeterminate change; why it is believed, of a rename or a name ignored."""
    detail: Mapping[str, Json] = field(default_factory=dict)
    witness: Witness | None = None
    relief: Witness | None = None
    where: tuple[str | None, str | None] = (None, None)
    """`file:line` in each version."""

    @property
    def evidence(self) -> str:
        """The basis, or that a witness confirms it."""
        return CONFIRMED if self.witness is not None else self.basis

    def id(self, engine: str) -> str:
        """Stable: the same change has the same id in every run."""
        last = self.detail.get("limit") or (self.aspect if self.kind in SEVERAL else "")
        return f"{self.kind}:{engine}:{self.subject}" + (f":{last}" if last else "")


@dataclass(frozen=True)
class Diff:
    """All changes from one version to another, in a stable order."""

    engine: str
    old: str
    new: str
    changes: tuple[Change, ...]
    note: str = ""
    """What is to be said of how they were compared."""


MIRRORED_DETAIL = {
    "added": "removed",
    "removed": "added",
    "from": "to",
    "to": "from",
    "effective_from": "effective_to",
    "effective_to": "effective_from",
    "maybe_renamed_to": "maybe_renamed_from",
    "maybe_renamed_from": "maybe_renamed_to",
    "only_old_takes": "only_new_takes",
    "only_new_takes": "only_old_takes",
    "was": "became",
    "became": "was",
}
"""Names of details that change places with the versions; what is not here stays."""


def mirrored(change: Change) -> Change:
    """The same change, seen from the newer version to the older."""
    both = change.kind in BOTH_WAYS
    return replace(
        change,
        witness=change.relief if both else change.witness,
        relief=change.witness if both else None,
        kind=MIRROR[change.kind],
        subject=change.renamed_to or change.subject,
        renamed_to=change.subject if change.renamed_to else None,
        old=change.new,
        new=change.old,
        detail={MIRRORED_DETAIL.get(name, name): value for name, value in change.detail.items()},
        where=(change.where[1], change.where[0]),
    )
