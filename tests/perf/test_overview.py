"""What the report shows of records: values of the last comparable runs, verdicts, and failures."""

from __future__ import annotations

import json

import pytest

from atlas.perf.overview import overview, text
from atlas.validation import problems
from atlas.yamlfile import Document

from .test_aggregate import made, result


def version(name, speed, count=5, start=1, **more):
    return [
        made(version=name, repeat=r, results=[result(speed + r / 10)], run_id=f"{name}-{r}", **more)
        for r in range(start, start + count)
    ]


def entries(records):
    wrong = problems(Document("overview", json.loads(text(records)), {}), "perf.overview")
    assert wrong == []
    return {(one["card"], one["version"]): one for one in overview(records)}


def test_a_version_is_judged_against_the_one_before_it():
    found = entries([*version("1.9", 100), *version("1.10", 80)])
    assert found["toy", "1.9"]["before"] is None and found["toy", "1.9"]["metrics"][0]["verdict"] is None
    new = found["toy", "1.10"]
    (metric,) = new["metrics"]
    assert (new["before"], new["runs"], metric["value"]) == ("1.9", 5, pytest.approx(80.3))
    assert (metric["verdict"], metric["change"]) == ("suspected_regression", pytest.approx(-0.2, abs=0.001))
    low, high = metric["interval"]
    assert low < metric["value"] < high
    low, high = metric["change_interval"]
    assert low < metric["change"] < high < 0


def test_runs_of_another_environment_than_the_last_do_not_count_and_are_counted():
    old = version("1.0", 50, environment_family="old", started_at="2025-01-01T00:00:00.000Z")
    new = version("1.0", 100, start=6)
    (found,) = entries([*old, *new]).values()
    assert (found["runs"], found["left_out"], found["metrics"][0]["value"]) == (5, 5, pytest.approx(100.8))
    profiled = version("1.0", 10, start=11, profiled=["nsys"])
    (found,) = entries([*new, *profiled]).values()
    assert (found["runs"], found["left_out"]) == (5, 5)


def test_of_the_version_before_the_comparable_runs_count_though_others_came_later():
    before = version("1.0", 100, started_at="2025-01-01T00:00:00.000Z")
    later = version("1.0", 500, start=6, environment_family="other")
    now = version("2.0", 100.01)
    (metric,) = entries([*before, *later, *now])["toy", "2.0"]["metrics"]
    assert metric["verdict"] == "unchanged"
    (metric,) = entries([*later, *now])["toy", "2.0"]["metrics"]
    assert metric["verdict"] == "incomparable" and "environment_family" in metric["why"]


def test_failures_are_shown_by_kind_also_where_nothing_was_measured():
    dead = [made(kind=kind, repeat=r, run_id=str(r)) for r, kind in enumerate(("oom", "timeout", "oom"), 1)]
    (found,) = entries(dead).values()
    assert [(one["kind"], one["runs"], one["reason"]) for one in found["failures"]] == [
        ("oom", 2, "because"),
        ("timeout", 1, "because"),
    ]
    assert (found["runs"], found["metrics"], found["left_out"]) == (0, [], 0)
    mixed = entries([*version("1.0", 100), *version("2.0", 90, count=4), made("toy", "2.0", 5, "crash")])
    assert (mixed["toy", "2.0"]["runs"], mixed["toy", "2.0"]["failures"][0]["kind"]) == (4, "crash")
    # A version that never ran is nothing to compare the next with.
    after = entries([*version("1.0", 100), made("toy", "2.0", 1, "crash"), *version("3.0", 100)])
    assert after["toy", "3.0"]["before"] == "1.0"


def test_runs_of_another_tool_are_shown_and_compared_with_nothing():
    more = {"started_at": None, "stage": "imported", "environment_family": None, "machine_name": None}
    found = entries([made(version=v, repeat=r, run_id=f"{v}{r}", **more) for v in "12" for r in range(1, 6)])
    assert found["toy", "2"]["last"] is None
    assert found["toy", "2"]["metrics"][0]["verdict"] == "incomparable"
