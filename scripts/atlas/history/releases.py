"""`atlas timeline ENGINE`: what each tracked version added, removed and changed, from its sources."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from atlas.history.history import History, Key
from atlas.history.output import Line
from atlas.history.span import GONE, Renamed, Span
from atlas.history.timeline import FORMAT_VERSION, renamed_json
from atlas.history.words import default, differences

Json: TypeAlias = Any
NAMED = 12
"""So many names are printed of a kind, unless all are asked for."""


@dataclass
class Release:
    """What happened between a tracked version and the one before it."""

    version: str
    after: str | None
    n: int = 0
    added: list[Key] = field(default_factory=list)
    removed: list[Key] = field(default_factory=list)
    unseen: set[Key] = field(default_factory=set)
    """Of those that were removed, names taken out of `**kwargs`: other code than was found may take them."""
    renamed: dict[Key, Renamed] = field(default_factory=dict)
    deprecated: list[Key] = field(default_factory=list)
    defaults: dict[Key, tuple[str, str]] = field(default_factory=dict)
    changed: list[Key] = field(default_factory=list)
    """Otherwise: types, values, limits, flags."""


def releases(history: History, group: str | None = None) -> list[Release]:
    """All tracked versions, oldest first."""
    keys = [key for key in history.keys if group in (None, key[0])]
    timelines = {key: history.timeline(key) for key in keys}
    found = [
        Release(version, before)
        for version, before in zip(history.versions, (None, *history.versions), strict=False)
    ]
    place = {version: number for number, version in enumerate(history.versions)}
    for key, spans in timelines.items():
        for number, span in enumerate(spans):
            if span.present:
                for one in found[place[span.since] : place[span.until] + 1]:
                    one.n += 1
            if number:
                _note(found[place[span.since]], key, spans[number - 1], span)
    return found


def _note(release: Release, key: Key, before: Span, span: Span) -> None:
    """What is not known of the version before is no change."""
    if span.present and before.state in GONE:
        release.added.append(key)
    elif span.state in GONE and before.present:
        release.removed.append(key)
        if span.state == "unseen":
            release.unseen.add(key)
        if span.renamed:
            release.renamed[key] = span.renamed
    elif span.present and before.present:
        old, new = before.facts, span.facts
        if new.get("deprecated") and not old.get("deprecated"):
            release.deprecated.append(key)
        if default(old) != default(new):
            release.defaults[key] = (default(old), default(new))
        elif differences(old, new) and key not in release.deprecated:
            release.changed.append(key)


def as_json(history: History, found: list[Release]) -> dict[str, Json]:
    """The form of config/schemas/cli/timeline.schema.json."""
    return {
        "format_version": FORMAT_VERSION,
        "engine": history.engine,
        "versions": list(history.versions),
        "releases": [
            {
                "version": one.version,
                "after": one.after,
                "parameters": one.n,
                "added": _keys(one.added),
                "removed": [
                    {
                        **_key(key),
                        "certain": key not in one.unseen,
                        "renamed": renamed_json(one.renamed[key]) if key in one.renamed else None,
                    }
                    for key in one.removed
                ],
                "deprecated": _keys(one.deprecated),
                "defaults": [
                    {**_key(key), "from": old, "to": new} for key, (old, new) in one.defaults.items()
                ],
                "changed": _keys(one.changed),
            }
            for one in found
        ],
    }


def _keys(keys: list[Key]) -> list[Json]:
    return [_key(key) for key in keys]


def _key(key: Key) -> dict[str, Json]:
    return {"group": key[0], "path": key[1]}


def lines(history: History, found: list[Release], *, names: bool) -> Iterator[Line]:
    """The newest last, as a terminal shows the end."""
    yield "head", f"{history.engine}: {len(history.versions)} tracked versions, as their sources have them"
    for one in found:
        counts = [
            (len(one.added), "added"),
            (len(one.removed) - len(one.unseen), "removed"),
            (len(one.unseen), "not seen any more"),
            (len(one.deprecated), "deprecated"),
            (len(one.defaults), "with another default"),
            (len(one.changed), "changed otherwise"),
        ]
        told = ", ".join(f"{number} {word}" for number, word in counts if number) or "nothing changed"
        yield "head", f"{one.version}: {one.n} parameters{f'; {told}' if one.after else ''}"
        yield from _named("good", "added", [path for _, path in one.added], names)
        surely = [key for key in one.removed if key not in one.unseen]
        yield from _named("bad", "removed", [_gone(one, key) for key in surely], names)
        unseen = [_gone(one, key) for key in one.removed if key in one.unseen]
        yield from _named("note", "not seen any more", unseen, names)
        yield from _named("note", "deprecated", [path for _, path in one.deprecated], names)
        texts = [f"{key[1]} ({old} → {new})" for key, (old, new) in one.defaults.items()]
        yield from _named("note", "defaults", texts, names)


def _gone(release: Release, key: Key) -> str:
    renamed = release.renamed.get(key)
    if renamed is None:
        return key[1]
    return f"{key[1]} ({'maybe ' if renamed.maybe else ''}now {renamed.to})"


def _named(style: str, word: str, texts: list[str], everything: bool) -> Iterator[Line]:
    distinct = list(dict.fromkeys(texts))
    shown = distinct if everything else distinct[:NAMED]
    if shown:
        more = f" and {len(distinct) - len(shown)} more" if len(distinct) > len(shown) else ""
        yield style, f"  {word}: {', '.join(shown)}{more}"
