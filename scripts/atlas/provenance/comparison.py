"""Artefacts made again against the committed ones, byte by byte."""

from __future__ import annotations

import difflib
import itertools
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from atlas.cost import COST_DIR

EXCERPT = 20
"""Lines of a difference that are shown."""

WIDTH = 300
"""Characters of a line that are shown."""


@dataclass(frozen=True)
class Compared:
    """One artefact, made again. `cost` is what its stage took: seconds, bytes, requests."""

    artefact: str
    rule: str
    identical: bool
    difference: str
    cost: dict[str, Any]


def compare(root: Path, tree: Path, rule: str, artefact: str) -> Compared:
    """Compare the artefact in `tree` with the one in `root`."""
    committed, again = (root / artefact).read_bytes(), (tree / artefact).read_bytes()
    difference = "" if committed == again else _difference(committed, again)
    return Compared(artefact, rule, committed == again, difference, _cost(tree, rule, artefact))


def _difference(committed: bytes, again: bytes) -> str:
    """The first lines of a unified diff."""
    before, after = (text.decode("utf-8", "backslashreplace").splitlines() for text in (committed, again))
    lines = list(
        itertools.islice(
            difflib.unified_diff(before, after, "committed", "made again", lineterm="", n=1), EXCERPT
        )
    )
    return "\n".join(line[:WIDTH] for line in lines) or "they differ in line ends only"


def _cost(tree: Path, rule: str, artefact: str) -> dict[str, Any]:
    """The record of a stage of a cell; empty for other rules."""
    record = tree / COST_DIR / rule / Path(*Path(artefact).parent.parts[1:])
    try:
        return dict(json.loads(record.with_name(f"{record.name}.json").read_bytes()))
    except (OSError, ValueError):
        return {}


def show(compared: Sequence[Compared]) -> None:
    """Print a table, and the first differing lines of what differs."""
    table = Table(box=None, pad_edge=False)
    for heading in ("cell", "stage", "artefact"):
        table.add_column(heading, overflow="fold")
    for heading in ("seconds", "MB fetched", "requests"):
        table.add_column(heading, justify="right")
    table.add_column("identical?")
    for artefact in compared:
        *folders, name = artefact.artefact.split("/")
        table.add_row(
            " ".join(folders[1:]) or "all",
            artefact.rule,
            name,
            _number(artefact.cost.get("seconds"), 1),
            _number(artefact.cost.get("bytes"), 1, 1e6),
            _number(artefact.cost.get("requests"), 0),
            "identical" if artefact.identical else "DIFFERS",
        )
    Console(width=None if sys.stdout.isatty() else 140, highlight=False).print(table)
    same = sum(artefact.identical for artefact in compared)
    print(f"{same} of {len(compared)} artefacts are identical to the committed ones, byte for byte")
    for artefact in compared:
        if not artefact.identical:
            print(f"\n{artefact.artefact}\n{artefact.difference}")


def _number(value: float | None, digits: int, scale: float = 1) -> str:
    return "" if value is None else f"{value / scale:.{digits}f}"
