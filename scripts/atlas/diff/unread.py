"""Was a parameter's place read in a version at all? Only then its absence there is a fact."""

from __future__ import annotations

from collections.abc import Mapping

from atlas.diff.facts import Facts, Json, Key, held_classes, lanes_of
from atlas.diff.fragments import has, is_opaque

NOT_READ = {
    "static": ("not_found", "source_not_parsed"),
    "live": ("not_found", "import_failed", "class_unreadable", "signature_unavailable", "construct_failed"),
    "merge": ("root_not_found",),
}
"""Limitations, by lane, after which names of a class may be missing."""


def unread(facts: Facts, key: Key, entry: Mapping[str, Json]) -> str:
    """Why `facts` cannot say that it lacks `entry` of another version; empty where it can."""
    group = key[0]
    if group not in facts.groups:
        return f"{facts.version}: no surface `{group}` was read"
    for reason in (_root(facts, group, entry), _limited(facts, key, entry), _lane(facts, entry)):
        if reason:
            return f"{facts.version}: {reason}"
    reason = _hidden(facts, key)
    if reason:
        return f"{facts.version}: {reason}"
    if entry.get("via") == "docstring":
        return "only its documentation named it"
    return ""


def _root(facts: Facts, group: str, entry: Mapping[str, Json]) -> str:
    """A root that is not there, unless others of the pattern that found it are."""
    roots = facts.schema["roots"][group]
    if any(_same_class(root["name"], entry["root"]) for root in roots):
        return ""
    package = entry["root"].rpartition(".")[0]
    if any("*" in root["target"] and root["target"].startswith(f"{package}.") for root in roots):
        return ""
    return f"`{_short(entry['root'])}` is not among the classes and functions that were read"


def _limited(facts: Facts, key: Key, entry: Mapping[str, Json]) -> str:
    seen = lanes_of(entry)
    names = {entry["owner"], entry["root"], f"{key[0]}:{key[1]}"}
    for one in facts.schema["limitations"]:
        lane = one["lane"]
        if one["code"] not in NOT_READ[lane] or (lane == "live" and "static" in seen):
            continue
        if any(_is_about(field, names) for field in one["fields"]):
            return f"`{one['fields'][0]}` could not be read ({one['code']}: {one['reason'][:120]})"
    return ""


def _is_about(field: str, names: set[str]) -> bool:
    return any(
        name == field or name.startswith(f"{field}.") or field.startswith(f"{name}.") for name in names
    )


def _lane(facts: Facts, entry: Mapping[str, Json]) -> str:
    """What only a running class had shown, and no class was running here."""
    ran = facts.schema["lanes"]["seen"]
    missing = [lane for lane in lanes_of(entry) if lane in ran]
    if missing:
        return ""
    return f"only the {lanes_of(entry)[0]} lane shows it, and that did not run"


def _hidden(facts: Facts, key: Key) -> str:
    """Whether the parameter that it is below may take names which are not listed."""
    holder = _holder(facts, key)
    if holder is None or any(of == key[0] and _is_below(path, holder["path"]) for of, path in facts.entries):
        return ""
    fragment = holder["type"]
    if is_opaque(fragment):
        return f"what `{holder['path']}` takes could not be read"
    if has(fragment, "any") or (has(fragment, "object") and not held_classes(fragment)):
        return f"`{holder['path']}` takes a mapping whose names are not listed"
    return ""


def _holder(facts: Facts, key: Key) -> Mapping[str, Json] | None:
    """The nearest parameter above that the version has; the items of `a` are `a[].x` and `a.*.x`."""
    path = key[1]
    while "." in path:
        path = path.rpartition(".")[0]
        reached = facts.reached((key[0], path.removesuffix(".*").removesuffix("[]")))
        if reached:
            return facts.entries[reached]
    return None


def _is_below(path: str, holder: str) -> bool:
    return path.startswith((f"{holder}.", f"{holder}["))


def _same_class(one: str, other: str) -> bool:
    return one == other or _short(one) == _short(other)


def _short(name: str) -> str:
    return name.rpartition(".")[2]
