"""What is given: words with their places, and the parameters that they set."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from atlas.check.model import Finding, Item, Json, Place
from atlas.check.names import Entry


class Token(NamedTuple):
    """One word of a command line, and where it stands."""

    text: str
    place: Place


class Setting:
    """A parameter with the value that was given for it."""

    __slots__ = ("entry", "item", "value")

    def __init__(self, entry: Entry, value: Json, item: Item) -> None:
        self.entry = entry
        self.value = value
        self.item = item


class Read:
    """What flags said: settings in the order given, findings about flags, and names that nothing knows."""

    def __init__(
        self, settings: Iterable[Setting] = (), findings: Iterable[Finding] = (), unknown: Iterable[Item] = ()
    ) -> None:
        self.settings = list(settings)
        self.findings = list(findings)
        self.unknown = list(unknown)


def source_of(entry: Entry | None) -> dict[str, Any]:
    """The engine's source that declares a parameter, as a finding names it."""
    for one in entry["evidence"] if entry else ():
        if one.get("file"):
            return {"file": one["file"], "line": one["line"]}
    return {}
