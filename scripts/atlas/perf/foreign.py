"""Results of other tools as records: the JSON of `bench serve|throughput|latency` and madengine's perf.csv.

What a tool writes where it measured nothing (a 0) becomes null; what it does not say is null too, so that
such records are never compared with ours as if their machines were known to be the same.
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from atlas.canonical import digest, sha256_bytes, write_atomic
from atlas.errors import InputError
from atlas.perf.cards import Card
from atlas.perf.columns import MADENGINE
from atlas.perf.record import opened, path_of, text
from atlas.perf.results import number

MOST = 64 << 20
LATENCY = re.compile(r"(mean|median|std|p\d+(?:\.\d+)?)_(ttft|tpot|itl|e2el)_ms")
RATES = {
    "request_throughput": ("request_tput", "1/s"),
    "requests_per_second": ("request_tput", "1/s"),
    "output_throughput": ("output_tput", "tok/s"),
    "total_token_throughput": ("total_tput", "tok/s"),
    "tokens_per_second": ("total_tput", "tok/s"),
}
STATISTICS = {"median": "p50"}


@dataclass(frozen=True)
class Run:
    """One run of another tool. `failed` is the kind and reason of its failure."""

    results: tuple[dict[str, Any], ...]
    settings: Mapping[str, Any]
    failed: tuple[str, str] | None = None
    name: str = ""
    machine: str | None = None
    seconds: float | None = None


def bench_serve(content: dict[str, Any]) -> Run:
    """`bench serve --save-result`: times in ms; all 0 where every request failed."""
    done, failed = content["completed"], content.get("failed", 0)
    found = [_result(*RATES[key], "value", content[key], done) for key in RATES if key in content]
    for key, value in content.items():
        parts = LATENCY.fullmatch(key)
        if parts and not isinstance(value, list):
            statistic = STATISTICS.get(parts[1], parts[1])
            found.append(_result(parts[2], "s", statistic, _over(value, 1000), done))
    if not done:
        found = [{**one, "value": None, "reason": "all requests failed"} for one in found]
    why = ("engine_error", f"{failed or 'all'} of {done + failed or 'no'} requests failed")
    return Run(
        tuple(found), _settings(content), why if failed or not done else None, seconds=content.get("duration")
    )


def bench_throughput(content: dict[str, Any]) -> Run:
    """`bench throughput --output-json`."""
    found = [
        _result(*RATES[key], "value", content[key], content["num_requests"])
        for key in RATES
        if key in content
    ]
    return Run(tuple(found), _settings(content), seconds=content.get("elapsed_time"))


def bench_latency(content: dict[str, Any]) -> Run:
    """`bench latency --output-json`: times in s."""
    n = len(content["latencies"])
    found = [_result("e2el", "s", "mean", content["avg_latency"], n)]
    for share, value in content.get("percentiles", {}).items():
        found.append(_result("e2el", "s", f"p{share}", value, n))
    return Run(tuple(found), _settings(content))


JSON_FORMATS: dict[str, tuple[tuple[str, ...], Callable[[dict[str, Any]], Run]]] = {
    "bench-serve": (("completed", "request_throughput", "output_throughput"), bench_serve),
    "bench-throughput": (("elapsed_time", "num_requests", "requests_per_second"), bench_throughput),
    "bench-latency": (("avg_latency", "latencies"), bench_latency),
}
"""By name: the keys that tell it, and what reads it."""
FORMATS = (*JSON_FORMATS, "madengine-perf-csv")


def read_foreign(content: bytes, name: str, form: str | None = None) -> tuple[str, list[Run]]:
    """The format of a file and the runs in it. InputError where it is in no format that is known."""
    try:
        words = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"not UTF-8: {error.reason}", where=name) from error
    if form == "madengine-perf-csv" or (form is None and words.startswith("model,n_gpus,")):
        return "madengine-perf-csv", list(_madengine(words, name))
    try:
        loaded = json.loads(words)
    except (ValueError, RecursionError) as error:
        raise InputError(f"neither JSON nor madengine's perf.csv: {error}", where=name) from error
    if not isinstance(loaded, dict):
        raise InputError("not a JSON object", where=name)
    for kind, (keys, read) in JSON_FORMATS.items():
        if form == kind or (form is None and all(key in loaded for key in keys)):
            try:
                return kind, [read(loaded)]
            except (KeyError, TypeError, AttributeError) as error:
                raise InputError(f"not as {kind} writes it: {error!r}", where=name) from error
    raise InputError("in no format that is known", where=name, hint=f"known: {', '.join(FORMATS)}")


def import_file(
    root: Path, file: Path, form: str | None, engine: str, version: str, hardware: str
) -> list[Path]:
    """Write a record of each run of a file of another tool; the same file gives the same records again."""
    try:
        if file.stat().st_size > MOST:
            raise InputError(f"larger than {MOST >> 20} MiB", where=str(file))
        content = file.read_bytes()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=str(file)) from error
    kind, runs = read_foreign(content, str(file), form)
    source = {"format": kind, "digest": sha256_bytes(content)}
    counts: dict[str, int] = {}
    written = []
    for index, run in enumerate(runs):
        settings = digest({"format": kind, "settings": run.settings})
        name = _slug(run.name) or f"{kind}-{settings[7:15]}"
        folder = path_of(root, engine, version, hardware, name, 1).parent
        run_id = digest([source, index])[7:39]
        repeat = _place(folder, run_id, counts.get(name, 0))
        counts[name] = repeat
        record = _record(run, name, engine, version, hardware, repeat)
        record |= {"run_id": run_id, "workload_digest": settings, "source": {**source, "index": index}}
        path = path_of(root, engine, version, hardware, name, repeat)
        write_atomic(path, text(record))
        written.append(path)
    return written


def _place(folder: Path, run_id: str, after: int) -> int:
    """Where this very run is already, or the next free number."""
    for path in folder.glob("*.json"):
        if f'"run_id": "{run_id}"' in path.read_text(encoding="utf-8", errors="replace"):
            return int(path.stem)
    taken = [int(path.stem) for path in folder.glob("*.json") if path.stem.isdigit()]
    return max([after, *taken], default=0) + 1


def _record(run: Run, name: str, engine: str, version: str, hardware: str, repeat: int) -> dict[str, Any]:
    card = replace(Card(name, "imported", ("imported",), ""), parameters=dict(run.settings))
    failed = run.failed or (None if any(r["value"] is not None for r in run.results) else _NOTHING)
    return {
        **opened(engine, version, card, repeat, hardware),
        "stage": "imported",
        "started_at": None,
        "status": "FAILURE" if failed else "SUCCESS",
        "failure_kind": failed[0] if failed else None,
        "failure_reason": failed[1] if failed else None,
        "machine_name": run.machine,
        "test_duration": run.seconds,
        "results": list(run.results),
    }


_NOTHING = ("metric_missing", "the file holds no value")


def _madengine(words: str, name: str) -> Iterator[Run]:
    reader = csv.DictReader(io.StringIO(words))
    missing = [column for column in MADENGINE if column not in (reader.fieldnames or ())]
    if missing:
        raise InputError(f"lacks the column `{missing[0]}`", where=f"{name}:1")
    for row in reader:
        value, reason = number(row["performance"] or "")
        found = _result(row["metric"] or "performance", "", "value", value, None)
        settings = {
            key: row[key] or "" for key in ("args", "n_gpus", "nnodes", "launcher", "training_precision")
        }
        bad = row["status"] != "SUCCESS"
        why = ("crash", f"madengine says {row['status'] or 'nothing'}, and no reason") if bad else None
        yield Run(
            ({**found, "reason": reason},), settings, why, row["model"] or "", row["machine_name"] or None
        )


def _result(metric: str, unit: str, statistic: str, value: Any, n: int | None) -> dict[str, Any]:
    fine = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    found = {"name": "", "metric": metric, "value": value if fine else None, "unit": unit}
    return {**found, "statistic": statistic, "n": n, "reason": None if fine else "no finite number"}


def _over(value: Any, divisor: float) -> Any:
    return value / divisor if isinstance(value, int | float) and not isinstance(value, bool) else None


def _settings(content: Mapping[str, Any]) -> dict[str, Any]:
    """What was asked for, as far as the file says it: the same for runs that repeat each other."""
    names = (
        "backend",
        "model_id",
        "tokenizer_id",
        "num_prompts",
        "num_requests",
        "request_rate",
        "burstiness",
    )
    chosen = {key: content[key] for key in (*names, "max_concurrency") if key in content}
    plain = {
        key: value for key, value in chosen.items() if isinstance(value, str | int | float) or value is None
    }
    return plain | {"percentiles": sorted(content.get("percentiles") or {})}


def _slug(words: str) -> str:
    return re.sub(r"[^a-z0-9._-]+", "-", words.lower()).strip("-.")[:80]
