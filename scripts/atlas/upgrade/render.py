"""An upgrade as text, and as JSON (config/schemas/cli/upgrade.schema.json)."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

from atlas.upgrade.model import KINDS, Edit, Kind, Point
from atlas.upgrade.run import Done

Json: TypeAlias = Any
FORMAT_VERSION = 1
HEADS: dict[Kind, str] = {
    "breaks": "breaks",
    "may_break": "may break",
    "meaning": "changes meaning",
    "default": "not set, and the default changes",
    "deprecated": "deprecated from now on",
    "pointless": "becomes pointless",
    "not_known": "not known",
}


def lines(found: Sequence[Done], original: str | None, *, written: bool) -> Iterator[tuple[str, str]]:
    """Style and text of each line."""
    for place, done in enumerate(found):
        if place:
            yield "", ""
        yield from _one(done)
    yield from _edited(found, original, written=written)


def _one(done: Done) -> Iterator[tuple[str, str]]:
    upgrade = done.upgrade
    yield "head", f"{upgrade.name}: {upgrade.engine} {upgrade.old} → {upgrade.new}, {verdict(done)}"
    if upgrade.note:
        yield "not_known", f"  {upgrade.note}"
    for kind in KINDS:
        points = upgrade.of(kind)
        if points:
            yield kind, HEADS[kind]
            for point in points:
                yield from _point(point)
    if upgrade.remaining:
        yield "breaks", f"still refused by {upgrade.new}"
        yield from (("", f"  {one.place}: {one.message}") for one in upgrade.remaining)


def verdict(done: Done) -> str:
    """In a few words: does it work, and with what edits?"""
    upgrade = done.upgrade
    if upgrade.left or upgrade.remaining:
        return "not accepted" + (f" even with {_count(upgrade.edits)}" if upgrade.edits else "")
    if upgrade.edits:
        return f"accepted{' as far as is known' if upgrade.note else ''} with {_count(upgrade.edits)}"
    sure = not upgrade.of("may_break") and not upgrade.note
    return "accepted as it is" if sure else "accepted as far as is known"


def _count(edits: Sequence[Edit]) -> str:
    return f"{len(edits)} edit{'s' if len(edits) > 1 else ''}"


def _point(point: Point) -> Iterator[tuple[str, str]]:
    where = f"{point.place}: " if point.place is not None else ""
    yield "", f"  {where}{point.message}"
    if point.edit is not None:
        yield "edit", f"      edit: {action(point.edit)} ({point.edit.reason})"
    elif point.left:
        yield (
            "left",
            f"      {'left to you' if point.kind in ('breaks', 'may_break') else 'or'}: {point.left}",
        )


def action(edit: Edit) -> str:
    if edit.action == "remove":
        return f"remove `{edit.written}`"
    from atlas.diff.wording import shown

    return f"{'rename' if edit.action == 'rename' else 'set'} `{edit.written}` to {shown(edit.to)}"


def _edited(found: Sequence[Done], original: str | None, *, written: bool) -> Iterator[tuple[str, str]]:
    texts = [one for one in found if one.text is not None]
    reasons = {one.not_written for one in found if one.not_written}
    if written and texts and not reasons:
        yield "", ""
        yield "edit", "written"
        return
    for reason in sorted(reasons):
        yield "", ""
        yield "left", f"not edited in place: {reason}"
    if original is not None and texts and not reasons:
        yield "", ""
        yield from (("", line) for line in changed_lines(original, texts[0].text or ""))
    elif texts:
        yield "", ""
        yield from (("", one.text or "") for one in texts)


def changed_lines(before: str, after: str) -> list[str]:
    """A unified diff without its head."""
    found = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=1)
    return list(found)[2:]


def as_json(found: Sequence[Done], *, written: bool) -> dict[str, Json]:
    return {
        "format_version": FORMAT_VERSION,
        "results": [_result(one, written=written) for one in found],
    }


def _result(done: Done, *, written: bool) -> dict[str, Json]:
    upgrade = done.upgrade
    entry: dict[str, Json] = {
        "subject": upgrade.name,
        "engine": upgrade.engine,
        "from": upgrade.old,
        "to": upgrade.new,
        "group": upgrade.group,
        "target": upgrade.target,
        "known": "history" if upgrade.note else "in full",
        "accepted_before": upgrade.accepted_before,
        "accepted_after": upgrade.accepted_after,
        "edits": [_edit(one) for one in upgrade.edits],
        "written": written and bool(upgrade.edits) and not done.not_written,
        "points": [_point_json(one) for one in upgrade.points],
        "remaining": [one.message for one in upgrade.remaining],
    }
    if done.text is not None:
        entry["edited"] = done.text
    if done.not_written:
        entry["not_written"] = done.not_written
    return entry


def _edit(edit: Edit) -> dict[str, Json]:
    entry: dict[str, Json] = {"action": edit.action, "written": edit.written, "path": list(edit.path)}
    return {**entry, **({"to": edit.to} if edit.action != "remove" else {}), "reason": edit.reason}


def _point_json(point: Point) -> dict[str, Json]:
    entry: dict[str, Json] = {"kind": point.kind, "parameter": point.parameter, "message": point.message}
    if point.place is not None:
        place = point.place
        entry["place"] = {"name": place.name, "line": place.line, "column": place.column}
    optional = {
        "written": point.written,
        "evidence": point.evidence,
        "changes": list(point.changes),
        "left": point.left,
    }
    entry |= {key: value for key, value in optional.items() if value}
    if point.edit is not None:
        entry["edit"] = _edit(point.edit)
    return entry
