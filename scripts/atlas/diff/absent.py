"""What it means that a version does not list a parameter: is the name refused there, or taken and ignored?"""

from __future__ import annotations

from collections.abc import Mapping

from atlas.diff.facts import Facts, Json, Key

REFUSED, IGNORED, UNSEEN = "refused", "ignored", "unseen"
KINDS = {
    REFUSED: ("param_removed", "param_added"),
    IGNORED: ("param_ignored", "param_heeded"),
    UNSEEN: ("param_unseen", "param_seen"),
}
"""What a parameter's going and coming is called, by what the version without it does with its name."""


def absence(facts: Facts, key: Key, entry: Mapping[str, Json]) -> tuple[str, str]:
    """What `facts`, which lacks `entry`, does with its name, and why that is believed.

    A class that takes names out of its `**kwargs` takes others, too, and nothing was found that reads this
    one. A function may hand them on to something that refuses them.
    """
    beside = [one for other, one in facts.entries.items() if _beside(key, entry, other, one)]
    if any(one.get("via") == "kwargs" for one in beside):
        owner = _short(entry["owner"] if "." in key[1] else entry["root"])
        takes = f"{facts.version}: `{owner}` takes further names (**kwargs)"
        if _kind(facts, key[0], entry["root"]) == "function":
            return UNSEEN, f"{takes}, and hands them on: nothing was found that takes this one"
        return IGNORED, f"{takes}, and nothing was found that reads this one"
    if entry.get("via") == "kwargs":
        return UNSEEN, f"{facts.version}: nothing was found that takes it out of **kwargs, as the other does"
    return REFUSED, ""


def _beside(key: Key, entry: Mapping[str, Json], other: Key, one: Mapping[str, Json]) -> bool:
    """Whether another parameter is of the same class, at the same place."""
    above, parent = key[1].rpartition(".")[0], other[1].rpartition(".")[0]
    return key[0] == other[0] and above == parent and _short(entry["root"]) == _short(one["root"])


def _kind(facts: Facts, group: str, root: str) -> str:
    roots = facts.schema["roots"][group]
    return next((str(one["kind"]) for one in roots if _short(one["name"]) == _short(root)), "")


def _short(name: str) -> str:
    return name.rpartition(".")[2]
