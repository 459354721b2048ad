"""`atlas timeline ENGINE PARAM`: one parameter over the tracked versions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from atlas.history.history import History, Key
from atlas.history.output import Line
from atlas.history.span import GONE, FirstSeen, Removed, Renamed, Span, first_seen, removed
from atlas.history.words import differences, summary

Json: TypeAlias = Any
Link: TypeAlias = Callable[[str, str], str | None]
"""From a version and `file:line` to an address."""
FORMAT_VERSION = 1
SHOWN = 8


def as_json(history: History, key: Key, others: list[Key], link: Link) -> dict[str, Json]:
    """The form of config/schemas/cli/timeline.schema.json."""
    spans = history.timeline(key)
    return {
        "format_version": FORMAT_VERSION,
        "engine": history.engine,
        "versions": list(history.versions),
        "parameter": {
            **parameter_json(key, spans),
            "spans": [_span(one, link) for one in spans],
            "also": [{"group": group, "path": path} for group, path in others],
        },
    }


def parameter_json(key: Key, spans: tuple[Span, ...]) -> dict[str, Json]:
    """What is concluded from the spans."""
    seen, gone = first_seen(spans), removed(spans)
    return {
        "group": key[0],
        "path": key[1],
        "first_seen": _seen(seen) if seen else None,
        "removed": _removed(gone) if gone else None,
    }


def _seen(one: FirstSeen) -> dict[str, Json]:
    return {"version": one.version, "not_in": one.not_in, "unread": one.unread, "why": one.why}


def _removed(one: Removed) -> dict[str, Json]:
    renamed = renamed_json(one.renamed) if one.renamed else None
    return {
        "last": one.last,
        "gone": one.gone,
        "certain": one.certain,
        "advice": one.advice,
        "renamed": renamed,
        "flags_left": list(one.flags_left),
    }


def renamed_json(one: Renamed) -> dict[str, Json]:
    return {"to": one.to, "why": one.why, "maybe": one.maybe}


def _span(one: Span, link: Link) -> dict[str, Json]:
    return {
        "since": one.since,
        "until": one.until,
        "state": one.state,
        "facts": dict(one.facts) if one.present else None,
        "at": one.at,
        "link": link(one.since, one.at) if one.at else None,
        "why": one.why,
        "flags_left": list(one.flags_left),
    }


def lines(history: History, key: Key, others: list[Key], link: Link) -> Iterator[Line]:
    """The same for people."""
    group, path = key
    spans = history.timeline(key)
    oldest, newest = history.versions[0], history.versions[-1]
    yield "head", f"{history.engine} {path} ({group})"
    yield from span_lines(spans, link)
    if len(history.versions) == 1:
        yield "more", f"Only {newest} is tracked."
    else:
        yield (
            "more",
            f"{len(history.versions)} versions are tracked, {oldest} to {newest}: a change may be older",
        )
        yield "more", "than the version that it is told of, but newer than the tracked one before."
    if others:
        told = ", ".join(f"{other_group}:{other}" for other_group, other in others[:SHOWN])
        yield "more", f"Also: {told}{' …' if len(others) > SHOWN else ''} (--group, or the whole path)"


def span_lines(spans: tuple[Span, ...], link: Link) -> Iterator[Line]:
    """A line for each version at which a reader notices something."""
    width = max(len(one.since) for one in spans)
    for place, span in enumerate(spans):
        style, texts = _told(spans, place)
        if not texts:
            continue
        yield style, f"  {span.since:<{width}}  {texts[0]}"
        for text in texts[1:]:
            yield style, f"  {'':<{width}}  {text}"
        address = link(span.since, span.at) if span.at else None
        if address:
            yield "more", f"  {'':<{width}}  {address}"


def _told(spans: tuple[Span, ...], place: int) -> tuple[str, list[str]]:
    span, before = spans[place], spans[place - 1] if place else None
    if span.present:
        if before is not None and before.present:
            return "note", differences(before.facts, span.facts)
        seen = first_seen(spans)
        if seen and seen.version == span.since:
            return "good", [f"{seen}: {summary(span.facts)}"]
        assert before is not None
        word = "back" if before.state in GONE else "there again"
        return "good", [f"{word}: {summary(span.facts)}"]
    if before is None or not any(one.present for one in spans[:place]):
        return "more", []
    if span.state == "unread":
        return "more", [f"not known: {span.why}"]
    if before.state in GONE:
        lost = [flag for flag in before.flags_left if flag not in span.flags_left]
        return "bad", [f"not taken any more: {', '.join(lost)}"] if lost else []
    if not before.present:
        return "bad", [f"not there; {before.until} could not be read"]
    found = (
        [f"removed ({before.until} has it)"]
        if span.state == "absent"
        else [f"not seen any more ({before.until} takes it out of **kwargs; so may code that was not found)"]
    )
    if span.flags_left:
        found.append(f"still taken, setting nothing: {', '.join(span.flags_left)}")
    if span.renamed:
        word = "maybe" if span.renamed.maybe else "now"
        found.append(f"{word} `{span.renamed.to}`: {span.renamed.why}")
    return "bad", found
