"""`atlas stale`: which artefacts are stale and what has changed, from Snakemake's own verdict."""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from atlas.provenance.orphans import Orphan, orphans
from atlas.provenance.orphans import text as orphans_text
from atlas.provenance.verdict import Reason, Verdict, ask

WORDS = {
    "missing": "missing",
    "input": "input",
    "upstream": "follows",
    "inputs": "other inputs",
    "code": "code",
    "params": "params",
    "command": "command",
    "container": "container",
    "edited": "edited by hand",
    "interrupted": "interrupted",
    "unknown": "no provenance",
    "forced": "forced",
}
"""Kinds of reasons as they are shown."""

MANY = 3
"""Facts of one kind that are shown; of more, their number."""


@dataclass(frozen=True)
class Stale:
    """An artefact that is not what its inputs would make today. `changes` is for programs."""

    artefact: str
    rule: str
    reason: str
    changed: str
    changes: tuple[Reason, ...]


def stale(root: Path, verdict: Verdict | None = None) -> list[Stale]:
    """Stale artefacts in the order in which they would be built."""
    verdict = verdict or ask(root)
    return [
        Stale(output, job.rule, _kinds(job.reasons), describe(job.reasons, output), job.reasons)
        for job in verdict.stale()
        for output in job.outputs
    ]


def run_stale(root: Path, *, as_json: bool = False, notes: Mapping[str, Any] | None = None) -> int:
    """Print stale artefacts and orphans; 1 if there are any. `notes` are further keys of the JSON."""
    verdict = ask(root)
    found, lost = stale(root, verdict), orphans(root, verdict)
    skipped = {output: job.unfit for job in verdict.stale() if job.unfit for output in job.outputs}
    if as_json:
        answer: dict[str, Any] = {"stale": [asdict(s) for s in found], "orphans": [asdict(o) for o in lost]}
        answer["skipped"] = [{"artefact": output, "reason": why} for output, why in skipped.items()]
        print(json.dumps({**answer, **(notes or {})}, indent=1))
    else:
        _print(found, lost, total=sum(len(job.outputs) for job in verdict.jobs))
        for output, why in skipped.items():
            print(f"skipped here: {output}: {why}")
    return 1 if found or lost else 0


def _kinds(reasons: tuple[Reason, ...]) -> str:
    return ", ".join(dict.fromkeys(WORDS[reason.kind] for reason in reasons))


def describe(reasons: tuple[Reason, ...], artefact: str = "") -> str:
    """What changed, in a line."""
    parts = []
    for _, group in itertools.groupby(reasons, key=lambda reason: reason.kind):
        facts = [_fact(reason, artefact) for reason in group]
        more = f" and {len(facts) - MANY} more" if len(facts) > MANY else ""
        parts.append(", ".join(facts[:MANY]) + more)
    return "; ".join(part for part in parts if part)


def _fact(reason: Reason, artefact: str) -> str:
    before, now = (_shown(value) for value in (reason.before, reason.now))
    named = "" if reason.what == artefact else f"{reason.what}: "
    match reason.kind:
        case "code":
            return f"{reason.what} ({before} -> {now})"
        case "params":
            return f"{reason.what} as built {before}, now {now}"
        case "input" | "container":
            return f"{reason.what} as built {before}, now {now}"
        case "edited" | "interrupted":
            return f"{named}as built {before}, on disk {now}"
        case "command":
            return f"shell of rule {reason.what}"
        case "missing" | "unknown":
            return named.removesuffix(": ")
        case _:
            return reason.what


def _shown(value: str | None) -> str:
    return "nothing" if value is None else value.strip("'")


def _print(found: list[Stale], lost: list[Orphan], total: int) -> None:
    if found:
        console = Console(width=None if sys.stdout.isatty() else 200, highlight=False)
        console.print(_table(found))
        print(f"{len(found)} of {total} artefacts are stale. `atlas build` builds them.")
    else:
        print(f"nothing is stale: {total} artefacts")
    if lost:
        print(orphans_text(lost))


def _table(found: list[Stale]) -> Table:
    """One block for each reason, which is named once."""
    table = Table(box=None, pad_edge=False)
    for heading in ("artefact", "reason", "what changed"):
        table.add_column(heading, overflow="fold")
    last = None
    for row in found:
        why = (row.reason, row.changed)
        table.add_row(row.artefact, *(why if why != last else ("", "")))
        last = why
    return table
