"""The aggregator: what goes in comes out, whoever writes at the same time, and text stays as it was."""

from __future__ import annotations

import csv
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atlas.perf.aggregate import aggregate, find_records, latest, read_records, table
from atlas.perf.cards import Card
from atlas.perf.columns import COLUMNS, MADENGINE
from atlas.perf.compare import compare, previous
from atlas.perf.record import Writer, opened, path_of, read
from atlas.perf.record import text as record_text

TIME = "2026-01-02T03:04:05.000Z"
KINDS = [None, "timeout", "oom", "crash", "signal", "engine_error", "metric_missing", "environment"]


def result(value, metric="output_tput", **more):
    return {"metric": metric, "value": value, "unit": "tok/s", "statistic": "value", "n": 1, **more}


def made(card="toy", version="1.0", repeat=1, kind=None, results=None, **more):
    one = opened(
        "engine", version, Card(card, "s", ("t",), "c:1", command=("x",), repeats=5), repeat, "cpu-x"
    )
    one |= {"started_at": TIME, "finished_at": TIME, "run_id": f"{card}-{version}-{repeat}"}
    one |= {"status": "FAILURE" if kind else "SUCCESS", "failure_kind": kind}
    one |= {"failure_reason": "because" if kind else None, "environment_family": "f", "machine_name": "m"}
    one["results"] = ([] if kind else [result(100.0)]) if results is None else results
    return {**one, **more}


def rows_of(records, changes=None):
    return list(csv.DictReader(table(records, changes or {}).splitlines()))


def save(root, record):
    path = path_of(root, "engine", record["engine_version"], "cpu-x", record["card"], record["repeat"])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(record_text(record))
    return path


def test_the_first_columns_are_madengines_and_ours_follow():
    assert len(MADENGINE) == 29
    assert list(COLUMNS[:29]) == MADENGINE
    assert table([], {}).splitlines() == [",".join(COLUMNS)]
    for name in ("run_id", "failure_kind", "failure_reason", "exit_code", "energy_j", "tokens_per_joule"):
        assert name in COLUMNS[29:]


@given(st.lists(st.tuples(st.integers(1, 9), st.sampled_from(KINDS)), min_size=1, max_size=12))
@settings(max_examples=50, deadline=None)
def test_n_cards_in_give_n_groups_of_rows_out_whatever_became_of_them(cards):
    records = [made(card=f"card-{i}", repeat=repeat, kind=kind) for i, (repeat, kind) in enumerate(cards)]
    rows = rows_of(records)
    assert [row["run_id"] for row in rows] == [record["run_id"] for record in records]
    assert [row["failure_kind"] or None for row in rows] == [kind for _, kind in cards]
    assert all((row["status"] == "SUCCESS") == (row["performance"] == "100.0") for row in rows)


@pytest.mark.parametrize(
    "text", ["12345e7", "007", "8", "1e5", "-0", "a,b", 'q"q', "x\ny", " lead", "=1+1", "é"]
)
def test_text_survives_byte_for_byte(text):
    (row,) = csv.DictReader(table([made(machine_name=text, runtime_digest=text)], {}).splitlines(True))
    assert (row["machine_name"], row["docker_sha"]) == (text, text)


@given(st.floats(allow_nan=False, allow_infinity=False))
@settings(deadline=None)
def test_numbers_survive(value):
    assert float(rows_of([made(results=[result(value)])])[0]["performance"]) == value


def test_what_was_not_measured_is_empty_and_never_zero():
    row = rows_of([made(kind="timeout")])[0]
    for name in (
        "performance",
        "energy_j",
        "power_avg_w",
        "vram_peak_bytes",
        "tokens_per_joule",
        "exit_code",
    ):
        assert row[name] == ""


def test_of_several_results_each_has_its_own_status():
    results = [
        result(1.5, "tok/s", name="a", extra={"isl": "007"}),
        result(None, "tok/s", name="b", reason="`nan` is not finite"),
    ]
    good, bad = rows_of([made(kind="metric_missing", results=results)])
    assert (good["model"], good["status"], good["extra_json"]) == ("toy_a", "SUCCESS", '{"isl": "007"}')
    assert (bad["status"], bad["failure_reason"], bad["performance"]) == (
        "FAILURE",
        "`nan` is not finite",
        "",
    )


def test_a_file_that_is_no_record_is_told_and_spoils_nothing(tmp_path, capsys):
    save(tmp_path, made())
    bad = save(tmp_path, made(repeat=2))
    bad.write_text(bad.read_text()[:100])
    assert aggregate(tmp_path, tmp_path / "perf.csv", tmp_path / "latest.csv", None) == 1
    assert "2.json" in capsys.readouterr().err
    assert len((tmp_path / "perf.csv").read_text().splitlines()) == 2


