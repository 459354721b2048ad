"""What was measured, on the page: values, intervals, verdicts and failures, without a script."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from atlas.errors import InputError
from atlas.report.command import build_report, report_project
from atlas.report.measured import load_tables, tables
from atlas.report.page import render_measured

from .test_page import ENGINE, Elements
from .world import HOSTILE, PINS


def metric(value: float, **more: Any) -> dict[str, Any]:
    found = {"name": "", "metric": "output_tput", "statistic": "value", "unit": "tok/s", "better": "higher"}
    found |= {"value": value, "interval": [value - 1, value + 1], "verdict": None, "change": None}
    return {**found, "change_interval": None, "why": None, **more}


def entry(version: str = "2.0", **more: Any) -> dict[str, Any]:
    found = {"engine": "toy", "version": version, "card": "chat", "hardware": "cpu-x", "runs": 5}
    found |= {"last": "2026-01-02T03:04:05.000Z", "before": None, "failures": [], "left_out": 0, "notes": []}
    return {**found, "metrics": [metric(1803.26)], **more}


SLOWER = metric(
    0.00231, metric="tpot", statistic="p50", unit="s", better="lower", interval=[0.0021, 0.0025],
    verdict="suspected_regression", change=0.123, change_interval=[0.05, 0.2], why="not confirmed",
)  # fmt: skip
MEASURED = [
    entry("1.0"),
    entry("2.0", before="1.0", metrics=[metric(1803.26), SLOWER], notes=[HOSTILE]),
    entry("3.0", runs=0, metrics=[], failures=[{"kind": "oom", "runs": 4, "reason": HOSTILE}], left_out=1),
]


def written(path: Path, measured: list[dict[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"format_version": 1, "measured": measured}), encoding="utf-8")
    return path


def words(page: Path) -> str:
    return " ".join(Elements(page).text.split())


@pytest.fixture
def page(tmp_path: Path) -> Path:
    overview = written(tmp_path / "perf.overview.json", MEASURED)
    build_report([], [], tmp_path / "index.html", pins=PINS, measured=overview)
    return tmp_path / "index.html"


def test_each_version_has_its_runs_values_and_intervals(page: Path) -> None:
    text = words(page)
    assert "chat on cpu-x · 4 failed" in text
    assert "toy 1.0 5 until 2026-01-02 1,803 tok/s 1,802 – 1,804" in text
    assert "against 1.0" in text


def test_a_verdict_is_shown_with_its_change_and_why(page: Path) -> None:
    assert "2.31 ms 2.10 – 2.50 suspected regression +12.3 % [+5.0, +20.0]" in words(page)
    assert 'title="not confirmed"><span class="badge warn">suspected regression<' in page.read_text()


def test_a_failed_cell_is_on_the_page_with_its_kind_and_reason(page: Path) -> None:
    text = words(page)
    assert "toy 3.0 0 until 2026-01-02 1 not comparable or profiled – – oom 4 failed <script>" in text
    assert text.count("oom") == 1


def test_runs_of_another_tool_are_called_imported() -> None:
    assert "imported" in render_measured(tables([entry(last=None)]))
    assert "until" not in render_measured(tables([entry(last=None)])).split("<body>")[1]


def test_hostile_text_stays_text(page: Path) -> None:
    kinds = [attributes.get("type") for tag, attributes in Elements(page).found if tag == "script"]
    assert kinds == ["application/json", "module"]
    alone = page.with_name("alone.html")
    alone.write_text(render_measured(tables(MEASURED)), encoding="utf-8")
    assert not any(tag == "script" for tag, _ in Elements(alone).found)
    assert "oom 4 failed" in words(alone)


def test_a_project_that_keeps_nothing_shows_nothing_of_it(tmp_path: Path) -> None:
    (tmp_path / "engine_versions").mkdir()
    (tmp_path / "engine_versions" / "toy.yaml").write_text(ENGINE)
    report_project(tmp_path, tmp_path / "index.html")
    assert "What was measured" not in words(tmp_path / "index.html")
    written(tmp_path / "results/perf.overview.json", MEASURED)
    report_project(tmp_path, tmp_path / "index.html")
    assert "What was measured" in words(tmp_path / "index.html")


def test_metrics_of_a_command_and_of_several_results_have_columns_of_their_own() -> None:
    own = [metric(12.5, name="small", metric="MB/s", unit="MB/s"), metric(3e-5, metric="ttft", unit="s")]
    (table,) = tables([entry(metrics=own)])
    assert table.columns == ("small: MB/s", "First token")
    assert [one.text for one in table.rows[0].values if one] == ["12.5 MB/s", "30.0 µs"]
    (first, second) = tables([entry(), entry(hardware="gpu-x")])
    assert (first.hardware, second.hardware) == ("cpu-x", "gpu-x")


@pytest.mark.parametrize("bad", ["{", "[]", '{"format_version": 1, "measured": [{}]}'])
def test_an_overview_that_is_none_is_named(tmp_path: Path, bad: str) -> None:
    path = tmp_path / "perf.overview.json"
    path.write_text(bad)
    with pytest.raises(InputError) as failure:
        load_tables(path)
    assert failure.value.where == str(path)


def test_numbers_are_read_easily_and_hide_nothing() -> None:
    def shown(value: float, unit: str) -> str:
        (table,) = tables([entry(metrics=[metric(value, unit=unit, interval=None)])])
        (one,) = table.rows[0].values
        assert one
        return one.text

    assert shown(386879488, "B") == "369 MiB"
    assert shown(0, "s") == "0 s"
    assert shown(12.345, "s") == "12.3 s"
    assert shown(123456.7, "tok/s") == "123,457 tok/s"
    assert shown(0.25, "tok/s") == "0.250 tok/s"
    assert shown(0.0000125, "x") == "1.25e−05 x"
