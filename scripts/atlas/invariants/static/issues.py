"""Messages that are collected first and raised or warned of later, all together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from atlas.invariants.model import Candidate, Effect
from atlas.invariants.predicate import Expr
from atlas.invariants.static.frames import Event
from atlas.invariants.static.machine import Machine
from atlas.invariants.static.messages import template
from atlas.invariants.static.state import Over
from atlas.invariants.static.weaken import clauses

_CHANNELS = {"log": "logging", "warning": "warnings"}


def of(m: Machine) -> Iterator[tuple[Event, Event | None]]:
    """Each message that was put into a container, with the statement that tells the user of it."""
    later = _tellers(m)
    before: list[str] = []
    for at, site, path, message, depth in m.issues:
        text = template(message) or ""
        if any(one and one in text for one in before):
            continue  # it is told again, in other words around it
        before.append(text)
        yield Event("issue", site, path, depth, message=message), later.get(at)


def _tellers(m: Machine) -> dict[int, Event]:
    """The first raise or warning that happens because a container holds something."""
    out: dict[int, Event] = {}
    for event in m.events:
        if event.kind not in ("raise", "log", "warning", "assert"):
            continue
        steps: set[Expr] = set()
        for step in event.path:
            if not isinstance(step, Over):
                steps.update((step, *clauses(step)))
        for filled, at in m.filled.items():
            if filled in steps or set(clauses(filled)) <= steps:
                out.setdefault(at, event)
    return out


def told(candidate: Candidate, teller: Event) -> Candidate:
    """The candidate of a message, at the statement that tells the user."""
    if teller.kind in ("raise", "assert"):
        effect = Effect(raises=teller.raises)
        return replace(candidate, severity="error", effect=effect, site=teller.site, depth=teller.depth)
    effect = Effect(warns=_CHANNELS[teller.kind])
    return replace(candidate, severity="warn", effect=effect, site=teller.site, depth=teller.depth)
