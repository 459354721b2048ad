"""The one writer of perf.csv, of the latest view and of Parquet: everything is made anew from the records."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from atlas.canonical import write_atomic
from atlas.errors import InputError
from atlas.perf.columns import COLUMNS, rows
from atlas.perf.compare import Change, previous, series_of
from atlas.perf.overview import text as overview_text
from atlas.perf.record import FAILED, MEASURED, RESULTS, place_of_record, read
from atlas.progress import say

PATTERN = "*/*/perf/*/*/*.json"


def find_records(root: Path, folders: Sequence[str] = (RESULTS, MEASURED)) -> list[Path]:
    """All records: those that the project keeps, and those of this machine.

    Failures of runs that a cluster or a signal ended count until the run has a record of its own.
    """
    found = [path for folder in folders for path in sorted((root / folder).glob(PATTERN))]
    own = {path for path in found if path.stem.isdigit()}
    failed = [path for path in found if path.name.endswith(FAILED) and own_record(path) not in own]
    return sorted([*own, *failed], key=lambda path: (path.relative_to(root).parts[0] == MEASURED, path))


def own_record(failed: Path) -> Path:
    """The run's own record, which a failure stands beside until it is there."""
    return failed.with_name(failed.name.removesuffix(FAILED) + ".json")


def read_records(paths: Iterable[Path]) -> tuple[list[dict[str, Any]], list[str]]:
    """The records, each run once, and of files that are none, what is wrong with them."""
    found, wrong = {}, []
    for path in paths:
        try:
            record = read(path)
            found[record["run_id"]] = record
        except InputError as error:
            wrong.append(str(error))
    return sorted(found.values(), key=_order), wrong


def table(records: Sequence[Mapping[str, Any]], changes: Mapping[tuple[str, ...], Change]) -> str:
    """perf.csv. `changes` are those since the version before, by run and series."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n", quoting=csv.QUOTE_MINIMAL)
    writer.writeheader()
    for record in records:
        for row, result in zip(rows(record), record["results"] or [None], strict=True):
            change = changes.get((record["run_id"], *series_of(result))) if result else None
            writer.writerow({**row, **(_since(change) if change else {})})
    return out.getvalue()


def _since(change: Change) -> dict[str, str]:
    """The cells that need other records than the row's own."""
    low, high = change.interval or (None, None)
    values = {
        "relative_change": change.run,
        "version_change": change.version,
        "version_change_low": low,
        "version_change_high": high,
    }
    shown = {name: "" if value is None else repr(round(value, 6)) for name, value in values.items()}
    return {"baseline_version": change.since, **shown}


def latest(records: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Of each card, hardware, runtime and engine, the records of the version that was measured last."""
    newest: dict[tuple[str, ...], Mapping[str, Any]] = {}
    for record in records:
        key = _series(record)
        if key not in newest or _started(record) > _started(newest[key]):
            newest[key] = record
    wanted = {(*key, one["engine_version"]) for key, one in newest.items()}
    return [record for record in records if (*_series(record), record["engine_version"]) in wanted]


def aggregate(
    root: Path,
    output: Path,
    latest_output: Path,
    samples: Path | None,
    *,
    overview: Path | None = None,
    kept: bool = False,
) -> int:
    """Write all views of all records, or of those alone that the project keeps; 1 if some files are none."""
    records, wrong = read_records(find_records(root, (RESULTS,) if kept else (RESULTS, MEASURED)))
    changes = previous(records)
    write_atomic(output, table(records, changes))
    write_atomic(latest_output, table(latest(records), changes))
    if overview is not None:
        write_atomic(overview, overview_text(records))
    if samples is not None:
        from atlas.perf.parquet import write_samples

        write_samples(root, records, samples)
    for line in wrong:
        say(f"left out: {line}")
    failed = sum(record["status"] != "SUCCESS" for record in records)
    say(f"{len(records)} runs, {failed} of them failed, in {output.name}")
    return 1 if wrong else 0


def _started(record: Mapping[str, Any]) -> str:
    """When it was; imported runs do not tell."""
    return record["started_at"] or ""


def _series(record: Mapping[str, Any]) -> tuple[str, ...]:
    return record["engine"], record["card"], place_of_record(record)


def _order(record: Mapping[str, Any]) -> tuple[Any, ...]:
    names = ("engine", "engine_version", "hardware_key", "card", "repeat", "started_at", "run_id")
    return tuple(record[name] or "" for name in names)
