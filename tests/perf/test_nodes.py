"""Runs over nodes: what they report is put together as the card declares; a missing node is no success."""

from __future__ import annotations

import csv
import io
import json
import os
import sys
from pathlib import Path

import pytest

from atlas.errors import InputError
from atlas.perf.aggregate import table
from atlas.perf.cards import Card, load_cards
from atlas.perf.prepared import Ready
from atlas.perf.record import read
from atlas.perf.run import run_card

ROOT = Path(__file__).resolve().parents[2]
ALL = {0: ["performance: 10 tok/s", "performance: 3 ms"], 1: ["performance: 30 tok/s", "performance: 5 ms"]}
PROGRAM = """
import json, pathlib, sys
folder, said, outcome = pathlib.Path(sys.argv[1]), json.loads(sys.argv[2]), json.loads(sys.argv[3])
(folder / "logs").mkdir()
for rank, lines in said.items():
    (folder / f"logs/worker-{rank}-n{rank}.log").write_text("\\n".join(lines) + "\\n")
if outcome:
    (folder / "launch.json").write_text(json.dumps(outcome))
    sys.exit(0 if outcome["status"] == "SUCCESS" else 3)
"""
WELL = {"status": "SUCCESS", "reason": "", "parallel": {"dp": 2}, "steps": []}


def measure(tmp_path, said, outcome=WELL, **changes):
    """The record of a run of two nodes that have written these logs, in place of a real launch."""
    values = {"launcher": "torchrun", "nnodes": 2, "reduce": {"tok/s": "sum", "ms": "max"}, **changes}
    card = Card("wide", "test", ("t",), "cards.yaml:1", command=("x",), repeats=1, timeout_s=60, **values)

    def program(scratch):
        command = (sys.executable, "-c", PROGRAM, str(scratch), json.dumps(said), json.dumps(outcome))
        return Ready(command, {"PATH": os.environ["PATH"]}, scratch / "work", None, launch=scratch)

    output = tmp_path / "1.json"
    found = run_card(
        tmp_path, "toy", "1", card, 1, hardware="cpu-t", output=output, interval_s=0, prepare=program
    )
    assert read(output) == found
    return found


def values(record):
    return {one["metric"]: (one["value"], one["statistic"], one["n"]) for one in record["results"]}


def test_nodes_that_all_report_are_one_success(tmp_path):
    found = measure(tmp_path, ALL)
    assert (found["status"], found["nodes_expected"], found["nodes_reported"]) == ("SUCCESS", 2, 2)
    assert values(found) == {"tok/s": (40.0, "sum", 2), "ms": (5.0, "max", 2)}
    assert found["parallel"] == {"dp": 2}
    assert "== worker-1-n1.log\nperformance: 30" in (tmp_path / found["log_path"]).read_text()


def test_a_node_that_is_silent_makes_it_degraded_in_the_record_and_in_the_table(tmp_path):
    found = measure(tmp_path, {0: ALL[0], 1: ["all is well"]})
    assert (found["status"], found["failure_kind"]) == ("DEGRADED", "nodes_missing")
    assert (found["nodes_expected"], found["nodes_reported"]) == (2, 1)
    assert found["failure_reason"] == "nodes 1 have not reported"
    rows = list(csv.DictReader(io.StringIO(table([found], {}))))
    assert [(row["status"], row["nodes_reported"], row["nodes_expected"]) for row in rows] == [
        ("DEGRADED", "1", "2")
    ] * 2
    assert {row["performance"] for row in rows} == {"10.0", "3.0"}
    assert {row["parallel"] for row in rows} == {"dp=2"}


def test_no_node_at_all_and_no_rank_0_where_it_counts_are_failures(tmp_path):
    assert measure(tmp_path, {0: [], 1: []})["status"] == "FAILURE"
    found = measure(tmp_path, {0: [], 1: ALL[1]}, reduce={"tok/s": "rank0", "ms": "max"})
    assert (found["status"], found["failure_kind"]) == ("FAILURE", "nodes_missing")
    assert "no value of tok/s" in found["failure_reason"]


