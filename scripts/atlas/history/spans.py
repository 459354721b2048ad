"""From the facts of all tracked versions to the spans of each parameter: over which versions it was what.

Whether a version lacks a parameter, or its place was only not read there, is decided as `atlas diff` does it.
A name that is only ever taken out of `**kwargs` is `unseen` where no code was found that takes it: other code
may.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, TypeAlias

from atlas.diff.facts import Facts, Key
from atlas.diff.unread import unread
from atlas.history.renamed import Renamed, renamed

Json: TypeAlias = Any
Entry: TypeAlias = Mapping[str, Json]
GONE = ("absent", "unseen")
KEPT = (
    "display",
    "default_kind",
    "default",
    "default_text",
    "enum",
    "open",
    "constraints",
    "deprecated",
    "cli_flag",
    "cli_flags",
    "aliases",
    "env",
    "private",
    "readonly",
    "via",
    "same_as",
)
"""Facts of which a change begins a new span: all that a reader asks of it but for its description, which
history.facts.json has. Of the owner only the name of the class counts, not its module."""


def all_spans(versions: Sequence[Facts]) -> dict[Key, list[dict[str, Json]]]:
    """The spans of every parameter that any version has, by group and path; versions are oldest first."""
    boundaries = [renamed(old, new) for old, new in pairwise(versions)]
    keys = {key: None for facts in versions for key in facts.entries}
    order = {group: place for place, group in enumerate(dict.fromkeys(key[0] for key in keys))}
    return {
        key: list(_spans(key, versions, boundaries))
        for key in sorted(keys, key=lambda one: (order[one[0]], one[1]))
    }


def _spans(
    key: Key, versions: Sequence[Facts], boundaries: Sequence[Mapping[Key, Renamed]]
) -> Iterator[dict[str, Json]]:
    """One entry for each version at which something changed, from the oldest version on."""
    entries = [_entry(facts, key) for facts in versions]
    before: dict[str, Json] = {}
    for place, facts in enumerate(versions):
        entry = entries[place]
        state = {"is": "present", **_kept(entry)} if entry else _without(key, facts, _nearest(entries, place))
        if same(before, state):
            continue
        found = {"since": facts.version, **difference(before, state)}
        if entry is not None and (where := facts.where(facts.reached(key) or key)):
            found["at"] = where
        elif place and state["is"] in GONE and (other := boundaries[place - 1].get(key)):
            found["renamed"] = other.as_json()
        yield found
        before = state


def difference(before: Mapping[str, Json], state: Mapping[str, Json]) -> dict[str, Json]:
    """Of a parameter that was there before, only what differs; `unset` names what it has no more."""
    if before.get("is") != state["is"]:
        return dict(state)
    changed = {
        name: value for name, value in state.items() if name not in before or not same(before[name], value)
    }
    unset = [name for name in before if name not in state]
    return {"is": state["is"], **changed, **({"unset": unset} if unset else {})}


def _entry(facts: Facts, key: Key) -> Entry | None:
    listed = facts.reached(key)
    return facts.entries[listed] if listed else None


def _nearest(entries: Sequence[Entry | None], place: int) -> Entry:
    """The entry of the nearest version that has it, an older one first."""
    known = [(abs(other - place), other > place, entry) for other, entry in enumerate(entries) if entry]
    return min(known, key=lambda one: one[:2])[2]


def _without(key: Key, facts: Facts, entry: Entry) -> dict[str, Json]:
    reason = unread(facts, key, entry)
    if reason:
        return {"is": "unread", "why": reason.removeprefix(f"{facts.version}: ")}
    state: dict[str, Json] = {"is": "unseen" if entry.get("via") == "kwargs" else "absent"}
    left = _flags(entry) & _idle_flags(facts)
    return {**state, "flags_left": sorted(left)} if left else state


def _flags(entry: Entry) -> set[str]:
    return {*entry.get("cli_flags", ()), *([entry["cli_flag"]] if "cli_flag" in entry else ())}


def _idle_flags(facts: Facts) -> set[str]:
    """Flags that the parser still takes and that set no parameter."""
    limitations = facts.schema["limitations"]
    return {flag for one in limitations if one["code"] == "flag_without_parameter" for flag in one["fields"]}


def _kept(entry: Entry) -> dict[str, Json]:
    found = {name: entry[name] for name in KEPT if name in entry}
    return {"owner": entry["owner"].rpartition(".")[2], **found}


def same(one: Json, other: Json) -> bool:
    """Equal as JSON: true is not 1, and 1 is not 1.0."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
