"""A report for a terminal, as Markdown, and as JSON (config/schemas/cli/diff.schema.json)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, TypeAlias

from atlas.diff.policy import LEVELS, Judged, Report
from atlas.diff.wording import path_of, proof, replay_command, said

Json: TypeAlias = Any
FORMAT_VERSION = 1
COLOURS = {
    "breaking": "bold red",
    "behavioural": "magenta",
    "risky": "yellow",
    "indeterminate": "cyan",
    "notice": "blue",
    "additive": "green",
    "cosmetic": "dim",
}


def counted(report: Report) -> dict[str, int]:
    """How many changes there are of each impact, waived ones too."""
    counts = Counter(one.impact for one in report.judged)
    return {level: counts[level] for level in LEVELS if counts[level]}


def headline(report: Report) -> str:
    diff = report.diff
    counts = ", ".join(f"{count} {level}" for level, count in counted(report).items() if level != "cosmetic")
    return f"{diff.engine} {diff.old} → {diff.new}: {counts or 'no change that matters'}"


def terminal(report: Report, level: str, *, colour: bool) -> Iterator[str]:
    """Lines; with markup of rich where `colour`."""
    from rich.markup import escape

    shown = report.at_least(level)
    yield _styled(escape(headline(report)) if colour else headline(report), "bold", colour)
    if report.diff.note:
        yield _styled(report.diff.note, "cyan", colour)
    last = ""
    for one in shown:
        if one.impact != last:
            last = one.impact
            yield ""
            yield _styled(one.impact, COLOURS[one.impact], colour)
        for line in _lines(one):
            yield escape(line) if colour else line
    hidden = len(report.judged) - len(shown)
    if hidden:
        yield ""
        yield f"{hidden} more below `{level}`"
    yield from (f"unused waiver: {one.id} ({one.where})" for one in report.unused)


def _styled(text: str, style: str, colour: bool) -> str:
    return f"[{style}]{text}[/]" if colour else text


def _lines(one: Judged) -> Iterator[str]:
    change = one.change
    words = said(change)
    yield f"  {change.kind}  {_name(change.subject)}" + (f"  {words}" if words else "")
    if change.reason and change.kind == "indeterminate":
        yield f"      not known: {change.reason}"
    if change.witness:
        yield f"      {proof(change.witness)}"
    if one.waiver:
        yield f"      {_waived(one)}"


def _name(subject: str) -> str:
    """Parameters of the first group go by their path; of others the group is told."""
    return subject if ":" not in subject else subject.replace(":", ": ", 1)


def _waived(one: Judged) -> str:
    assert one.waiver is not None
    if one.expired:
        return f"waiver expired on {one.waiver.expires}: {one.waiver.reason} ({one.waiver.where})"
    return f"waived until {one.waiver.expires}: {one.waiver.reason}"


def markdown(report: Report, level: str) -> Iterator[str]:
    """A section for each impact, what is harmless folded."""
    diff = report.diff
    yield f"# {diff.engine} {diff.old} → {diff.new}"
    yield ""
    if diff.note:
        yield f"*{_cell(diff.note)}*"
        yield ""
    yield "| impact | changes |"
    yield "|---|---|"
    for name, count in counted(report).items():
        yield f"| {name} | {count} |"
    shown = report.at_least(level)
    for name in LEVELS:
        group = [one for one in shown if one.impact == name]
        if group:
            yield from _section(name, group)
    if report.unused:
        yield ""
        yield "Waivers that cover nothing here: " + ", ".join(f"`{one.id}`" for one in report.unused)


def _section(name: str, group: list[Judged]) -> Iterator[str]:
    folded = name in ("additive", "cosmetic")
    yield ""
    yield f"<details><summary>{name} ({len(group)})</summary>" if folded else f"## {name}"
    yield ""
    yield "| change | of | what |"
    yield "|---|---|---|"
    for one in group:
        change = one.change
        parts = [said(change)]
        if change.kind == "indeterminate":
            parts.append(f"not known: {change.reason}")
        if change.witness:
            parts.append(proof(change.witness))
        if one.waiver:
            parts.append(_waived(one))
        cells = (change.kind, _code(change.subject), "<br>".join(_cell(part) for part in parts if part))
        yield "| " + " | ".join(cells) + " |"
    if folded:
        yield ""
        yield "</details>"


def _code(text: str) -> str:
    return f"`{text}`"


def _cell(text: str) -> str:
    """Text that can't end a cell, or be taken as HTML or a link."""
    for mark, safe in (
        ("\\", "\\\\"),
        ("|", "\\|"),
        ("<", "&lt;"),
        (">", "&gt;"),
        ("`", "\\`"),
        ("*", "\\*"),
        ("_", "\\_"),
        ("[", "\\["),
    ):
        text = text.replace(mark, safe)
    return text


def as_json(report: Report, level: str) -> dict[str, Json]:
    """Everything at this level or worse."""
    diff = report.diff
    return {
        "format_version": FORMAT_VERSION,
        "engine": diff.engine,
        "from": diff.old,
        "to": diff.new,
        "known": "history" if diff.note else "in full",
        "worst": report.worst,
        "counts": counted(report),
        "changes": [_entry(report, one) for one in report.at_least(level)],
        "unused_waivers": [one.id for one in report.unused],
    }


def _entry(report: Report, one: Judged) -> dict[str, Json]:
    change = one.change
    entry: dict[str, Json] = {
        "id": one.id,
        "kind": change.kind,
        "impact": one.impact,
        "evidence": change.evidence,
        "subject": change.subject,
        "path": path_of(change.subject),
        "aspect": change.aspect or "all",
        "text": said(change),
        "old": change.old,
        "new": change.new,
        "detail": dict(change.detail),
        "where": list(change.where),
    }
    if change.renamed_to:
        entry["renamed_to"] = change.renamed_to
    if change.reason:
        entry["reason"] = change.reason
    if change.witness:
        witness = {key: value for key, value in asdict(change.witness).items() if value is not None}
        entry["witness"] = {**witness, "replay": replay_command(report.diff, change.witness)}
    if one.waiver:
        entry["waiver"] = {
            "id": one.waiver.id,
            "reason": one.waiver.reason,
            "expires": one.waiver.expires.isoformat(),
            "expired": one.expired,
        }
    return entry
