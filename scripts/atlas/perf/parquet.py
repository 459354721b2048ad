"""All samples of all runs, and their telemetry, as Parquet: from what the runs left in logs/perf/."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from atlas.perf.metrics import made_by, read_journal, time_per_token
from atlas.perf.telemetry.nvml import FIELDS
from atlas.perf.telemetry.started import read_trace

SAMPLES = pa.schema(
    [
        ("run_id", pa.string()),
        ("metric", pa.string()),
        ("request", pa.int64()),
        ("i", pa.int64()),
        ("t_offset_s", pa.float64()),
        ("value", pa.float64()),
    ]
)
HOST = ("cpu_utilisation", "ram_used_bytes", "processes", "rss_bytes")
TELEMETRY = pa.schema(
    [
        ("run_id", pa.string()),
        ("device", pa.string()),
        ("t", pa.float64()),
        ("utc", pa.float64()),
        *((name, pa.float64()) for name in (*FIELDS, *HOST, "joules")),
    ]
)


def write_samples(root: Path, records: Sequence[Mapping[str, Any]], folder: Path) -> None:
    """samples.parquet and telemetry.parquet in a folder, each replaced in one step."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, schema, parts in (
        ("samples", SAMPLES, (_samples(root, record) for record in records)),
        ("telemetry", TELEMETRY, (_telemetry(root, record) for record in records)),
    ):
        target = folder / f"{name}.parquet"
        scratch = folder / f".{name}.{os.getpid()}.tmp"
        with pq.ParquetWriter(scratch, schema) as writer:
            for part in parts:
                found = list(part)
                if found:
                    writer.write_table(pa.Table.from_pylist(found, schema=schema))
        scratch.replace(target)


def _beside(root: Path, record: Mapping[str, Any], suffix: str) -> Path:
    return (root / record["log_path"]).with_suffix(suffix) if record.get("log_path") else root / "none"


def _samples(root: Path, record: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    journal = read_journal(_beside(root, record, ".journal.jsonl"))
    origin = journal.window[0] if journal.window else 0.0
    for number, one in enumerate(journal.requests):
        tokens, done = one["tokens"] or [], one["done"]
        known = {"run_id": record["run_id"], "request": number}

        def row(
            metric: str, i: int, at: float, value: float, known: dict[str, Any] = known
        ) -> dict[str, Any]:
            return {**known, "metric": metric, "i": i, "t_offset_s": at - origin, "value": value}

        if done is None or not made_by(one):
            continue
        if tokens:
            yield row("ttft", 0, tokens[0], tokens[0] - one["sent"])
        yield row("e2el", 0, done, done - one["sent"])
        per_token = time_per_token(one) if tokens else None
        if per_token is not None:
            yield row("tpot", 0, done, per_token)
        for i, (before, after) in enumerate(pairwise(tokens)):
            yield row("itl", i, after, after - before)


def _telemetry(root: Path, record: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for sample in read_trace(_beside(root, record, ".telemetry.jsonl")).samples:
        known = {"run_id": record["run_id"], "t": sample["t"], "utc": sample["utc"]}
        for device, values in (sample.get("gpus") or {}).items():
            yield {**known, "device": device, **{name: _number(value) for name, value in values.items()}}
        if "host" in sample:
            yield {**known, "device": "host", **{n: _number(v) for n, v in sample["host"].items()}}
        for domain, joules in (sample.get("rapl") or {}).items():
            yield {**known, "device": domain, "joules": _number(joules)}


def _number(value: Any) -> float | None:
    return float(value) if value is not None else None
