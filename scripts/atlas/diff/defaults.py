"""What changed of a default: the declared one, and what the engine makes of it when nothing is set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from atlas.diff.facts import Facts
from atlas.schema.compare import same_value

Json: TypeAlias = Any
Found: TypeAlias = tuple[str, dict[str, Json]]
WORKED_OUT = ("computed", "factory")
"""Kinds of defaults that are made by code; they are known only with their value."""


def default_changes(
    old: Mapping[str, Json], new: Mapping[str, Json], facts: tuple[Facts, Facts]
) -> list[Found]:
    """Kinds between the `default` aspects of two entries, given as whole entries."""
    was, becomes = old["default_kind"], new["default_kind"]
    if (was == "required") != (becomes == "required"):
        shown = shown_default(new if was == "required" else old)
        return [
            ("became_optional", {"to": shown}) if was == "required" else ("became_required", {"from": shown})
        ]
    detail = {"from": shown_default(old), "to": shown_default(new)}
    for side, entry, version in (("effective_from", old, facts[0]), ("effective_to", new, facts[1])):
        known = effective(entry, version)
        if known is not None:
            detail[side] = known
    dynamic = is_dynamic(old, facts[0]), is_dynamic(new, facts[1])
    if dynamic != (False, False) and dynamic[0] != dynamic[1]:
        return [("default_became_dynamic" if dynamic[1] else "default_became_static", detail)]
    if same_default(old, new):
        return [("default_text_changed", {})]
    return [("default_changed", detail)]


def undecided_default(old: Mapping[str, Json], new: Mapping[str, Json]) -> str:
    """Why two defaults cannot be compared; empty where they can."""
    for entry in (old, new):
        if entry["default_kind"] == "unknown":
            return "the default could not be read in both versions"
    hidden = [one["default_kind"] in WORKED_OUT and "default" not in one for one in (old, new)]
    if all(hidden):
        return "both are worked out by code, to what is not known"
    return ""


def same_default(old: Mapping[str, Json], new: Mapping[str, Json]) -> bool:
    return (
        ("default" in old) == ("default" in new)
        and same_value(old.get("default"), new.get("default"))
        and type(old.get("default")) is type(new.get("default"))
    )


def is_dynamic(entry: Mapping[str, Json], facts: Facts) -> bool:
    """Whether the engine works it out: by code, or because it replaces the declared one."""
    if entry["default_kind"] == "required":
        return False
    if "default" not in entry:
        return True
    return "effective_default" in entry or varies(entry, facts)


def varies(entry: Mapping[str, Json], facts: Facts) -> bool:
    """Whether what it is resolved to depends on the model or the run."""
    names = {f"{entry['owner']}.{entry['name']}", entry.get("joins") or ""}
    return any(
        one["code"] == "varies" and any(name in one["reason"] for name in names if name)
        for one in facts.schema["limitations"]
    )


def effective(entry: Mapping[str, Json], facts: Facts) -> Json:
    """What it is resolved to, with the platform on which that was seen; None where it is not known."""
    found = entry.get("effective_default")
    if found is not None:
        return found
    return {"varies": True} if varies(entry, facts) else None


def shown_default(entry: Mapping[str, Json]) -> Json:
    """A default for readers: its value, or how it is made."""
    if "default" in entry:
        return {"value": entry["default"]}
    return {
        "kind": entry["default_kind"],
        **({"text": entry["default_text"]} if "default_text" in entry else {}),
    }


def effective_undecided(old: Mapping[str, Json], new: Mapping[str, Json], facts: tuple[Facts, Facts]) -> str:
    """Why a difference of effective defaults may not be the engine's."""
    unmeasured = [
        f"{version.version}: what defaults are resolved to was not measured"
        for entry, version in zip((old, new), facts, strict=True)
        if "effective_default" not in entry and not resolves(entry, version)
    ]
    if unmeasured:
        return min(unmeasured)
    platforms = platforms_of(old, new)
    if len(platforms) > 1:
        return f"measured on {' and '.join(sorted(platforms))}"
    if varies(old, facts[0]) != varies(new, facts[1]):
        return "in one of the versions it was not the same each time"
    return ""


def platforms_of(*entries: Mapping[str, Json]) -> set[str]:
    return {one["effective_default"]["platform"] for one in entries if "effective_default" in one}


def resolves(entry: Mapping[str, Json], facts: Facts) -> bool:
    """Whether effective values were measured for the entry's root."""
    return any(row["root"] == entry["root"] and row["effective"] for row in facts.schema["lanes"]["rows"])
