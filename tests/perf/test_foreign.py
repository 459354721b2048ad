"""Results of other tools: units, zeros that mean nothing, and files that are none of theirs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atlas.errors import InputError
from atlas.perf.columns import MADENGINE
from atlas.perf.compare import compare
from atlas.perf.foreign import import_file, read_foreign
from atlas.perf.formats import fits, load_formats
from atlas.perf.record import read

ROOT = Path(__file__).resolve().parents[2]
SERVE = {
    "backend": "vllm", "model_id": "m", "num_prompts": 100, "request_rate": 4.0, "completed": 100, "failed": 0,  # noqa: E501
    "duration": 25.0, "request_throughput": 4.0, "output_throughput": 512.0, "total_token_throughput": 1024.0,
    "mean_ttft_ms": 12.5, "median_ttft_ms": 12.0, "p99_ttft_ms": 40.0, "std_ttft_ms": 1.0, "median_itl_ms": 3.5,  # noqa: E501
}  # fmt: skip
THROUGHPUT = {"elapsed_time": 2.0, "num_requests": 10, "requests_per_second": 5.0, "tokens_per_second": 640.0}
LATENCY = {"avg_latency": 0.5, "latencies": [0.4, 0.6], "percentiles": {"50": 0.5, "99": 0.6}}


def values(content):
    form, (run,) = read_foreign(ROOT, json.dumps(content).encode(), "x.json")
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


SGLANG = {
    "backend": "sglang", "dataset_name": "random-ids", "request_rate": 4.0, "max_concurrency": 8,
    "random_input_len": 64, "random_output_len": 64, "server_info": {"tp_size": 1}, "duration": 25.0,
    "completed": 100, "total_output_tokens": 12800, "request_throughput": 4.0, "input_throughput": 256.0,
    "output_throughput": 512.0, "total_throughput": 768.0, "mean_e2e_latency_ms": 900.0,
    "median_e2e_latency_ms": 800.0, "p99_e2e_latency_ms": 1500.0, "mean_ttft_ms": 12.5, "p90_ttft_ms": 30.0,
    "median_itl_ms": 3.5, "median_tpot_ms": 3.4, "concurrency": 7.9, "accept_length": None,
}  # fmt: skip
TRTLLM = {
    "engine": {"model": "m", "backend": "Pytorch", "dtype": "bfloat16", "version": "1.2.1"},
    "world_info": {"tp_size": 1, "pp_size": 1, "max_batch_size": 8},
    "request_info": {"num_requests": 64, "avg_output_length": 64.0},
    "performance": {
        "total_latency_ms": 1000.0, "avg_request_latency_ms": 300.0, "request_throughput_req_s": 64.0,
        "system_output_throughput_tok_s": 4096.0, "system_total_throughput_tok_s": 8192.0,
        "output_throughput_per_user_tok_s": 100.0,
        "request_latency_percentiles_ms": {"p50": 250.0, "p99": 750.0, "minimum": 1.0, "average": 300.0},
    },
    "streaming_metrics": {"avg_ttft_ms": 9.0, "ttft_percentiles": {"p50": 8.0, "average": 9.0},
                          "tpot_percentiles": {"p99": 4.0}, "gen_tps_percentiles": {"p50": 250.0}},
}  # fmt: skip


SGLANG_THROUGHPUT = {
    "successful_requests": 64, "total_latency": 2.0, "last_gen_throughput": 9.0, "request_throughput": 32.0,
    "output_throughput": 2048.0, "total_throughput": 4096.0,
}  # fmt: skip
SGLANG_LATENCY = {
    "run_name": "default", "batch_size": 8, "input_len": 64, "output_len": 64, "total_latency": 0.5,
    "prefill_latency": 0.05, "prefill_throughput": 1.0, "median_decode_latency": 0.004,
    "median_decode_throughput": 2000.0, "overall_throughput": 2048.0,
}  # fmt: skip
TRTLLM_SERVE = {
    **{key: value for key, value in SERVE.items() if key != "failed"},
    "user_throughput": 60.0,
    "avg_decoded_tokens_per_iter": {"mean": 1.0},
}


def test_sglangs_serving_benchmark_is_told_from_vllms_and_its_latencies_are_ours():
    form, found, run = values(SGLANG)
    assert (form, run.requests, run.seconds) == ("sglang-serve", (100, 0), 25.0)
    assert found["total_tput", "value"] == (768.0, "tok/s")
    assert found["e2el", "p50"] == (0.8, "s")
    assert found["e2el", "p99"] == (1.5, "s")
    assert found["ttft", "p90"] == (0.03, "s")
    assert found["itl", "p50"] == (0.0035, "s")


def test_sglangs_offline_benchmarks_are_read():
    form, found, run = values(SGLANG_THROUGHPUT)
    assert (form, run.results[0]["n"]) == ("sglang-throughput", 64)
    assert found["output_tput", "value"] == (2048.0, "tok/s")
    form, found, _ = values(SGLANG_LATENCY)
    assert form == "sglang-latency"
    assert found == {
        ("total_tput", "value"): (2048.0, "tok/s"),
        ("ttft", "value"): (0.05, "s"),
        ("itl", "p50"): (0.004, "s"),
        ("e2el", "value"): (0.5, "s"),
    }


def test_tensorrts_report_and_serving_benchmark_are_read():
    form, found, run = values(TRTLLM)
    assert (form, run.results[0]["n"]) == ("trtllm-bench", 64)
    assert found == {
        ("request_tput", "value"): (64.0, "1/s"),
        ("output_tput", "value"): (4096.0, "tok/s"),
        ("total_tput", "value"): (8192.0, "tok/s"),
        ("e2el", "mean"): (0.3, "s"),
        ("e2el", "p50"): (0.25, "s"),
        ("e2el", "p99"): (0.75, "s"),
        ("ttft", "p50"): (0.008, "s"),
        ("tpot", "p99"): (0.004, "s"),
    }
    form, found, run = values(TRTLLM_SERVE)
    assert (form, run.requests) == ("trtllm-serve", (100, 0))
    assert found["itl", "p50"] == (0.0035, "s")


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
    form, (one, two) = read_foreign(ROOT, "\n".join([",".join(MADENGINE), *rows]).encode(), "perf.csv")
    assert form == "madengine-perf-csv"
    assert (one.results[0]["value"], one.machine, one.failed) == (12.5, "007", None)
    assert (two.results[0]["value"], two.failed[0]) == (None, "crash")


def test_a_file_that_is_imported_twice_gives_the_same_records(tmp_path):
    (tmp_path / "engine_versions").symlink_to(ROOT / "engine_versions")
    (tmp_path / "config").symlink_to(ROOT / "config")
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
    (tmp_path / "engine_versions").symlink_to(ROOT / "engine_versions")
    (tmp_path / "config").symlink_to(ROOT / "config")
    found = []
    for number in range(5):
        (tmp_path / "r.json").write_text(json.dumps({**SERVE, "output_throughput": 500.0 + number}))
        found += import_file(tmp_path, tmp_path / "r.json", None, "vllm", "0.33.0", "gpu-h200-x1")
    records = [read(path) for path in found]
    assert {one.verdict.kind for one in compare(records, records)} == {"incomparable"}


OPTIMUM = {
    "load": {
        "memory": {"unit": "MB", "max_ram": 512.5, "max_process_vram": None},
        "latency": {"unit": "s", "values": [1.5], "count": 1, "mean": 1.5, "p50": 1.5, "stdev": 0},
        "throughput": None, "energy": None, "efficiency": None,
    },
    "prefill": {
        "latency": {"unit": "s", "values": [0.1, 0.3], "count": 2, "mean": 0.2, "p50": 0.2, "p99": 0.298},
        "throughput": {"unit": "tokens/s", "value": 320.0},
        "energy": {"unit": "kWh", "cpu": 1e-6, "ram": 0, "gpu": None, "total": 1e-6},
    },
    "decode": {
        "throughput": {"unit": "tokens/s", "value": 50.0},
        "efficiency": {"unit": "tokens/kWh", "value": 3.6e6},
        "latency": {"unit": "fortnights", "mean": 1.0},
    },
}  # fmt: skip
INFERENCEX = {
    "hw": "h200", "tp": 8, "ep": 1, "dp_attention": "false", "conc": 64, "model": "org/Model-70B",
    "framework": "vllm", "precision": "fp8", "tput_per_gpu": 1200.5, "output_tput_per_gpu": 600.25,
    "median_ttft": 0.25, "p99_tpot": 0.02, "median_intvty": 80.0,
}  # fmt: skip


def pytorch(metric, values, tp=1):
    return {
        "benchmark": {"name": "vLLM benchmark", "extra_info": {"args": {"tensor_parallel_size": tp}}},
        "model": {"name": "org/Model"},
        "metric": {"name": metric, "benchmark_values": values, "extra_info": {}},
    }


def test_optimums_report_is_read_phase_by_phase_in_its_own_units():
    form, (run,) = read_foreign(ROOT, json.dumps(OPTIMUM).encode(), "x")
    found = {(one["name"], one["metric"], one["statistic"]): one for one in run.results}
    assert form == "optimum-benchmark"
    assert found["load", "rss_peak", "value"]["value"] == 512.5e6
    assert (found["prefill", "throughput", "value"]["unit"], run.failed) == ("tok/s", None)
    assert found["prefill", "latency", "p99"]["value"] == 0.298
    assert found["prefill", "energy_total", "value"]["value"] == pytest.approx(3.6)  # joules
    assert found["prefill", "energy_gpu", "value"]["value"] is None
    assert found["decode", "efficiency", "value"]["value"] == pytest.approx(1)  # tokens per joule
    strange = found["decode", "latency", "mean"]
    assert (strange["value"], strange["reason"]) == (None, "its unit `fortnights` is not known")


def test_inferencex_is_read_as_one_run_or_as_a_list_of_them():
    form, (one,) = read_foreign(ROOT, json.dumps(INFERENCEX).encode(), "x")
    assert (form, one.name) == ("inferencex", "org/Model-70B")
    found = {
        (result["metric"], result["statistic"]): (result["value"], result["unit"]) for result in one.results
    }
    assert found["ttft", "p50"] == (0.25, "s")
    assert found["interactivity", "p50"] == (80.0, "tok/s")
    assert found["tput_per_gpu", "value"] == (1200.5, "tok/s")
    two = [INFERENCEX, {**INFERENCEX, "conc": 128}]
    _, runs = read_foreign(ROOT, json.dumps(two).encode(), "x")
    assert [run.settings["conc"] for run in runs] == [64, 128]


def test_pytorchs_records_of_one_benchmark_are_one_run():
    content = [
        pytorch("latency", [0.5, 0.7]),
        pytorch("tput", [12.0]),
        pytorch("tput", [13.0]),
        pytorch("tput", [1], 2),
    ]
    form, runs = read_foreign(ROOT, json.dumps(content).encode(), "x")
    assert form == "pytorch-benchmark"
    assert [[one["metric"] for one in run.results] for run in runs] == [
        ["latency", "tput"],
        ["tput"],
        ["tput"],
    ]
    first = runs[0].results[0]
    assert (first["value"], first["statistic"], first["n"]) == (0.6, "p50", 2)
    assert runs[2].settings["benchmark.extra_info.args.tensor_parallel_size"] == 2


def test_every_format_is_told_apart_from_every_other():
    formats = load_formats(ROOT)
    examples = [SERVE, THROUGHPUT, LATENCY, OPTIMUM, INFERENCEX, pytorch("a", [1])]
    examples += [SGLANG, SGLANG_THROUGHPUT, SGLANG_LATENCY, TRTLLM, TRTLLM_SERVE]
    found = [[name for name, form in formats.items() if fits(form, one)] for one in examples]
    assert [len(names) for names in found] == [1] * len(examples)
    assert {names[0] for names in found} == set(formats)


def test_a_wrong_key_of_a_format_is_an_error_that_names_the_line(tmp_path):
    (tmp_path / "engine_versions").mkdir()
    (tmp_path / "config").mkdir()
    good = (ROOT / "config/perf_formats.yaml").read_text()
    (tmp_path / "config/perf_formats.yaml").write_text(good.replace("    merge: true", "    merged: true"))
    with pytest.raises(InputError, match="did you mean `merge`") as found:
        load_formats(tmp_path)
    assert found.value.where.startswith("config/perf_formats.yaml:")


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
        read_foreign(ROOT, content, "x")


@given(
    st.dictionaries(
        st.sampled_from([*SERVE, *THROUGHPUT, *LATENCY, *OPTIMUM, *INFERENCEX]),
        st.none() | st.text(max_size=3) | st.floats(),
    )
)
@settings(deadline=None, max_examples=300)
def test_whatever_is_in_a_file_it_is_read_or_refused(content):
    try:
        _, runs = read_foreign(ROOT, json.dumps(content).encode(), "x")
    except InputError:
        return
    assert all(one["value"] is None or one["value"] == one["value"] for run in runs for one in run.results)