def test_a_launch_that_failed_has_no_results_whatever_its_nodes_said(tmp_path):
    failed = {**WELL, "status": "FAILURE", "reason": "worker-1 has failed with exit status 9"}
    found = measure(tmp_path, ALL, failed)
    assert (found["status"], found["failure_kind"]) == ("FAILURE", "engine_error")
    assert found["failure_reason"] == "worker-1 has failed with exit status 9"
    assert found["results"] == []


def test_a_launch_without_an_end_is_a_failure(tmp_path):
    assert measure(tmp_path, ALL, None)["failure_reason"] == "the launch had no end"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("performance: 7 joules", "no one has said how `joules` of several nodes is put together"),
        ("performance: 11 tok/s", "tok/s of node 0: said twice"),
        ("performance: nan tok/s", "tok/s of node 0: `nan` is not finite"),
    ],
)
def test_what_no_one_can_put_together_is_a_failure(tmp_path, line, reason):
    found = measure(tmp_path, {**ALL, 0: [*ALL[0], line]})
    assert (found["status"], found["failure_kind"]) == ("FAILURE", "metric_missing")
    assert reason in found["failure_reason"]


def test_a_log_of_another_node_is_searched_for_errors_too(tmp_path):
    found = measure(tmp_path, {**ALL, 1: [*ALL[1], "RuntimeError: NCCL error"]})
    assert found["failure_kind"] == "log_pattern"


def served(**steps):
    return {
        **WELL,
        "steps": [{"step": n, "nodes": [n], "code": code, "log": ""} for n, code in steps.items()],
    }


def test_of_a_server_the_client_measures_and_its_nodes_are_counted(tmp_path):
    said = {"0": [], "1": []}
    program = measure(tmp_path, said, served(a=None, b=None), model={"hub": "o/m"}, reduce={})
    assert (program["nodes_reported"], program["failure_kind"]) == (2, "metric_missing")
    program = measure(tmp_path, said, served(a=None, b=0), model={"hub": "o/m"}, reduce={})
    assert (program["nodes_reported"], program["status"]) == (1, "DEGRADED")


CARD = "format_version: 1\ncards:\n  - {name: c, tags: [t], %s}\n"


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ("command: [x], nnodes: 2", "is for nodes, and has no `launcher`"),
        ("command: [x], reduce: {a: sum}", "is for nodes, and has no `launcher`"),
        ("command: [x], launcher: torchrum, nnodes: 2", "did you mean `torchrun`"),
        ("command: [x], launcher: torchrun, nnodes: 2", "needs `reduce`"),
        ("command: [x], launcher: vllm, nnodes: 2", "needs `model`"),
        ("model: {hub: o/m}, command: [x], launcher: sglang-disagg", "needs 2 nodes"),
        ("command: [x], launcher: torchrun, reduce: {a: sum}, tools: [t]", "cannot have `tools`"),
        ("model: {hub: o/m}, command: [x], launcher: vllm, reduce: {a: sum}", "cannot have `reduce`"),
        ("command: [x], launcher: torchrun, reduce: {a: add}", "sum"),
    ],
)
def test_a_card_that_could_not_be_launched_is_refused_with_its_line(tmp_path, keys, says):
    (tmp_path / "config/workloads").mkdir(parents=True)
    (tmp_path / "config/launchers.yaml").write_bytes((ROOT / "config/launchers.yaml").read_bytes())
    (tmp_path / "config/workloads/s.yaml").write_text(CARD % keys)
    with pytest.raises(InputError, match=r"s.yaml:3") as error:
        load_cards(tmp_path)
    assert says in str(error.value)


def test_cards_of_one_machine_have_the_digest_that_they_had():
    plain = Card("c", "s", ("t",), "x:1", command=("x",))
    assert not {"reduce", "arguments"} & set(plain.workload())
    wide = Card("c", "s", ("t",), "x:1", command=("x",), launcher="torchrun", nnodes=2, reduce={"a": "sum"})
    assert wide.workload()["reduce"] == {"a": "sum"}
