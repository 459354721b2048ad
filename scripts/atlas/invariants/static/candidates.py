"""From what the machine saw to candidates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from atlas.invariants.model import Candidate, Effect, Severity
from atlas.invariants.predicate import FALSE, TRUE, Expr, normalise
from atlas.invariants.static.frames import Event, Kind
from atlas.invariants.static.machine import Machine
from atlas.invariants.static.measure import TOO_LONG, fields_in, size
from atlas.invariants.static.messages import template
from atlas.invariants.static.shorter import shorter
from atlas.invariants.static.state import condition_of
from atlas.invariants.static.terms import and_
from atlas.invariants.static.weaken import clauses, untranslated, weakest

MOST_NODES = 900
MOST_PARTIAL = 400
"""What is known of a condition of which a part is lost is of no use if it is longer."""
_SEVERITIES: dict[Kind, Severity] = {
    "raise": "error",
    "assert": "error",
    "implicit": "error",
    "warning": "warn",
    "log": "warn",
    "issue": "warn",
    "set": "dormant",
}
_CHANNELS = {"warning": "warnings", "log": "logging", "issue": "logging"}


@dataclass(frozen=True)
class Read:
    """A condition as far as it is known."""

    when: Expr
    partial: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()


def read(condition: Expr) -> Read:
    """The part of a condition that is translated, and the texts of the rest."""
    kept: list[Expr] = []
    partial: dict[str, None] = {}
    requires: dict[str, None] = {}
    for clause in clauses(condition):
        lost, asked = untranslated(clause)
        partial.update(dict.fromkeys(lost))
        requires.update(dict.fromkeys(asked))
        kept.append(weakest(clause) if lost or asked else clause)
    known = and_(*kept)
    most = MOST_PARTIAL if partial else 2 * MOST_NODES
    if size(known, most) > most:
        return Read(TRUE, (*partial, TOO_LONG), tuple(requires))
    when = normalise(shorter(normalise(shorter(known))))
    if size(when, MOST_NODES) > MOST_NODES:
        return Read(TRUE, (*partial, TOO_LONG), tuple(requires))
    return Read(when, tuple(partial), tuple(requires))


def of_event(m: Machine, event: Event) -> tuple[Candidate | None, Read]:
    """The candidate of a raise, a warning or an issue."""
    found = read(condition_of(event.path))
    severity = _SEVERITIES[event.kind]
    effect = Effect(raises=event.raises, warns=_CHANNELS.get(event.kind))
    if not worth(found):
        return None, found
    made = Candidate(
        target=m.target.cls,
        severity=severity,
        depth=event.depth,
        when=found.when,
        effect=effect,
        origin="static",
        message=template(event.message),
        site=event.site,
        partial=found.partial,
        requires=found.requires,
    )
    return made, found


def worth(found: Read) -> bool:
    """Whether a rule can be made of it: it says something of the fields, or holds on some machines."""
    if found.when == FALSE:
        return False
    return bool(fields_in(found.when)) or (found.when == TRUE and bool(found.requires) and not found.partial)


def unique(found: Iterator[Candidate]) -> tuple[Candidate, ...]:
    """Each candidate once, in order."""
    seen: dict[object, Candidate] = {}
    for one in found:
        key = (
            one.severity, one.depth, one.when, one.site, one.message, one.partial, one.requires,
            one.effect.raises, one.effect.warns, tuple(one.effect.sets.items()),
        )  # fmt: skip
        seen.setdefault(key, one)
    return tuple(seen.values())
