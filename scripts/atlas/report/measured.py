"""What has been measured, in words: a table of each card on each hardware.

It is read from `perf.overview.json`, which the perf stage makes of all records.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from atlas.errors import InputError
from atlas.validation import problems
from atlas.yamlfile import Document

LABELS = {
    "output_tput": "Tokens per second",
    "ttft": "First token",
    "tpot": "Each further token",
    "e2el": "Slowest requests",
    "load_time": "Loading",
    "rss_peak": "Memory",
    "energy": "Energy",
}
COLOURS = {
    "regression": "bad",
    "suspected_regression": "warn",
    "environment_shift": "warn",
    "improvement": "current",
    "suspected_improvement": "current",
}
"""Of verdicts; the others have none."""
SCALES = {
    "s": ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs")),
    "B": ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"), (1, "B")),
}


@dataclass(frozen=True)
class Value:
    """The median of the runs of a version, and what became of it since the version before."""

    text: str
    interval: str | None
    verdict: str | None
    colour: str
    change: str | None
    why: str | None


@dataclass(frozen=True)
class Failed:
    """Runs that failed in the same way; the reason is that of the last."""

    kind: str
    runs: int
    reason: str


@dataclass(frozen=True)
class Row:
    """One version of an engine; `values` has one of each column, None where nothing was measured."""

    engine: str
    version: str
    before: str | None
    runs: int
    left_out: int
    last: str | None
    failed: tuple[Failed, ...]
    notes: tuple[str, ...]
    values: tuple[Value | None, ...]


@dataclass(frozen=True)
class Table:
    """A card on a hardware."""

    card: str
    hardware: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]

    @property
    def failed(self) -> int:
        return sum(one.runs for row in self.rows for one in row.failed)


def load_tables(path: Path) -> tuple[Table, ...]:
    """The tables of an overview. InputError where it is none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(
            f"cannot be read: {error}", where=str(path), hint="make it again with `make perf`"
        ) from error
    wrong = problems(Document(str(path), found, {}), "perf.overview")
    if wrong:
        raise InputError("not in the format of overviews: " + wrong[0].partition(": ")[2], where=str(path))
    return tables(found["measured"])


def tables(entries: Iterable[Mapping[str, Any]]) -> tuple[Table, ...]:
    def place(entry: Mapping[str, Any]) -> tuple[str, str]:
        return entry["card"], entry["hardware"]

    return tuple(_table(*key, list(group)) for key, group in groupby(sorted(entries, key=place), place))


def _table(card: str, hardware: str, entries: list[Mapping[str, Any]]) -> Table:
    columns = list(dict.fromkeys(_column(metric) for entry in entries for metric in entry["metrics"]))
    return Table(
        card,
        hardware,
        tuple(_heading(*column) for column in columns),
        tuple(_row(one, columns) for one in entries),
    )


def _column(metric: Mapping[str, Any]) -> tuple[str, str, str]:
    return metric["name"], metric["metric"], metric["statistic"]


def _heading(name: str, metric: str, statistic: str) -> str:
    label = LABELS.get(metric, metric) + ("" if statistic == "value" else f", {statistic}")
    return f"{name}: {label}" if name else label


def _row(entry: Mapping[str, Any], columns: list[tuple[str, str, str]]) -> Row:
    values = {_column(metric): _value(metric) for metric in entry["metrics"]}
    return Row(
        engine=entry["engine"],
        version=entry["version"],
        before=entry["before"],
        runs=entry["runs"],
        left_out=entry["left_out"],
        last=entry["last"][:10] if entry["last"] else None,
        failed=tuple(Failed(one["kind"], one["runs"], one["reason"] or "") for one in entry["failures"]),
        notes=tuple(entry["notes"]),
        values=tuple(values.get(column) for column in columns),
    )


def _value(metric: Mapping[str, Any]) -> Value:
    interval, kind = metric["interval"], metric["verdict"]
    scale, unit = _scale(metric["value"], metric["unit"])
    low_high = " – ".join(_number(one / scale) for one in interval) if interval else None
    return Value(
        text=f"{_number(metric['value'] / scale)} {unit}".rstrip(),
        interval=low_high,
        verdict=kind and kind.replace("_", " "),
        colour=COLOURS.get(kind, ""),
        change=_change(metric),
        why=metric["why"],
    )


def _change(metric: Mapping[str, Any]) -> str | None:
    if metric["change"] is None:
        return None
    interval = metric["change_interval"]
    more = f" [{_percent(interval[0])}, {_percent(interval[1])}]" if interval else ""
    return f"{_percent(metric['change'])} %{more}"


def _percent(share: float) -> str:
    return f"{100 * share:+.1f}".replace("-", "−")


def _scale(value: float, unit: str) -> tuple[float, str]:
    """A factor of the unit in which the number is easily read, and that unit's name."""
    steps = SCALES.get(unit, ((1.0, unit),))
    return next((step for step in steps if abs(value) >= step[0]), steps[-1] if value else steps[0])


def _number(value: float) -> str:
    """Three digits that count, or all of the whole part."""
    if not value:
        return "0"
    if abs(value) < 1e-3:
        return f"{value:.3g}".replace("-", "−")
    digits = max(0, 3 - len(str(int(abs(value))))) if abs(value) >= 1 else 3
    return f"{value:,.{digits}f}".replace("-", "−")
