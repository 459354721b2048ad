"""The columns of perf.csv: first the 29 that madengine's users know, then ours; and rows of a record."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from atlas.perf.record import runtime_in

MADENGINE = [
    "model",
    "n_gpus",
    "nnodes",
    "gpus_per_node",
    "training_precision",
    "pipeline",
    "args",
    "tags",
    "docker_file",
    "base_docker",
    "docker_sha",
    "docker_image",
    "git_commit",
    "machine_name",
    "deployment_type",
    "launcher",
    "gpu_architecture",
    "performance",
    "metric",
    "relative_change",
    "status",
    "build_duration",
    "test_duration",
    "dataname",
    "data_provider_type",
    "data_size",
    "data_download_duration",
    "build_number",
    "additional_docker_run_options",
]
OURS = [
    "run_id",
    "format_version",
    "engine",
    "engine_version",
    "environment_digest",
    "workload_digest",
    "hardware_key",
    "started_at",
    "finished_at",
    "repeat",
    "unit",
    "statistic",
    "ci_low",
    "ci_high",
    "n",
    "validity",
    "validity_reasons",
    "failure_kind",
    "failure_reason",
    "exit_code",
    "log_path",
    "energy_j",
    "power_avg_w",
    "power_peak_w",
    "vram_peak_bytes",
    "tokens_per_joule",
    "environment_family",
    "profiled",
    "nodes_expected",
    "nodes_reported",
    "parallel",
    "extra_json",
    "baseline_version",
    "version_change",
    "version_change_low",
    "version_change_high",
    "runtime",
]
COLUMNS = (*MADENGINE, *OURS)


def rows(record: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    """One row for each result; for a run without any, one that says why."""
    results = record["results"] or [None]
    for result in results:
        yield {name: _cell(value) for name, value in _row(record, result).items()}


def _row(record: Mapping[str, Any], result: Mapping[str, Any] | None) -> dict[str, Any]:
    workload = record.get("workload") or {}
    gpus, nodes = workload.get("gpus_per_node", 0), workload.get("nnodes", 1)
    hub = (workload.get("model") or {}).get("hub")
    environment = record.get("environment") or {}
    traits, image = (environment.get("gpus") or [{}])[0] if gpus else {}, environment.get("image") or {}
    row = dict.fromkeys(COLUMNS)
    row |= {
        "model": record["card"],
        "n_gpus": gpus * nodes,
        "nnodes": nodes,
        "gpus_per_node": gpus,
        "training_precision": workload.get("training_precision") or None,
        "args": json.dumps(workload.get("parameters") or {}, sort_keys=True),
        "tags": ",".join(record.get("tags", [])),
        "docker_file": image.get("dockerfile"),
        "base_docker": image.get("base"),
        "docker_sha": image.get("digest") or record.get("runtime_digest"),
        "docker_image": image.get("reference"),
        "machine_name": record.get("machine_name"),
        "deployment_type": "local",
        "launcher": workload.get("launcher"),
        "gpu_architecture": traits.get("name"),
        "status": record["status"],
        "test_duration": record.get("test_duration"),
        "dataname": workload.get("data") or hub,
    }
    row |= {name: record.get(name) for name in OURS if name in record}
    row["runtime"] = runtime_in(record)
    row |= _telemetry(record)
    row["validity_reasons"] = "; ".join(record.get("validity_reasons", []))
    sizes = (record.get("parallel") or {}).items()
    row["parallel"] = " ".join(f"{kind}={size}" for kind, size in sizes) or None
    row["profiled"] = ",".join(record.get("profiled", []))
    return row | (_result(record, result) if result else {})


def _result(record: Mapping[str, Any], result: Mapping[str, Any]) -> dict[str, Any]:
    """A failed result of a run is a failure, whatever the rest of the run is; and the other way round."""
    failed = record["status"] != "SUCCESS"
    good = result["value"] is not None and (not failed or record["failure_kind"] == "metric_missing")
    good = good and record["status"] != "DEGRADED"
    found = {
        "performance": result["value"],
        "metric": result["metric"],
        "status": "SUCCESS" if good else record["status"] if failed else "FAILURE",
        **{name: result.get(name) for name in ("unit", "statistic", "ci_low", "ci_high", "n")},
        "extra_json": json.dumps(result["extra"], sort_keys=True) if result.get("extra") else None,
    }
    if good:
        found |= {"failure_kind": None, "failure_reason": None}
    elif result.get("reason"):
        found |= {"failure_kind": "metric_missing", "failure_reason": result["reason"]}
    if result.get("name"):
        found["model"] = f"{record['card']}_{result['name']}"
    return found


def _telemetry(record: Mapping[str, Any]) -> dict[str, Any]:
    summary = record.get("telemetry") or {}
    per_joule = next((one["value"] for one in record["results"] if one["metric"] == "tok_per_j"), None)
    names = ("energy_j", "power_avg_w", "power_peak_w", "vram_peak_bytes")
    return {**{name: summary.get(name) for name in names}, "tokens_per_joule": per_joule}


def _cell(value: Any) -> str:
    """Text as it is; a number so that it reads back the same; nothing for null."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.replace("\0", "\\0") if isinstance(value, str) else repr(value)