def test_the_latest_view_has_the_version_that_was_measured_last():
    old = made(version="1.0")
    new = made(version="2.0", started_at="2026-02-01T00:00:00.000Z", run_id="new")
    again = made(version="1.0", repeat=2, started_at="2026-03-01T00:00:00.000Z", run_id="again")
    assert latest([old, new]) == [new]
    assert latest([old, new, again]) == [old, again]


def test_the_latest_view_has_runs_that_do_not_tell_when_they_were():
    one, two = (made(version=v, started_at=None, stage="imported", run_id=v) for v in ("1.0", "2.0"))
    assert latest([one, two]) == [one]
    assert latest([one, two, made(version="3.0")]) == [made(version="3.0")]


def test_samples_and_telemetry_become_parquet(tmp_path):
    record = made(log_path="logs/perf/1.log")
    save(tmp_path, record)
    folder = tmp_path / "logs" / "perf"
    folder.mkdir(parents=True)
    lines = [
        {"event": "start", "t": 0.0, "started": 0.0},
        {
            "event": "request",
            "t": 9,
            "batch": 0,
            "sent": 1.0,
            "done": 2.0,
            "tokens": [1.5, 1.75, 2.0],
            "n_in": 4,
        },
        {
            "event": "request",
            "t": 9,
            "batch": 1,
            "sent": 1.0,
            "done": 3.0,
            "tokens": None,
            "n_in": 4,
            "n_out": 3,
        },
        {"event": "request", "t": 9, "batch": 2, "sent": 1.0, "done": None, "tokens": [], "n_in": 4},
        {"event": "window", "t": 9, "start": 1.0, "end": 2.0},
    ]
    (folder / "1.journal.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (folder / "1.telemetry.jsonl").write_text(
        '{"format_version": 1, "interval_s": 0.1}\n'
        '{"t": 1.0, "utc": 5.0, "gpus": {"GPU-a": {"power_w": 250.0, "energy_j": null}}}\n{"t": 1.'
    )
    aggregate(tmp_path, tmp_path / "p.csv", tmp_path / "l.csv", tmp_path / "samples")
    samples = pq.read_table(tmp_path / "samples" / "samples.parquet").to_pylist()
    assert [(one["metric"], one["value"]) for one in samples] == [
        ("ttft", 0.5), ("e2el", 1.0), ("tpot", 0.25), ("itl", 0.25), ("itl", 0.25), ("e2el", 2.0),
    ]  # fmt: skip
    (power,) = pq.read_table(tmp_path / "samples" / "telemetry.parquet").to_pylist()
    assert (power["device"], power["power_w"], power["energy_j"]) == ("GPU-a", 250.0, None)


WRITER = """
import sys
from pathlib import Path
sys.path[:0] = [{tests!r}]
from test_aggregate import made
from atlas.perf.record import Writer
from atlas.perf.record import path_of
for repeat in range({start}, {start} + {count}):
    record = made(repeat=repeat)
    path = path_of(Path({root!r}), "engine", "1.0", "cpu-x", "toy", repeat)
    while True:
        writer = Writer(path)
        writer.begin(record)
        writer.finish(record)
        if not {forever}:
            break
"""


def start_writer(root, start, count, forever=False):
    tests = str(Path(__file__).parent)
    code = WRITER.format(tests=tests, root=str(root), start=start, count=count, forever=forever)
    return subprocess.Popen([sys.executable, "-c", code])


def test_64_parallel_writers_give_64_records(tmp_path):
    children = []
    for repeat in range(1, 65):
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                writer = Writer(path_of(tmp_path, "engine", "1.0", "cpu-x", "toy", repeat))
                writer.begin(made(repeat=repeat))
                writer.finish(made(repeat=repeat))
                status = 0
            finally:
                os._exit(status)
        children.append(pid)
    assert [os.waitpid(pid, 0)[1] for pid in children] == [0] * 64
    assert aggregate(tmp_path, tmp_path / "perf.csv", tmp_path / "latest.csv", None) == 0
    rows = list(csv.DictReader((tmp_path / "perf.csv").open()))
    assert sorted(int(row["repeat"]) for row in rows) == list(range(1, 65))


def test_killing_a_writer_at_any_time_corrupts_nothing(tmp_path):
    path = path_of(tmp_path, "engine", "1.0", "cpu-x", "toy", 1)
    source = random.Random(7)
    process = start_writer(tmp_path, 1, 1, forever=True)
    while not path.exists():
        time.sleep(0.01)
    process.kill()
    process.wait()
    for _ in range(25):
        pid = os.fork()
        if pid == 0:
            while True:
                Writer(path).begin(made(repeat=1))
                Writer(path).finish(made(repeat=1))
        time.sleep(source.uniform(0.001, 0.05))
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        assert read(path)["run_id"] == "toy-1.0-1"
        assert read_records(find_records(tmp_path))[1] == []


