"""What to do about a setting that is refused: an edit that is certain, or what the user has to decide."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, TypeAlias

from atlas.check.model import UNKNOWN, Finding
from atlas.diff.change import Change
from atlas.diff.fragments import accepts, parts, without_null
from atlas.diff.wording import shown
from atlas.schema.compare import same_value
from atlas.upgrade.given import Given
from atlas.upgrade.model import Edit
from atlas.upgrade.sides import Sides

Json: TypeAlias = Any
RENAMED = ("param_renamed",)
UNKNOWN_NAMES = ("unknown_parameter", "removed_parameter")
GONE = ("param_removed", "param_removed_required", "param_ignored", "param_unseen", "became_readonly")


def remedy(
    finding: Finding, one: Given | None, related: Sequence[Change], sides: Sides
) -> tuple[Edit | None, str]:
    """An edit that is certain, or what is left to decide."""
    if one is None:
        if finding.kind in UNKNOWN_NAMES:
            return None, "remove it, or see what took its place"
        return None, "no setting of yours alone is the reason"
    for change in related:
        if change.kind in RENAMED and change.renamed_to:
            name = change.renamed_to.rpartition(":")[2].rpartition(".")[2]
            return Edit("rename", one.written, one.path, change.reason, _spelled(name, one.path[-1])), ""
        if change.kind == "param_moved" and change.renamed_to:
            return None, f"it is now `{change.renamed_to.partition(':')[2]}`: {change.reason}"
        if change.kind in GONE:
            return _removal(one, change, sides)
    if finding.kind in UNKNOWN_NAMES and _is_default(one, sides):
        why = f"{sides.diff.new} has no such flag, and takes that by default"
        return Edit("remove", one.written, one.path, why), ""
    value = _only_value(one, related, sides)
    if value is not None:
        return Edit("set", one.written, one.path, "the only value that is left", value), ""
    return None, _choices(finding, one, sides)


def _is_default(one: Given, sides: Sides) -> bool:
    """Whether the newer version takes the value where nothing is set."""
    group, _, path = one.subject.partition(":")
    entry = sides.facts[1].entries.get((group, path), {})
    return "default" in entry and one.value is not UNKNOWN and same_value(one.value, entry["default"])


def _spelled(name: str, written: str | int) -> str:
    """A new name in the style of the old one: with dashes where that had dashes."""
    text = str(written)
    dashes = "-" in text.lstrip("-") or text.startswith("--")
    return ("--" if text.startswith("--") else "") + (name.replace("_", "-") if dashes else name)


def _removal(one: Given, change: Change, sides: Sides) -> tuple[Edit | None, str]:
    """Taking out what is gone is certain where nothing that the user asked for gets lost without a word."""
    instead = advice(change)
    as_default = (
        "default" in one.entry and one.value is not UNKNOWN and same_value(one.value, one.entry["default"])
    )
    if instead and not as_default:
        return None, instead
    why = f"{sides.diff.new} has no such parameter"
    return Edit(
        "remove", one.written, one.path, why + (", and it was set to its default" if as_default else "")
    ), ""


_INSTEAD = re.compile(r"\b(instead|use|pass|set|replaced|moved)\b", re.I)


def advice(change: Change) -> str:
    """What the engine says that took its place, or what may have."""
    deprecated = change.detail.get("deprecated") or {}
    message = deprecated.get("message") or ""
    if deprecated.get("replacement"):
        return f"the engine says to use {deprecated['replacement']}: {message}".rstrip(": ")
    if change.renamed_to:
        return f"it is now `{change.renamed_to.partition(':')[2]}`: {change.reason}"
    if _INSTEAD.search(message):
        return f"the engine says: {message}"
    alike = change.detail.get("maybe_renamed_to")
    return f"it may now be {' or '.join(alike)}; nothing in the engine says so" if alike else ""


def _only_value(one: Given, related: Sequence[Change], sides: Sides) -> Json:
    """The single value that the newer version takes, if there is just one."""
    if not any(change.kind in ("enum_value_removed", "type_narrowed", "enum_closed") for change in related):
        return None
    group, _, path = one.subject.partition(":")
    entry = sides.facts[1].entries.get((group, path))
    left = parts(without_null(entry["type"])) if entry else []
    nullable = entry is not None and accepts(entry["type"], None) is not False
    return left[0].value if len(left) == 1 and left[0].kind == "value" and not nullable else None


def _choices(finding: Finding, one: Given, sides: Sides) -> str:
    group, _, path = one.subject.partition(":")
    entry = sides.facts[1].entries.get((group, path))
    listed = [part.value for part in parts(entry["type"]) if part.kind == "value"] if entry else []
    if finding.kind == "not_allowed" and listed:
        return f"choose one of {', '.join(map(shown, listed[:12]))}"
    return "another value, or none: which one fits your case is not known"
