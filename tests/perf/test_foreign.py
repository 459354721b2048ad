"""Results of other tools: units, zeros that mean nothing, and files that are none of theirs."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atlas.errors import InputError
from atlas.perf.columns import MADENGINE
from atlas.perf.compare import compare
from atlas.perf.foreign import import_file, read_foreign
from atlas.perf.record import read

SERVE = {
    "backend": "vllm", "model_id": "m", "num_prompts": 100, "request_rate": 4.0, "completed": 100, "failed": 0,  # noqa: E501
    "duration": 25.0, "request_throughput": 4.0, "output_throughput": 512.0, "total_token_throughput": 1024.0,
    "mean_ttft_ms": 12.5, "median_ttft_ms": 12.0, "p99_ttft_ms": 40.0, "std_ttft_ms": 1.0, "median_itl_ms": 3.5,  # noqa: E501
}  # fmt: skip
THROUGHPUT = {"elapsed_time": 2.0, "num_requests": 10, "requests_per_second": 5.0, "tokens_per_second": 640.0}
LATENCY = {"avg_latency": 0.5, "latencies": [0.4, 0.6], "percentiles": {"50": 0.5, "99": 0.6}}


def values(content):
    form, (run,) = read_foreign(json.dumps(content).encode(), "x.json")
    return form, {(one["metric"], one["statistic"]): (one["value"], one["unit"]) for one in run.results}, run


def test_vllms_serving_benchmark_is_read_with_its_milliseconds_as_seconds():
    form, found, run = values(SERVE)
    assert form == "bench-serve"
    assert found["output_tput", "value"] == (512.0, "tok/s")
    assert found["ttft", "p50"] == (0.012, "s")
    assert found["ttft", "p99"] == (0.04, "s")
    assert found["itl", "p50"] == (0.0035, "s")
    assert (run.failed, run.seconds) == (None, 25.0)


def test_a_benchmark_whose_requests_all_failed_is_a_failure_without_values_and_not_zero():
    zeros = {
        key: 0.0 if "throughput" in key or key.endswith("_ms") else value for key, value in SERVE.items()
    }
    _, found, run = values({**zeros, "completed": 0, "failed": 100})
    assert {value for value, _ in found.values()} == {None}
    assert run.failed == ("engine_error", "100 of 100 requests failed")


def test_throughput_and_latency_are_read():
    assert values(THROUGHPUT)[1]["total_tput", "value"] == (640.0, "tok/s")
    form, found, _ = values(LATENCY)
    assert form == "bench-latency"
    assert found == {("e2el", "mean"): (0.5, "s"), ("e2el", "p50"): (0.5, "s"), ("e2el", "p99"): (0.6, "s")}


def test_madengines_table_is_read_row_by_row():
    good = {
        "model": "Llama 3",
        "performance": "12.5",
        "metric": "tok/s",
        "status": "SUCCESS",
        "machine_name": "007",
    }
    bad = {"model": "Llama 3", "performance": "res.csv", "metric": "", "status": "FAILURE"}
    rows = [",".join(row.get(name, "") for name in MADENGINE) for row in (good, bad)]
    form, (one, two) = read_foreign("\n".join([",".join(MADENGINE), *rows]).encode(), "perf.csv")
    assert form == "madengine-perf-csv"
    assert (one.results[0]["value"], one.machine, one.failed) == (12.5, "007", None)
    assert (two.results[0]["value"], two.failed[0]) == (None, "crash")


def test_a_file_that_is_imported_twice_gives_the_same_records(tmp_path):
    (tmp_path / "r.json").write_text(json.dumps(SERVE))
    arguments = (tmp_path, tmp_path / "r.json", None, "vllm", "0.33.0", "gpu-h200-x1")
    first = import_file(*arguments)
    before = first[0].read_bytes()
    assert import_file(*arguments) == first
    assert first[0].read_bytes() == before
    (tmp_path / "r.json").write_text(json.dumps({**SERVE, "output_throughput": 500.0}))
    second = import_file(*arguments)
    assert [path.name for path in (*first, *second)] == ["1.json", "2.json"]
    assert read(second[0])["stage"] == "imported"


def test_imported_runs_are_not_comparable_as_their_machines_are_not_known(tmp_path):
    found = []
    for number in range(5):
        (tmp_path / "r.json").write_text(json.dumps({**SERVE, "output_throughput": 500.0 + number}))
        found += import_file(tmp_path, tmp_path / "r.json", None, "vllm", "0.33.0", "gpu-h200-x1")
    records = [read(path) for path in found]
    assert {one.verdict.kind for one in compare(records, records)} == {"incomparable"}


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"\xff\xfe", "not UTF-8"),
        (b"{", "neither JSON nor"),
        (b"[1]", "not a JSON object"),
        (b'{"a": 1}', "no format that is known"),
        (b"model,n_gpus,x\n", "lacks the column"),
        (b'{"avg_latency": 1, "latencies": 3}', "not as bench-latency"),
        (b"[" * 100_000, "neither JSON nor"),
    ],
)
def test_a_file_of_no_known_tool_is_an_error_and_no_traceback(content, what):
    with pytest.raises(InputError, match=what):
        read_foreign(content, "x")


@given(
    st.dictionaries(
        st.sampled_from([*SERVE, *THROUGHPUT, *LATENCY]), st.none() | st.text(max_size=3) | st.floats()
    )
)
@settings(deadline=None, max_examples=300)
def test_whatever_is_in_a_file_it_is_read_or_refused(content):
    try:
        _, runs = read_foreign(json.dumps(content).encode(), "x")
    except InputError:
        return
    assert all(one["value"] is None or one["value"] == one["value"] for run in runs for one in run.results)
