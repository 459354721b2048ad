"""What took the place of a parameter that the next version lacks: by evidence, or, so called, maybe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from atlas.diff.facts import Facts, Key
from atlas.diff.renames import evidence, lookalikes, moves, renames

Json: TypeAlias = Any
SAID = ("name", "type", "aliases", "deprecated")
"""The facts by which an engine says that a name stands for another one that it had already."""
DENYING = frozenset({"disable", "disabled", "no", "not", "skip", "without", "ignore"})


@dataclass(frozen=True)
class Renamed:
    """The path in the same group, and why. `maybe`: nothing in the engine says so, it only looks like it."""

    path: str
    why: str
    maybe: bool = False

    def as_json(self) -> dict[str, Json]:
        return {"to": self.path, "why": self.why, **({"maybe": True} if self.maybe else {})}


def renamed(old: Facts, new: Facts) -> dict[Key, Renamed]:
    """Of the parameters of `old` that `new` lacks, those that go on under another name."""
    gone = [key for key in old.entries if not new.reached(key)]
    come = [key for key in new.entries if not old.reached(key)]
    found = {key: Renamed(other[1], why) for key, (other, why) in renames(old, gone, new, come).items()}
    taken = {(key[0], one.path) for key, one in found.items()}
    left = [key for key in gone if key not in found]
    moved = moves(old, left, new, [key for key in come if key not in taken])
    found |= {key: Renamed(other[1], why) for key, (other, why) in moved.items() if other[0] == key[0]}
    found |= _replaced(old, new, [key for key in left if key not in found])
    taken |= {(key[0], one.path) for key, one in found.items()}
    rest = [key for key in gone if key not in found]
    return found | _maybe(old, rest, new, [key for key in come if key not in taken])


def _replaced(old: Facts, new: Facts, gone: Sequence[Key]) -> dict[Key, Renamed]:
    """Those whose place a parameter took that was there before: an alias or a deprecation says so."""
    beside: dict[Key, list[Key]] = {}
    for key in new.entries:
        beside.setdefault(_holder(key), []).append(key)
    found = {}
    for key in gone:
        reasons = {
            other: why
            for other in beside.get(_holder(key), ())
            if (why := evidence(_said(old.entries[key]), _said(new.entries[other])))
        }
        if len(reasons) == 1:
            ((other, why),) = reasons.items()
            found[key] = Renamed(other[1], why)
    return found


def _maybe(old: Facts, gone: Sequence[Key], new: Facts, come: Sequence[Key]) -> dict[Key, Renamed]:
    """Alike in name, type, default and class, and one for one."""
    new_entries = {key: new.entries[key] for key in come}
    old_entries = {key: old.entries[key] for key in gone}
    found = {}
    for key, entry in old_entries.items():
        (path, *others) = [*_alike(key, entry, new_entries), ""]
        if path and others == [""]:
            back = _alike((key[0], path), new_entries[key[0], path], old_entries)
            if back == [key[1]]:
                why = f"`{path}` came with the same type, default and class, and a similar name"
                found[key] = Renamed(path, why, maybe=True)
    return found


def _alike(key: Key, entry: Mapping[str, Json], others: Mapping[Key, Mapping[str, Json]]) -> list[str]:
    owner = entry["owner"].rpartition(".")[2]
    same = {one: it for one, it in others.items() if it["owner"].rpartition(".")[2] == owner}
    return [path for path in lookalikes(key, entry, same) if not _opposite(entry["name"], path)]


def _opposite(name: str, path: str) -> bool:
    """`disable_x` and `enable_x` look alike, and say the contrary."""
    words = [set(one.rpartition(".")[2].split("_")) & DENYING for one in (name, path)]
    return words[0] != words[1]


def _said(entry: Mapping[str, Json]) -> dict[str, Json]:
    return {name: entry[name] for name in SAID if name in entry}


def _holder(key: Key) -> Key:
    return key[0], key[1].rpartition(".")[0]
