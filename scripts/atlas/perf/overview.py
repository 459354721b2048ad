"""What has been measured, for people: of each card, hardware and version values, intervals and verdicts.

Runs that are comparable with the one made last count, and failures whenever they were.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from atlas.canonical import dump_json
from atlas.perf.compare import KEY, Compared, compare, usable, version_order
from atlas.perf.metrics import UNITS
from atlas.perf.record import place_of_record
from atlas.perf.stats import interval_of_runs

FORMAT_VERSION = 1
OVERVIEW = "results/perf.overview.json"
"""That of the records that the project keeps."""
Record = Mapping[str, Any]


def overview(records: Sequence[Record]) -> list[dict[str, Any]]:
    """One entry of each card, hardware, runtime, engine and version that there are records of."""
    series: dict[tuple[str, str, str], dict[str, list[Record]]] = defaultdict(lambda: defaultdict(list))
    for record in records:
        key = (record["card"], place_of_record(record), record["engine"])
        series[key][record["engine_version"]].append(record)
    found = []
    for key in sorted(series):
        older: list[Record] = []
        for version in sorted(series[key], key=version_order):
            runs = series[key][version]
            found.append(_entry(runs, older))
            older = [*filter(usable, runs)] or older
    return found


def text(records: Sequence[Record]) -> str:
    return dump_json({"format_version": FORMAT_VERSION, "measured": overview(records)})


def kept_failures(root: Path) -> list[str]:
    """What failed of the runs that the project keeps; nothing where it keeps none."""
    try:
        found = json.loads((root / OVERVIEW).read_text(encoding="utf-8"))["measured"]
    except (OSError, ValueError, KeyError):
        return []
    return [
        f"{one['engine']} {one['version']} {one['card']} on {one['hardware']}: "
        f"{failed['runs']} failed, {failed['kind']}: {str(failed['reason'])[:120]}"
        for one in found
        for failed in one["failures"]
    ]


def _entry(records: Sequence[Record], older: Sequence[Record]) -> dict[str, Any]:
    last = max(records, key=_when)
    good = _of_one_key(filter(usable, records))
    before = [one for one in older if good and _key(one) == _key(good[0])] or _of_one_key(older)
    failed = [one for one in records if one["status"] != "SUCCESS"]
    return {
        "engine": last["engine"],
        "version": last["engine_version"],
        "card": last["card"],
        "hardware": place_of_record(last),
        "runs": len(good),
        "last": last["started_at"],
        "before": before[0]["engine_version"] if before else None,
        "failures": _failures(failed),
        "left_out": len(records) - len(good) - len(failed),
        "notes": sorted({note for one in good for note in one.get("notes", ())}),
        "metrics": [_metric(one, bool(before)) for one in compare(before, good) if one.now.all],
    }


def _metric(one: Compared, compared: bool) -> dict[str, Any]:
    verdict, values = one.verdict, one.now.all
    return {
        "name": one.name,
        "metric": one.metric,
        "statistic": one.statistic,
        "unit": one.unit,
        "better": one.better if one.metric in UNITS else None,
        "value": median(values),
        "interval": interval_of_runs(values),
        "verdict": verdict.kind if compared else None,
        "change": verdict.change,
        "change_interval": verdict.interval,
        "why": verdict.why if compared else None,
    }


def _failures(records: Iterable[Record]) -> list[dict[str, Any]]:
    """How many runs failed in the same way, and what the last of them said."""
    kinds: dict[str, list[Record]] = defaultdict(list)
    for one in records:
        kinds[str(one["failure_kind"])].append(one)
    return [
        {"kind": kind, "runs": len(runs), "reason": max(runs, key=_when)["failure_reason"]}
        for kind, runs in sorted(kinds.items())
    ]


def _of_one_key(records: Iterable[Record]) -> list[Record]:
    """Those that are comparable with the one made last."""
    known = list(records)
    key = _key(max(known, key=_when)) if known else None
    return [one for one in known if _key(one) == key]


def _key(record: Record) -> tuple[Any, ...]:
    return tuple(record.get(name) for name in KEY)


def _when(record: Record) -> tuple[str, str]:
    return record["started_at"] or "", record["run_id"]
