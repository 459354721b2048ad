"""Printing: styled on a terminal, plain when piped; text, or JSON in the form of config/schemas/cli."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

Line: TypeAlias = tuple[str, str]
"""A style of STYLES, and the text."""
STYLES = {
    "head": "bold",
    "plain": "",
    "good": "green",
    "bad": "red",
    "note": "yellow",
    "name": "cyan",
    "more": "dim",
}
GAP = "  "


def print_json(document: Any) -> None:
    sys.stdout.write(json.dumps(document, indent=1, ensure_ascii=False) + "\n")


def print_lines(lines: Iterable[Line]) -> None:
    if not sys.stdout.isatty():
        sys.stdout.writelines(f"{text}\n" for _, text in lines)
        return
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)
    for style, text in lines:
        console.print(Text(text, style=STYLES[style]), soft_wrap=True)


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table on a terminal; columns of spaces, whole, when piped."""
    if not sys.stdout.isatty():
        sys.stdout.writelines(f"{text}\n" for text in aligned(columns, rows))
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(*columns, box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*(_escaped(cell) for cell in row))
    Console(highlight=False).print(table)


def _escaped(text: str) -> Any:
    from rich.text import Text

    return Text(text)


def aligned(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterable[str]:
    """Lines in which cells of one column stand below each other."""
    lines = [columns, *rows]
    widths = [max(len(line[place]) for line in lines) for place in range(len(columns) - 1)]
    for line in lines:
        cells = [cell.ljust(width) for cell, width in zip(line, [*widths, 0], strict=True)]
        yield GAP.join(cells).rstrip()
