"""What a command says it measured: `performance: VALUE METRIC` in its log, or a CSV of several results."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

LINE = re.compile(r"(?<![\w.])performance:\s+(?P<value>\S+?)(?P<unit>/[^\s,]+)?,?\s+(?P<metric>[^\s,]+)")
NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
REQUIRED = ("model", "performance", "metric")


@dataclass(frozen=True)
class Result:
    """One value of one metric; without a value, why there is none."""

    metric: str
    value: float | None
    unit: str = ""
    statistic: str = "value"
    n: int | None = None
    name: str = ""
    """Of one of several results of a run; the rest of its row is `extra`."""
    extra: dict[str, str] = field(default_factory=dict)
    reason: str | None = None

    def as_json(self) -> dict[str, Any]:
        return dict(vars(self))


def number(text: str) -> tuple[float | None, str | None]:
    """A finite number as it is written in a log, or why it is none."""
    text = text.strip()
    if not text:
        return None, "no value"
    if not NUMBER.fullmatch(text):
        known = text.lower().lstrip("+-") in ("nan", "inf", "infinity")
        separated = re.fullmatch(r"[-+]?\d{1,3}(,\d{3})+(\.\d+)?", text)
        what = "not finite" if known else "has thousands separators" if separated else "not a number"
        return None, f"`{text[:40]}` {'' if separated else 'is '}{what}"
    value = float(text)
    return (value, None) if math.isfinite(value) else (None, f"`{text[:40]}` is not finite")


def performance_lines(lines: Iterable[str]) -> Iterator[Result]:
    """All results printed as `performance: 12.5 tokens_per_second`, or `performance: 12.5/s, name`."""
    for line in lines:
        for found in LINE.finditer(line):
            value, reason = number(found["value"].rstrip(","))
            yield Result(found["metric"], value, (found["unit"] or "").lstrip("/"), reason=reason)


def read_performance(log: Path) -> list[Result]:
    if not log.is_file():
        return []
    with log.open(encoding="utf-8", errors="replace") as file:
        return list(performance_lines(line[:20_000] for line in file))


def multiple_results(path: Path) -> list[Result]:
    """The rows of a CSV with `model,performance,metric` and any other columns.

    A row without a finite number is a result without a value. ValueError where it is no such file.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            header = [name.strip() for name in next(reader, [])]
            missing = [name for name in REQUIRED if name not in header]
            if missing:
                raise ValueError(f"{path.name} lacks the column `{missing[0]}`")
            if len(set(header)) < len(header):
                raise ValueError(f"{path.name} has a column twice")
            rows = [row for row in reader if any(cell.strip() for cell in row)]
    except FileNotFoundError:
        raise ValueError(f"{path.name} was not written") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path.name} cannot be read: {error}") from error
    if not rows:
        raise ValueError(f"{path.name} has no rows")
    return [_row(header, row) for row in rows]


def _row(header: list[str], row: list[str]) -> Result:
    cells = dict(zip(header, row, strict=False))
    value, reason = number(cells.get("performance", ""))
    metric = cells.get("metric", "").strip()
    if len(row) != len(header):
        value, reason = None, f"{len(row)} cells in a table of {len(header)} columns"
    elif not metric:
        value, reason = None, "no metric"
    extra = {name: cell for name, cell in cells.items() if name not in REQUIRED}
    return Result(metric, value, name=cells.get("model", "").strip(), extra=extra, reason=reason)
