"""Whether what an engine rejects with is what a rule is about, or one of the other things it says there.

Where errors are collected, a field may be refused in several ways. A statement that is not a `raise` of the
engine's own, as a call into a library, rejects for several reasons, each with words of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias

from atlas.invariants.learn.fit import Observed
from atlas.invariants.learn.signature import mask
from atlas.invariants.model import Candidate, Observation
from atlas.invariants.outcomes import is_about, said_at_site

FEW = 3
"""What is said in more ways than so many holds values that cannot be told from the words."""

Kind: TypeAlias = tuple[str, ...]
"""Of a collected error its type and where it is, of others the exception and its words."""


def kinds(candidate: Candidate, confirmed: Sequence[Observed]) -> frozenset[Kind] | None:
    """With what is rejected where the rule holds; None where the site alone says that it is the rule's."""
    if candidate.severity != "error" or (candidate.site is not None and candidate.origin != "live"):
        return None
    found = frozenset(kind for _, seen in confirmed for kind in _kinds_of(candidate, seen))
    if candidate.site is not None and len(found) > FEW:
        return frozenset(kind[:1] for kind in found)
    return found


def _kinds_of(candidate: Candidate, observation: Observation) -> Iterator[Kind]:
    """Of one rejected configuration, all that was said where the rule says."""
    thrown = observation.thrown
    if thrown is None:
        return
    if candidate.site is not None:
        yield from ((thrown.type, mask(message)) for message in said_at_site(candidate, observation))
        return
    for part in thrown.parts:
        if is_about(candidate, part):
            yield (str(part["type"]), *map(str, part["loc"]))


def could_show(candidate: Candidate, observation: Observation, own: frozenset[Kind] | None) -> bool:
    """Whether what happened would be the rule's, of which `own` is all that it is known to say.

    What a rejected configuration was changed to says nothing.
    """
    if candidate.severity == "dormant":
        return observation.outcome == "ok"
    if not own:
        return True
    said = list(_kinds_of(candidate, observation))
    return not own.isdisjoint((*said, *(kind[:1] for kind in said)))
