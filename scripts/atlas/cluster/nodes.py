"""One result from those of several nodes: how each metric is put together is declared, never guessed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from statistics import fmean
from typing import Any

from atlas.errors import InputError
from atlas.validation import nearest

REDUCE = ("sum", "mean", "max", "rank0")


@dataclass(frozen=True)
class Gathered:
    """The results of a run over nodes: SUCCESS if all have reported, DEGRADED if some, FAILURE if none.

    A metric of `rank0` fails without that node, whatever the others say.
    """

    status: str
    nodes_reported: int
    nodes_expected: int
    missing: tuple[int, ...]
    results: tuple[Mapping[str, Any], ...]
    reason: str | None = None


def gather(reported: Mapping[int, Mapping[str, float]], expected: int, reduce: Mapping[str, str]) -> Gathered:
    """Put together what nodes, by rank, have reported of each metric.

    InputError for a metric that nothing is declared for, or a way there is none of.
    """
    for metric, way in reduce.items():
        if way not in REDUCE:
            raise InputError(f"`{metric}` cannot be put together by `{way}`{nearest(way, REDUCE)}")
    unknown = sorted({metric for values in reported.values() for metric in values} - set(reduce))
    if unknown:
        hint = f"declare one of {', '.join(REDUCE)}"
        raise InputError(f"no one has said how `{unknown[0]}` of several nodes is put together", hint=hint)
    missing = tuple(rank for rank in range(expected) if not reported.get(rank))
    count = expected - len(missing)
    results = tuple(_result(metric, way, reported, expected) for metric, way in reduce.items())
    if not count:
        return Gathered("FAILURE", 0, expected, missing, results, "no node has reported")
    lost = [one["metric"] for one in results if one["value"] is None]
    if lost:
        return Gathered("FAILURE", count, expected, missing, results, f"no value of {', '.join(lost)}")
    partly = [one["metric"] for one in results if one["nodes_reported"] < one["nodes_expected"]]
    if missing or partly:
        names = ", ".join(map(str, missing))
        reason = f"nodes {names} have not reported" if missing else f"not all have reported {partly[0]}"
        return Gathered("DEGRADED", count, expected, missing, results, reason)
    return Gathered("SUCCESS", count, expected, missing, results)


def _result(
    metric: str, way: str, reported: Mapping[int, Mapping[str, float]], expected: int
) -> dict[str, Any]:
    ranks = [0] if way == "rank0" else range(expected)
    values = [reported[rank][metric] for rank in ranks if metric in reported.get(rank, {})]
    return {
        "metric": metric,
        "reduce": way,
        "value": _reduced(way, values) if values else None,
        "nodes_reported": len(values),
        "nodes_expected": len(ranks),
    }


def _reduced(way: str, values: Sequence[float]) -> float:
    if way == "sum":
        return float(sum(values))
    return float(max(values)) if way == "max" else fmean(values)


def reported(files: Sequence[Path]) -> dict[int, dict[str, float]]:
    """What nodes have written: `RANK.json` of metrics each; one that cannot be read has not reported."""
    found = {}
    for file in files:
        if not file.stem.isdigit():
            raise InputError("a node's file is to be named RANK.json", where=str(file))
        try:
            values = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(values, dict):
            found[int(file.stem)] = {name: float(one) for name, one in values.items() if _is_number(one)}
    return found


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
