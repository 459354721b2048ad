"""Comparing records: which runs belong together, which versions with which, and the verdicts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Any

from packaging.version import InvalidVersion, Version

from atlas.perf.metrics import UNITS
from atlas.perf.stats import change_interval, relative_change
from atlas.perf.verdict import FEWEST, Policy, Side, Verdict, judge

KEY = ("workload_digest", "hardware_key", "environment_family", "machine_name")
"""Two sides are comparable only if they share all of these; the engine's version may differ, of course."""
JUDGED = (
    ("output_tput", "value"),
    ("ttft", "p50"),
    ("tpot", "p50"),
    ("e2el", "p99"),
    ("load_time", "value"),
    ("rss_peak", "value"),
    ("energy", "value"),
)
"""Of the metrics of a run; all others are shown in perf.csv, and not judged. Commands' own metrics are."""


@dataclass(frozen=True)
class Compared:
    """A series on both sides; `name` is that of one of several results of a card, which `card` ends in."""

    card: str
    metric: str
    statistic: str
    verdict: Verdict
    baseline: Side
    now: Side
    unit: str
    better: str
    name: str = ""


@dataclass(frozen=True)
class Change:
    """Of a result against the last comparable version, `since`: of its run alone, and of all together."""

    run: float
    since: str
    version: float
    """That of all runs of the version, whose interval there is with as many runs as a verdict takes."""
    interval: tuple[float, float] | None


def usable(record: Mapping[str, Any]) -> bool:
    """Whether a run may count: it succeeded, and no profiler slowed it down."""
    return record["status"] == "SUCCESS" and not record.get("profiled")


def compare(
    baseline: Sequence[Mapping[str, Any]],
    now: Sequence[Mapping[str, Any]],
    *,
    policy: Policy = Policy(),  # noqa: B008 (frozen)
    canary: tuple[Sequence[Mapping[str, Any]], Sequence[Mapping[str, Any]]] | None = None,
    directions: Mapping[str, str] | None = None,
) -> list[Compared]:
    """Verdicts on all series that are on either side, in the order of their names.

    `directions` say of metrics that commands report which way is better; of others it is `higher`.
    """
    found = []
    moved = {(one.card, one.metric): one.verdict for one in compare(*canary, policy=policy)} if canary else {}
    for card in sorted({record["card"] for record in (*baseline, *now)}):
        one = [record for record in baseline if record["card"] == card]
        two = [record for record in now if record["card"] == card]
        for name, metric, statistic, unit in _metrics([*one, *two]):
            better = UNITS[metric][1] if metric in UNITS else (directions or {}).get(metric, "higher")
            sides = _side(one, name, metric, statistic), _side(two, name, metric, statistic)
            called = f"{card}_{name}" if name else card
            verdict = judge(
                *sides,
                better=better,
                policy=policy,
                differing=differing(one, two),
                canary=moved.get((called, metric)) or next(iter(moved.values()), None),
            )
            found.append(Compared(called, metric, statistic, verdict, *sides, unit, better, name))
    return found


def differing(one: Iterable[Mapping[str, Any]], two: Iterable[Mapping[str, Any]]) -> list[str]:
    """The parts of the key in which the usable runs of both sides are not all the same, or not known."""
    first, second = (list(filter(usable, side)) for side in (one, two))
    if not first or not second:
        return []
    values = {name: {record.get(name) for record in (*first, *second)} for name in KEY}
    return [name for name in KEY if len(values[name]) > 1 or None in values[name]]


def previous(records: Sequence[Mapping[str, Any]]) -> dict[tuple[str, ...], Change]:
    """By run and `series_of` its results, the change against the last comparable version's median."""
    found: dict[tuple[Any, ...], dict[str, list[Mapping[str, Any]]]] = defaultdict(lambda: defaultdict(list))
    for record in filter(usable, records):
        if any(record.get(name) is None for name in KEY):
            continue
        key = (record["engine"], record["card"], *(record.get(name) for name in KEY))
        found[key][record["engine_version"]].append(record)
    changes: dict[tuple[str, ...], Change] = {}
    for versions in found.values():
        order = sorted(versions, key=version_order)
        for before, version in pairwise(order):
            for series in sorted(
                {series_of(one) for record in versions[version] for one in record["results"]}
            ):
                sides = _side(versions[before], *series), _side(versions[version], *series)
                changes |= _changes(versions[version], series, before, *sides)
    return changes


def _changes(
    records: Iterable[Mapping[str, Any]], series: tuple[str, str, str], since: str, base: Side, now: Side
) -> dict[tuple[str, ...], Change]:
    whole = relative_change(base.all, now.all) if base.all and now.all else None
    if whole is None:
        return {}
    enough = min(len(base.screen), len(now.screen)) >= FEWEST
    interval = change_interval(base.all, now.all) if enough else None
    found: dict[tuple[str, ...], Change] = {}
    for record in records:
        for result in record["results"]:
            if series_of(result) == series and result["value"]:
                change = relative_change(base.all, [result["value"]])
                assert change is not None
                found[record["run_id"], *series] = Change(change, since, whole, interval)
    return found


def series_of(result: Mapping[str, Any]) -> tuple[str, str, str]:
    """What tells a result from the others of its run."""
    return result.get("name") or "", result["metric"], result["statistic"]


def _metrics(records: Iterable[Mapping[str, Any]]) -> list[tuple[str, str, str, str]]:
    seen = {(*series_of(one), one["unit"]) for record in records for one in record["results"]}
    chosen = [one for one in seen if one[1:3] in JUDGED or one[1] not in UNITS]
    order = {pair: index for index, pair in enumerate(JUDGED)}
    return sorted(chosen, key=lambda one: (one[0], order.get(one[1:3], len(order)), one))


def _side(records: Iterable[Mapping[str, Any]], *series: str) -> Side:
    """One value of each usable run, by the stage that it was made for."""
    values: dict[str, list[float]] = {"screen": [], "confirm": [], "imported": []}
    for record in sorted(filter(usable, records), key=lambda one: (one["repeat"], one["run_id"])):
        found = [
            one["value"] for one in record["results"] if series_of(one) == series and one["value"] is not None
        ]
        if found:
            values[record["stage"]].append(median(found))
    return Side((*values["screen"], *values["imported"]), tuple(values["confirm"]))


def version_order(text: str) -> tuple[int, Any]:
    """Versions as they follow each other; what is none goes before."""
    try:
        return (1, Version(text))
    except InvalidVersion:
        return (0, text)
