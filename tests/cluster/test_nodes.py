"""Results of several nodes: declared reductions, and no quiet success where a node is missing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from atlas.cli import run
from atlas.cluster.nodes import gather, reported
from atlas.errors import InputError

WAYS = {"tokens": "sum", "latency": "mean", "peak": "max", "loss": "rank0"}


def values(**changed: float) -> dict[str, float]:
    return {"tokens": 10.0, "latency": 2.0, "peak": 5.0, "loss": 0.5, **changed}


def named(found):
    return {one["metric"]: one["value"] for one in found.results}


def test_each_metric_is_put_together_as_it_is_declared():
    found = gather({0: values(), 1: values(tokens=30, latency=4, peak=7, loss=9)}, 2, WAYS)
    assert found.status == "SUCCESS"
    assert named(found) == {"tokens": 40, "latency": 3, "peak": 7, "loss": 0.5}


def test_a_missing_node_is_no_success():
    found = gather({0: values()}, 2, WAYS)
    assert (found.status, found.nodes_reported, found.nodes_expected, found.missing) == (
        "DEGRADED",
        1,
        2,
        (1,),
    )
    assert "nodes 1 have not reported" in found.reason


def test_without_its_node_a_metric_of_rank_0_fails():
    found = gather({1: values()}, 2, WAYS)
    assert (found.status, found.reason) == ("FAILURE", "no value of loss")
    assert gather({1: values()}, 2, {**WAYS, "loss": "max"}).status == "DEGRADED"


def test_no_node_at_all_is_a_failure():
    found = gather({}, 4, WAYS)
    assert (found.status, found.nodes_reported, found.missing) == ("FAILURE", 0, (0, 1, 2, 3))


def test_a_metric_that_some_nodes_lack_is_no_success():
    found = gather({0: values(), 1: {"tokens": 1.0}}, 2, WAYS)
    assert (found.status, found.nodes_reported) == ("DEGRADED", 2)


@pytest.mark.parametrize("ways", [{"tokens": "sum"}, {**WAYS, "tokens": "add"}])
def test_nothing_is_guessed(ways):
    with pytest.raises(InputError):
        gather({0: values()}, 1, ways)


@given(st.sets(st.integers(0, 7)), st.integers(1, 8))
def test_success_means_all_nodes(ranks, expected):
    found = gather({rank: values() for rank in ranks}, expected, WAYS)
    assert (found.status == "SUCCESS") == (set(range(expected)) <= ranks)


def test_a_file_that_is_cut_off_has_not_reported(tmp_path):
    (tmp_path / "0.json").write_text(json.dumps(values()))
    (tmp_path / "1.json").write_text('{"tokens": 1')
    (tmp_path / "2.json").write_text('{"tokens": NaN, "peak": "7"}')
    assert reported(sorted(tmp_path.iterdir())) == {0: values(), 2: {}}


def test_what_is_put_together_is_told_as_an_outcome_too(tmp_path, capsys):
    (tmp_path / "0.json").write_text('{"tok_per_s": 7.0}')
    words = ["cluster", "gather", "--json", "--expected", "2", "--reduce", "tok_per_s=sum"]
    assert run([*words, str(tmp_path / "0.json")]) == 1
    told = json.loads(capsys.readouterr().out)
    form = Path(__file__).parents[2] / "config/schemas/cli/outcome.schema.json"
    Draft202012Validator(json.loads(form.read_text())).validate(told)
    assert (told["exit_code"], told["answer"]["status"], told["answer"]["missing"]) == (1, "DEGRADED", [1])


def test_the_hardware_of_nodes_is_told_as_an_outcome_too(capsys):
    assert run(["cluster", "hardware", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["answer"]["hardware"].startswith("cpu-")
