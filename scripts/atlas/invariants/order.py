"""What is tried first, and what need not be tried, as far as the engine's outcomes so far tell."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from atlas.invariants.gate import Trial, Verdict
from atlas.invariants.induce import HOPELESS
from atlas.invariants.learn.fit import rows_giving, rows_where
from atlas.invariants.learn.table import indices
from atlas.invariants.model import Candidate
from atlas.invariants.outcomes import at_own_site, happened
from atlas.invariants.shared import Observed

if TYPE_CHECKING:
    from atlas.invariants.corpus import Gap
    from atlas.invariants.loop import Work

MANY = 8
"""So many outcomes at least speak against what is not tried at all."""
LOOKED_AT = 200
"""So many outcomes of each candidate are looked at."""


def in_parts(candidates: Iterable[Candidate], gaps: Sequence[Gap]) -> Iterator[list[Candidate]]:
    """Those first that can pass as they are; errors before others, since what they reject shows nothing.

    Errors at statements that have rejected something unexplained come before others.
    """
    found = list(candidates)
    frames = {frame for gap in gaps if gap.rejected for frame in _innermost(gap)}
    errors = [one for one in found if one.severity == "error"]
    near = [one for one in errors if is_at(one, frames)]
    far = [one for one in errors if not is_at(one, frames)]
    whole = [one for one in far if not one.partial]
    yield [*(one for one in near if not one.partial), *whole]
    yield [one for one in near if one.partial]
    yield [one for one in found if one.severity != "error" and not one.partial]
    yield [one for one in far if one.partial]
    yield [one for one in found if one.severity != "error" and one.partial]


def is_at(candidate: Candidate, frames: Iterable[str]) -> bool:
    """Whether one of the frames is of the candidate's statement."""
    site = candidate.site
    return site is not None and any(site.holds(frame) for frame in frames)


def _innermost(gap: Gap) -> Iterator[str]:
    thrown = gap.observation.thrown
    if thrown is not None:
        every = [thrown.frames, *(part["frames"] for part in thrown.parts)]
        yield from (frames[0] for frames in every if frames)


def refuted(work: Work, candidates: Sequence[Candidate]) -> list[Verdict]:
    """Those of which it is known that they are wrong nearly everywhere: the engine need not be asked."""
    configs = [config for config, _ in work.observed]
    giving = rows_giving(configs)
    found = []
    for candidate in candidates:
        held = indices(rows_where(candidate.when, configs, work.context, giving))
        looked_at = held[:: -(-len(held) // LOOKED_AT)] if held else []
        verdict = _refuted(work, candidate, [work.observed[row] for row in looked_at])
        if verdict is not None:
            found.append(verdict)
    return found


def _refuted(work: Work, candidate: Candidate, held: Sequence[Observed]) -> Verdict | None:
    """What is changed to another value than was thought may be corrected; all else must be right."""
    confirmed, alarms = [], []
    for config, seen in held:
        did = happened(candidate, config, seen, work.context, work.target.ends)
        if did and (candidate.severity != "error" or at_own_site(candidate, seen)):
            confirmed.append((config, seen))
        elif did is False:
            if not candidate.effect.sets.keys().isdisjoint(seen.changed):
                return None
            alarms.append((config, seen))
    if len(alarms) < MANY or len(alarms) <= HOPELESS * (len(alarms) + len(confirmed)):
        return None
    return Verdict(Trial(candidate, tuple(confirmed), tuple(alarms)), "false_alarm")
