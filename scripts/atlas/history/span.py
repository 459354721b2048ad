"""One span of a parameter's history, and what is concluded from several: first seen, removed, renamed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Json: TypeAlias = Any


@dataclass(frozen=True)
class Renamed:
    """The path in the same group, and why. `maybe`: nothing in the engine says so, they are only alike."""

    to: str
    why: str
    maybe: bool = False


@dataclass(frozen=True)
class Span:
    """A parameter from the tracked version `since` to the tracked version `until`, both included.

    `state` is `present`; `absent`; `unseen`: it was only ever taken out of `**kwargs`, and no code was seen
    to take it, though other code may; or `unread`: whether these versions have it is not known, for the
    reason `why`. `facts` are those of history.json, in full.
    """

    since: str
    until: str
    state: str
    facts: Mapping[str, Json] = field(default_factory=dict)
    at: str | None = None
    why: str | None = None
    renamed: Renamed | None = None
    flags_left: tuple[str, ...] = ()
    """Of one that is gone, flags that the parser still takes."""

    @property
    def present(self) -> bool:
        return self.state == "present"


@dataclass(frozen=True)
class FirstSeen:
    """The first tracked version that is known to have a parameter.

    `not_in` is the tracked version before it, which has it not. Where that could not be read, `unread` is
    that version and `why` the reason; both are None where there is no version before.
    """

    version: str
    not_in: str | None = None
    unread: str | None = None
    why: str | None = None

    def __str__(self) -> str:
        if self.not_in:
            return f"first seen in {self.version} (not in {self.not_in})"
        if self.unread:
            return f"first seen in {self.version} (not known of {self.unread}: {self.why})"
        return f"in {self.version} already, the oldest tracked"


@dataclass(frozen=True)
class Removed:
    """It went after the tracked version `last`, and at the latest with the tracked version `gone`.

    Not `certain`: its name was taken out of `**kwargs`, and other code than was found may still take it.
    """

    last: str
    gone: str
    certain: bool
    facts: Mapping[str, Json] = field(default_factory=dict)
    """What it was in the end."""
    renamed: Renamed | None = None
    flags_left: tuple[str, ...] = ()
    """Its flags that the newest version still takes, though they set nothing."""

    @property
    def advice(self) -> str | None:
        """What its deprecation said."""
        deprecated = self.facts.get("deprecated") or {}
        text: str | None = deprecated.get("message") or deprecated.get("replacement")
        return text

    def __str__(self) -> str:
        if self.certain:
            return f"removed between {self.last} and {self.gone}"
        return f"not seen after {self.last} ({self.gone} takes further names, and may still take it)"


@dataclass(frozen=True)
class Around:
    """Seen from a version without a parameter: the last span before with it, the one that followed that, and
    the first span after with it; and the last version before whose parser still took its flags.
    """

    last: Span | None
    gone: Span | None
    first_after: Span | None
    flags_until: str | None = None


def spans_of(raw: list[Mapping[str, Json]], versions: tuple[str, ...]) -> tuple[Span, ...]:
    """The spans that history.json has of a parameter, each with all of its facts and its end."""
    found: list[Span] = []
    starts = [versions.index(one["since"]) for one in raw]
    for place, one in enumerate(raw):
        end = starts[place + 1] - 1 if place + 1 < len(raw) else len(versions) - 1
        facts: dict[str, Json] = {}
        if one["is"] == "present":
            before = found[-1].facts if found and found[-1].present else {}
            unset = one.get("unset", ())
            facts = {key: value for key, value in before.items() if key not in unset}
            facts |= {key: value for key, value in one.items() if key not in NOT_FACTS}
        renamed = one.get("renamed")
        found.append(
            Span(
                since=one["since"],
                until=versions[end],
                state=one["is"],
                facts=facts,
                at=one.get("at"),
                why=one.get("why"),
                renamed=Renamed(**renamed) if renamed else None,
                flags_left=tuple(one.get("flags_left", ())),
            )
        )
    return tuple(found)


GONE = ("absent", "unseen")
UNSEEN = "it takes further names, and may have taken it"
NOT_FACTS = frozenset({"since", "is", "why", "renamed", "at", "unset", "flags_left"})


def first_seen(spans: tuple[Span, ...]) -> FirstSeen | None:
    """None where no version is known to have it."""
    for place, span in enumerate(spans):
        if span.present:
            before = spans[place - 1] if place else None
            if before is None:
                return FirstSeen(span.since)
            if before.state == "absent":
                return FirstSeen(span.since, not_in=before.until)
            return FirstSeen(span.since, unread=before.until, why=before.why or UNSEEN)
    return None


def removed(spans: tuple[Span, ...]) -> Removed | None:
    """None where the newest version has it, or is not known to lack it, or none ever had it."""
    if spans[-1].state not in GONE:
        return None
    having = [place for place, span in enumerate(spans) if span.present]
    if not having:
        return None
    last = having[-1]
    gone = next(span for span in spans[last + 1 :] if span.state in GONE)
    return Removed(
        last=spans[last].until,
        gone=gone.since,
        certain=spans[-1].state == "absent",
        facts=spans[last].facts,
        renamed=gone.renamed,
        flags_left=spans[-1].flags_left,
    )
