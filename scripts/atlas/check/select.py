"""Which class or function a set of keys is about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from atlas.check.names import class_of, level, names_of
from atlas.errors import InputError
from atlas.knowledge.knowledge import Knowledge

Root = Mapping[str, Any]


def roots(knowledge: Knowledge) -> Iterator[tuple[str, Root]]:
    """Every class or function that can be configured, with its group; each once."""
    for group in knowledge.groups:
        for root in knowledge.schema["roots"][group]:
            if not root.get("same_as"):
                yield group, root


def named(
    knowledge: Knowledge, target: str | None, group: str | None, keys: Sequence[str]
) -> tuple[str, Root]:
    """The root of that name (in full or its last part), or of that group the one that the keys fit best."""
    every = [(of, root) for of, root in roots(knowledge) if group in (None, of)]
    if not every:
        near = _near(group or "", knowledge.groups)
        raise InputError(f"{knowledge.engine} {knowledge.version} has no group `{group}`{near}")
    if target is None:
        return _best(knowledge, every, keys)
    found = [one for one in every if target in (one[1]["name"], one[1]["target"])]
    found = found or [one for one in every if _short(one[1]["name"]) == target]
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(root["name"] for _, root in found)
        raise InputError(f"`{target}` is the name of several: {names}", hint="write it in full")
    inner = list(_nested(knowledge, group, target))
    if inner:
        return inner[0]
    known = [name for _, root in every for name in (_short(root["name"]), root["name"])]
    raise InputError(f"{knowledge.engine} {knowledge.version} has no class `{target}`{_near(target, known)}")


def _nested(knowledge: Knowledge, group: str | None, target: str) -> Iterator[tuple[str, Root]]:
    """The class of that name where it is held by a parameter, as if it were a root."""
    for (of, path), entry in knowledge.entries.items():
        cls = class_of(entry["type"]) if group in (None, of) else None
        if cls and target in (cls, _short(cls)) and level(knowledge, of, path):
            kind = knowledge.families.get(cls, "unknown")
            yield of, {"name": cls, "target": cls, "kind": kind, "prefix": path, "nested": True}


def choose(knowledge: Knowledge, keys: Sequence[str]) -> tuple[str, Root]:
    """The root that has most of the keys, the first of the schema where several do."""
    return _best(knowledge, list(roots(knowledge)), keys)


def _best(knowledge: Knowledge, every: Sequence[tuple[str, Root]], keys: Sequence[str]) -> tuple[str, Root]:
    if len(every) == 1 or not keys:
        return every[0]
    plain = {key.lstrip("-").replace("-", "_").partition(".")[0] for key in keys}

    def score(place: int) -> tuple[int, int]:
        group, root = every[place]
        return len(plain & names_of(knowledge, group, root).fields.keys()), -place

    return every[max(range(len(every)), key=score)]


def sections(knowledge: Knowledge, value: Mapping[str, Any]) -> dict[str, str]:
    """Keys that are names of groups or classes and hold mappings, with the group, if all of them are."""
    names = {group: group for group in knowledge.groups}
    for group, root in roots(knowledge):
        names.setdefault(_short(root["name"]), group)
    if value and all(key in names and isinstance(inner, dict) for key, inner in value.items()):
        return {key: names[key] for key in value}
    return {}


def _near(name: str, known: Sequence[str]) -> str:
    from atlas.validation import nearest

    return nearest(name, known)


def _short(name: str) -> str:
    return name.rpartition(".")[2]
