"""Names that changed: believed on evidence that the engine gives, never on likeness.

Likeness (same type, default and class, similar name) is told as `maybe_renamed_to`, and merges nothing.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence

from atlas.diff.facts import Facts, Json, Key
from atlas.diff.subset import subset
from atlas.schema.compare import same_value

LIKE = 0.72
"""How similar two names must be to be mentioned, between 0 and 1."""


def renames(old: Facts, gone: Sequence[Key], new: Facts, come: Sequence[Key]) -> dict[Key, tuple[Key, str]]:
    """Names that went, each with the one that came for it and why; only where it is one for one."""
    found: dict[Key, list[tuple[Key, str]]] = {}
    taken: dict[Key, list[Key]] = {}
    for one in gone:
        for other in come:
            reason = evidence(old.entries[one], new.entries[other]) if _together(one, other) else ""
            if reason:
                found.setdefault(one, []).append((other, reason))
                taken.setdefault(other, []).append(one)
    return {
        one: matches[0]
        for one, matches in found.items()
        if len(matches) == 1 and len(taken[matches[0][0]]) == 1
    }


def moves(old: Facts, gone: Sequence[Key], new: Facts, come: Sequence[Key]) -> dict[Key, tuple[Key, str]]:
    """The same field of the same class, at another path; only where it is one for one."""
    before, after = _by_field(old, gone), _by_field(new, come)
    return {
        keys[0]: (after[field][0], f"`{field[1]}` of `{field[0]}` is reached by another path")
        for field, keys in before.items()
        if len(keys) == 1 and len(after.get(field, ())) == 1 and _elsewhere(keys[0], after[field][0])
    }


def _by_field(facts: Facts, keys: Sequence[Key]) -> dict[tuple[str, str], list[Key]]:
    found: dict[tuple[str, str], list[Key]] = {}
    for key in keys:
        entry = facts.entries[key]
        if entry.get("via") not in ("signature", "kwargs", "docstring"):
            found.setdefault((entry["owner"].rpartition(".")[2], entry["name"]), []).append(key)
    return found


def _elsewhere(one: Key, other: Key) -> bool:
    return one != other


def _together(one: Key, other: Key) -> bool:
    """In one group and one holder: `a.x` is not renamed to `b.y`."""
    return one[0] == other[0] and one[1].rpartition(".")[0] == other[1].rpartition(".")[0]


def evidence(old: Mapping[str, Json], new: Mapping[str, Json]) -> str:
    """Why the newer parameter is the older one by another name; empty if nothing in the engine says so."""
    return min(filter(None, (_said_by(old, new), _said_by(new, old))), default="")


def _said_by(one: Mapping[str, Json], other: Mapping[str, Json]) -> str:
    """What one entry says of the other."""
    name = other["name"]
    if name in one.get("aliases", ()):
        return f"`{name}` is an alias of `{one['name']}`"
    if _replaced_by(one, name) and _same_values(one["type"], other["type"]):
        return f"deprecated in favour of `{name}`: {one['deprecated'].get('message') or ''}".rstrip(": ")
    if "joins" in one and _tail(one["joins"]) == _tail(other.get("joins") or ""):
        return f"both stand for `{'.'.join(_tail(one['joins']))}`"
    shared = {flag for flag in _flags(one) if not flag.startswith("--no-")} & _flags(other)
    return f"both are set by the flag `{min(shared)}`" if shared else ""


def _replaced_by(entry: Mapping[str, Json], name: str) -> bool:
    """Whether its deprecation names the other and nothing else: no value, no formula (`b = 1 / a`)."""
    deprecated = entry.get("deprecated") or {}
    wanted = (deprecated.get("replacement") or "").strip("`'\"")
    plain = re.fullmatch(r"-{0,2}[\w-]+", wanted) is not None and "=" not in (deprecated.get("message") or "")
    return plain and wanted.lstrip("-").replace("-", "_") == name


def _same_values(one: Json, other: Json) -> bool:
    return subset(one, other).yes is True and subset(other, one).yes is True


def _tail(dotted: str) -> tuple[str, ...]:
    """Class and field: modules may move."""
    return tuple(dotted.split(".")[-2:])


def _flags(entry: Mapping[str, Json]) -> set[str]:
    return {*entry.get("cli_flags", ()), *([entry["cli_flag"]] if "cli_flag" in entry else ())}


def lookalikes(one: Key, entry: Mapping[str, Json], others: Mapping[Key, Mapping[str, Json]]) -> list[str]:
    """Paths that may be the same parameter by another name: for a person to look at."""
    found = [
        (difflib.SequenceMatcher(None, entry["name"], other["name"]).ratio(), key[1])
        for key, other in others.items()
        if _together(one, key) and _alike(entry, other)
    ]
    return [path for score, path in sorted(found, reverse=True) if score >= LIKE][:3]


def _alike(one: Mapping[str, Json], other: Mapping[str, Json]) -> bool:
    return bool(
        one["type"] == other["type"]
        and one["default_kind"] == other["default_kind"]
        and same_value(one.get("default"), other.get("default"))
    )