def test_the_change_is_against_the_last_comparable_version():
    def version(name, value, **more):
        return [
            made(version=name, repeat=r, results=[result(value + r / 10)], run_id=f"{name}-{r}", **more)
            for r in (1, 2, 3)
        ]

    records = [*version("1.9", 100), *version("1.10", 90), *version("2.0", 50, environment_family="other")]
    changes = previous(records)
    found = changes["1.10-2", "", "output_tput", "value"]
    assert (found.run, found.since) == (pytest.approx(90.2 / 100.2 - 1), "1.9")
    assert not any(key[0].startswith(("1.9", "2.0")) for key in changes)


def test_beside_a_runs_own_change_is_that_of_its_version_with_the_interval_that_verdicts_have():
    def version(name, *values):
        return [
            made(version=name, repeat=r, results=[result(value)], run_id=f"{name}-{r}")
            for r, value in enumerate(values, 1)
        ]

    old = version("1.0", 100, 101, 102, 103, 104)
    new = version("2.0", 80, 90, 91, 92, 93)
    few = version("3.0", 90, 91, 92)
    changes = previous([*old, *new, *few])
    found = {row["run_id"]: row for row in rows_of([*old, *new, *few], changes)}
    (verdict,) = [one.verdict for one in compare(old, new)]
    rows = [found[f"2.0-{repeat}"] for repeat in range(1, 6)]
    assert {row["baseline_version"] for row in rows} == {"1.0"}
    assert {float(row["version_change"]) for row in rows} == {round(verdict.change, 6)}
    interval = tuple(float(rows[0][f"version_change_{end}"]) for end in ("low", "high"))
    assert interval == tuple(round(end, 6) for end in verdict.interval)
    assert interval[0] < verdict.change < interval[1] < 0
    assert float(rows[0]["relative_change"]) == pytest.approx(80 / 102 - 1, abs=1e-6)
    row = found["3.0-1"]  # too few for a verdict
    assert (row["baseline_version"], row["version_change"]) == ("2.0", "0.0")
    assert (row["version_change_low"], row["version_change_high"]) == ("", "")
    names = ("relative_change", "baseline_version", "version_change", "version_change_low")
    assert {found["1.0-1"][name] for name in names} == {""}
    assert list(COLUMNS).index("version_change") > list(COLUMNS).index("extra_json")


def test_of_several_results_of_a_card_each_is_compared_with_its_own():
    def version(name, small, big):
        return [
            made(
                version=name,
                repeat=r,
                results=[result(small + r / 100, name="small"), result(big + r / 100, name="big")],
                run_id=f"{name}-{r}",
            )
            for r in range(1, 6)
        ]

    old, new = version("1.0", 10, 100), version("2.0", 8, 120)
    big, small = compare(old, new)
    assert (big.card, big.verdict.kind) == ("toy_big", "suspected_improvement")
    assert (small.card, small.verdict.kind) == ("toy_small", "suspected_regression")
    found = {(row["model"], row["run_id"]): row for row in rows_of([*old, *new], previous([*old, *new]))}
    assert float(found["toy_big", "2.0-3"]["relative_change"]) == pytest.approx(0.2, abs=0.001)
    assert float(found["toy_small", "2.0-3"]["relative_change"]) == pytest.approx(-0.2, abs=0.001)


def test_profiled_and_failed_runs_are_no_part_of_a_comparison():
    flat = [made(repeat=r, results=[result(100 + r / 10)]) for r in range(1, 6)]
    slow = [made(repeat=r, results=[result(50.0)], profiled=["nsys"], run_id=f"p{r}") for r in range(1, 6)]
    dead = [made(repeat=r, kind="crash", run_id=f"d{r}") for r in range(1, 6)]
    (one,) = compare(flat, [*flat, *slow, *dead])
    assert one.verdict.kind == "unchanged"
    (one,) = compare(flat, slow)
    assert one.verdict.kind == "insufficient_data"


@pytest.mark.parametrize("name", ["workload_digest", "hardware_key", "environment_family", "machine_name"])
def test_runs_that_differ_in_the_key_are_incomparable(name):
    one = [made(repeat=r) for r in range(1, 6)]
    two = [made(repeat=r, version="2.0", **{name: "other"}) for r in range(1, 6)]
    (found,) = compare(one, two)
    assert found.verdict.kind == "incomparable"
    assert name in found.verdict.why
