"""From two checks and a diff to the points of an upgrade."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from atlas.check.model import UNKNOWN, Finding
from atlas.diff.change import Change
from atlas.diff.defaults import shown_default
from atlas.diff.facts import Facts
from atlas.diff.fragments import accepts
from atlas.diff.wording import said, shown
from atlas.schema.compare import same_value
from atlas.upgrade.given import Given
from atlas.upgrade.model import Kind, Point
from atlas.upgrade.remedy import GONE, RENAMED, advice, remedy
from atlas.upgrade.sides import Sides, new_errors

Json: TypeAlias = Any
DEFAULTS = (
    "default_changed",
    "default_became_dynamic",
    "default_became_static",
    "effective_default_changed",
    "became_optional",
)


def points(sides: Sides) -> list[Point]:
    """Everything that the upgrade does to the configuration."""
    return _distinct([*_refused(sides), *_of_given(sides), *_of_unset(sides)])


def _distinct(found: Sequence[Point]) -> list[Point]:
    seen: list[Point] = []
    for one in found:
        if one not in seen:
            seen.append(one)
    return seen


def _refused(sides: Sides) -> Iterator[Point]:
    """What the newer version refuses: with an edit that is certain, or with what there is to decide."""
    told: set[str] = set()
    for finding in new_errors(sides.before, sides.after):
        one = _given_of(finding, sides.given)
        name = one.subject.partition(":")[2] if one else finding.parameter
        if name in told:
            continue
        told.add(name)
        related = sides.changes(one.subject) if one else []
        edit, left = remedy(finding, one, related, sides)
        yield Point(
            "breaks",
            name,
            finding.message,
            one.written if one else finding.written,
            finding.place,
            finding.evidence,
            tuple(sides.id(change) for change in related if change.kind not in _COSMETIC),
            edit,
            "" if edit else left,
        )
    yield from _perhaps_refused(sides, told)


def _perhaps_refused(sides: Sides, told: set[str]) -> Iterator[Point]:
    """Parameters that are gone where the newer version takes names that it does not declare."""
    for one in sides.given:
        name = one.subject.partition(":")[2]
        for change in sides.changes(one.subject):
            if change.kind == "param_ignored":
                continue
            if change.kind in (*GONE, *RENAMED, "param_moved") and name not in told:
                told.add(name)
                yield Point(
                    "may_break",
                    name,
                    f"`{one.written}` is gone in {sides.diff.new}; whether it is refused there is not known",
                    one.written,
                    one.place,
                    change.evidence,
                    (sides.id(change),),
                    left=advice(change) or "remove it, or see what took its place",
                )


_COSMETIC = ("source_moved", "doc_changed", "type_rewritten", "provenance_changed", "default_text_changed")


def _given_of(finding: Finding, given: Sequence[Given]) -> Given | None:
    """The setting that a finding is about: the innermost with that parameter or spelling."""
    for one in given:
        if finding.parameter == one.subject.partition(":")[2] and _same_place(finding, one):
            return one
    for one in given:
        names = (one.written, one.written.lstrip("-").replace("-", "_"), one.entry["name"])
        if finding.written in names or finding.parameter in names:
            return one
    return None


def _same_place(finding: Finding, one: Given) -> bool:
    return finding.place == one.place or finding.written == one.written.partition(".")[0]


def _of_given(sides: Sides) -> Iterator[Point]:
    """Changes of meaning, deprecations and settings that became pointless."""
    for one in sides.given:
        for change in sides.changes(one.subject):
            kind = _kind_for_given(one, change, sides)
            if kind is not None:
                yield _point(kind, one, change, sides)
    yield from _became(sides)
    yield from _dormant(sides)


def _kind_for_given(one: Given, change: Change, sides: Sides) -> Kind | None:
    if change.kind == "deprecated":
        return "deprecated"
    if change.kind == "indeterminate":
        return "not_known"
    if change.kind == "param_ignored" and not _is_refused(one, sides):
        return "pointless"
    if change.kind in ("named_value_removed", "enum_value_removed"):
        removed = any(same_value(one.value, value) for value in change.detail["removed"])
        return "may_break" if removed and not _is_refused(one, sides) else None
    if change.kind == "flag_removed" and one.written.startswith("--"):
        return "may_break"
    if change.kind == "flag_spelling_removed":
        return "may_break" if one.written in change.detail["removed"] else None
    if change.kind in DEFAULTS and _is_new_default(one, change):
        return "pointless"
    return None


def _is_refused(one: Given, sides: Sides) -> bool:
    name = one.subject.partition(":")[2]
    return any(finding.parameter == name for finding in new_errors(sides.before, sides.after))


def _is_new_default(one: Given, change: Change) -> bool:
    """Whether the value is what it would be without being set, from now on."""
    if change.kind == "effective_default_changed":
        return False
    new = change.new or {}
    return one.value is not UNKNOWN and "default" in new and same_value(one.value, new["default"])


def _point(kind: Kind, one: Given, change: Change, sides: Sides) -> Point:
    words = {
        "deprecated": f"`{one.written}` is deprecated: {said(change)}",
        "not_known": f"`{one.written}`: {change.reason}",
        "pointless": f"`{one.written}` sets nothing any more: {change.reason}"
        if change.kind == "param_ignored"
        else f"`{one.written}` is set to what {sides.diff.new} takes by default: {said(change)}",
        "may_break": f"`{one.written}`: {said(change)}",
    }
    return Point(
        kind,
        one.subject.partition(":")[2],
        words[kind],
        one.written,
        one.place,
        change.evidence,
        (sides.id(change),),
    )


def _became(sides: Sides) -> Iterator[Point]:
    """Values that the engine makes something else of than it did."""
    before, after = sides.before.effective, sides.after.effective
    if not (sides.before.accepted and sides.after.accepted and sides.before.in_full and sides.after.in_full):
        return
    by_name = {one.entry["name"]: one for one in sides.given}
    for name in dict.fromkeys((*before, *after)):
        one = by_name.get(name)
        was = before.get(name, one.value if one else None)
        becomes = after.get(name, one.value if one else None)
        if one is not None and not same_value(was, becomes):
            message = f"`{one.written}` ends up as {shown(becomes)}; {sides.diff.old} made it {shown(was)}"
            yield Point("meaning", name, message, one.written, one.place, "proven")


def _dormant(sides: Sides) -> Iterator[Point]:
    """Settings that have no effect any more, as far as rules tell."""
    known = {(one.kind, one.parameter, one.rule) for one in sides.before.findings}
    rules = {one.rule for one in sides.before.findings}
    for finding in sides.after.findings:
        if finding.kind == "dormant" and (finding.kind, finding.parameter, finding.rule) not in known:
            if finding.rule in rules:
                continue
            since = "" if sides.before.in_full else f"; whether {sides.diff.old} does so is not known"
            yield Point(
                "pointless" if sides.before.in_full else "not_known",
                finding.parameter,
                finding.message + since,
                finding.written,
                finding.place,
                finding.evidence,
            )


def _of_unset(sides: Sides) -> Iterator[Point]:
    """Defaults that changed of what the configuration does not set: behaviour that changes without a word."""
    given = {one.subject for one in sides.given}
    group = sides.before.group
    for change in sides.diff.changes:
        if change.kind not in DEFAULTS or change.subject in given or change.kind == "became_optional":
            continue
        of, _, path = change.subject.partition(":")
        entry = sides.facts[0].entries.get((of, path))
        if of != group or entry is None or entry["root"] != sides.before.target:
            continue
        if entry.get("private") or entry.get("readonly"):
            continue
        yield Point(
            "default",
            path,
            f"`{path}` is not set, and its default changes: {said(change)}",
            evidence=change.evidence,
            changes=(sides.id(change),),
            left=_pin(entry, change, sides.facts[1]),
        )


def _pin(entry: Mapping[str, Json], change: Change, facts: Facts) -> str:
    """How to keep what was, where the newer version takes that as something of its own."""
    group, _, path = (change.renamed_to or change.subject).partition(":")
    newer = facts.entries[group, path]
    was = entry.get("effective_default") or shown_default(entry)
    if "value" not in was:
        return ""
    resolved = change.detail.get("effective_to") or {}
    if "value" in resolved and same_value(resolved["value"], was["value"]):
        return f"nothing, where it is resolved to the same (seen on {resolved.get('platform')})"
    own = "default" in newer and same_value(newer["default"], was["value"])
    if own or accepts(newer["type"], was["value"]) is not True:
        return ""
    return f"set it to {shown(was['value'])} to keep what was"
