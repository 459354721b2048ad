"""history.json of an engine: since when a parameter is there, what it was, until when, and what it is now.

Only some releases are tracked, so that whatever is said is between two of them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias

from atlas.errors import InputError, IntegrityError
from atlas.history.span import Around, FirstSeen, Removed, Renamed, Span, first_seen, removed, spans_of

Json: TypeAlias = Any
Key: TypeAlias = tuple[str, str]
"""Group and path."""
FILE = "history.json"
MEND = "`git restore` it, or build it: `atlas build`"


def load_history(engine: str, results: Path | None = None) -> History | None:
    """The history of an engine; None where none was built. IntegrityError where it cannot be read."""
    from atlas.knowledge.library import results_folder

    path = results_folder(results) / engine / FILE
    try:
        return History(json.loads(path.read_bytes()))
    except OSError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise IntegrityError(f"is no history: {error}", where=str(path), hint=MEND) from error


class History:
    """What became of each parameter. A parameter is named by its path, flag, alias or name, or by its key."""

    def __init__(self, document: Mapping[str, Json]) -> None:
        self.engine: str = document["engine"]
        self.versions: tuple[str, ...] = tuple(document["versions"])
        self._raw: Mapping[str, Mapping[str, list[Mapping[str, Json]]]] = document["parameters"]
        self._serve: Mapping[str, Mapping[str, Json]] = {
            version: one["serve"] for one in document.get("serve", ()) for version in one["versions"]
        }

    def __repr__(self) -> str:
        return f"History({self.engine!r}, {len(self.versions)} versions)"

    @cached_property
    def keys(self) -> tuple[Key, ...]:
        """Every parameter that any tracked version has."""
        return tuple((group, path) for group, paths in self._raw.items() for path in paths)

    @property
    def groups(self) -> tuple[str, ...]:
        return tuple(self._raw)

    def serve(self, version: str) -> Mapping[str, Json] | None:
        """How a version is started and its command line read, if the engine's YAML says."""
        return self._serve.get(version)

    # Finding.

    def find(self, name: str, group: str | None = None) -> list[Key]:
        """The parameters that answer to a name, the best first; of equals, those that are there today."""
        wanted = name.lstrip("-").replace("-", "_") if name.startswith("-") else name
        ranked = [
            (rank, self._raw[of][path][-1]["is"] != "present", place, (of, path))
            for place, (of, path) in enumerate(self.keys)
            if group in (None, of) and (rank := self._rank((of, path), name, wanted)) is not None
        ]
        return [key for *_, key in sorted(ranked)]

    def key(self, name: str, group: str | None = None) -> Key:
        """The best of them; InputError with the nearest names where there is none."""
        found = self.find(name, group)
        if found:
            return found[0]
        from atlas.validation import nearest

        if group is not None and group not in self.groups:
            raise InputError(f"{self.engine} has no group `{group}`{nearest(group, self.groups)}")
        wanted = name.lstrip("-").replace("-", "_")
        known = sorted({path for of, path in self.keys if group in (None, of)})
        raise InputError(
            f"no tracked version of {self.engine} has a parameter `{name}`{nearest(wanted, known)}"
        )

    def _rank(self, key: Key, name: str, wanted: str) -> int | None:
        """How well a parameter answers to a name: 0 is best, None not at all."""
        path = key[1]
        if path in (name, wanted):
            return 0
        if name.startswith("-"):
            return 1 if name in self._words("cli_flag", "cli_flags").get(key, ()) else None
        if name in self._words("aliases").get(key, ()):
            return 2
        return 3 + path.count(".") if path.rpartition(".")[2] == name else None

    def _words(self, *facts: str) -> Mapping[Key, set[str]]:
        """What a parameter was ever called, for those that have such facts."""
        if facts not in self._known:
            found: dict[Key, set[str]] = {}
            for group, path in self.keys:
                for span in self._raw[group][path]:
                    for fact in facts:
                        if fact in span:
                            value = span[fact]
                            found.setdefault((group, path), set()).update(
                                [value] if isinstance(value, str) else value
                            )
            self._known[facts] = found
        return self._known[facts]

    @cached_property
    def _known(self) -> dict[tuple[str, ...], Mapping[Key, set[str]]]:
        return {}

    # Answers.

    def timeline(self, parameter: str | Key, group: str | None = None) -> tuple[Span, ...]:
        """The spans of a parameter from the oldest tracked version to the newest."""
        of, path = self.key(parameter, group) if isinstance(parameter, str) else parameter
        try:
            return spans_of(self._raw[of][path], self.versions)
        except (ValueError, KeyError, TypeError, IndexError) as error:
            raise IntegrityError(
                f"the history of {self.engine} makes no sense at {of}:{path}: {error}", hint=MEND
            ) from error

    def first_seen(self, parameter: str | Key, group: str | None = None) -> FirstSeen | None:
        return first_seen(self.timeline(parameter, group))

    def removed_in(self, parameter: str | Key, group: str | None = None) -> Removed | None:
        """Between which tracked versions it went; None where it is there, or that is not known."""
        return removed(self.timeline(parameter, group))

    def renamed_to(self, parameter: str | Key, group: str | None = None) -> Renamed | None:
        """What took its place, with the evidence; `maybe` where there is none but likeness."""
        found = self.removed_in(parameter, group)
        return found.renamed if found else None

    def at(self, parameter: str | Key, version: str, group: str | None = None) -> Span:
        """The span that a tracked version is in; InputError for a version that is not tracked."""
        if version not in self.versions:
            from atlas.knowledge.library import neighbours

            raise InputError(f"{self.engine} {version} is not tracked; {neighbours(version, self.versions)}")
        place = self.versions.index(version)
        spans = self.timeline(parameter, group)
        return next(one for one in reversed(spans) if self.versions.index(one.since) <= place)

    def around(self, parameter: str | Key, version: str) -> Around:
        """What became of a parameter that a tracked version does not have, seen from that version."""
        spans = self.timeline(parameter)
        place = self.versions.index(version)
        before = [one for one in spans if one.present and self.versions.index(one.until) < place]
        after = [one for one in spans if one.present and self.versions.index(one.since) > place]
        last = before[-1] if before else None
        gone = spans[spans.index(last) + 1] if last else None
        left = [one.until for one in spans if one.flags_left and self.versions.index(one.until) < place]
        return Around(last, gone, after[0] if after else None, left[-1] if left else None)
