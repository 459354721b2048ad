"""Reading a run's log: failures with category, line and excerpt."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from atlas.perf.patterns import Rules

EXCERPT = 300
LINE_BYTES = 20_000
"""Of a longer line only the start is read: patterns may not take for ever."""
MOST = 50
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f]")


@dataclass(frozen=True)
class Finding:
    """A line that means failure."""

    category: str
    line: int
    excerpt: str
    pattern: str


def scan_lines(lines: Iterable[str], rules: Rules) -> Iterator[Finding]:
    """Findings in order. A line that a benign pattern knows is none, whatever else is in it."""
    for number, line in enumerate(lines, 1):
        text = ESCAPES.sub("", line[:LINE_BYTES].rstrip("\r\n"))
        found = next(((category, one) for category, one in rules.bad if one.search(text)), None)
        if found and not any(one.search(text) for one in rules.benign):
            yield Finding(found[0], number, text.strip()[:EXCERPT], found[1].pattern)


def scan_log(path: Path, rules: Rules | None, until: str | None = None) -> list[Finding]:
    """The first findings of a log; nothing where there is no log or it is not to be scanned.

    What comes after a line that is `until` is not read.
    """
    if rules is None or not path.is_file():
        return []
    found = []
    with path.open(encoding="utf-8", errors="replace") as file:
        lines = file if until is None else itertools.takewhile(lambda line: line.rstrip("\n") != until, file)
        for finding in scan_lines(lines, rules):
            found.append(finding)
            if len(found) == MOST:
                break
    return found
