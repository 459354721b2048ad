"""Coverage is counted from committed schemas alone, shown per class, and held against floors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.errors import InputError
from atlas.schema.coverage import load_schemas, run_coverage
from atlas.schema.coverage_page import markdown, summary_row, without_module
from atlas.schema.facts import class_of, literal, unknown
from atlas.schema.floors import Floor, Share, hold, load_floors

from .made import FLOAT, INT, STR, field, klass, lane, published, value

PROJECT = Path(__file__).resolve().parents[2]


def two_lanes() -> dict[str, Any]:
    static = lane(
        "static",
        klass(
            "p.Args",
            field("a", INT, value(1), description="A."),
            field("b", INT, value(2)),
            field("c", FLOAT, value(3), constraints={"minimum": 0}),
            field("kind", literal(["x", "y"]), value("x")),
            field("extra", unknown("T"), via="kwargs"),
            field("cache", class_of("p.Cache")),
        ),
        klass("p.Cache", field("size", INT, value(1))),
    )
    live = lane(
        "live",
        klass(
            "p.Args",
            field("a", INT, value(1)),
            field("b", INT, value(5)),
            field("c", INT, value(3), constraints={"minimum": 0}),
            field("kind", literal(["y", "x"]), value("x")),
            field("cache", class_of("p.Cache")),
            field("late", STR, value("|")),
        ),
        klass("p.Cache", field("size", INT, value(1))),
    )
    return published(static, live, args=["p.Args"])


def rows(schema: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {row["class"]: row for row in schema["lanes"]["rows"]}


def test_a_schema_counts_what_each_lane_found_per_class() -> None:
    found = rows(two_lanes())
    args = found["p.Args"]
    assert (args["n"], args["static"], args["live"], args["both"]) == (7, 6, 6, 5)
    assert args["static_only"] == {"kwargs": ["extra"]}
    assert args["live_only"] == ["late"]
    assert args["unknown_types"] == ["extra"]
    assert args["default"] == {"compared": 5, "equal": 4, "differ": ["b"]}
    assert args["type"] == {"compared": 5, "equal": 4, "differ": ["c"]}
    assert args["bounds"] == {"compared": 1, "equal": 1, "differ": []}
    assert args["enum"] == {"compared": 1, "equal": 1, "differ": []}
    assert (found["p.Cache"]["n"], found["p.Cache"]["both"]) == (1, 1)


def test_floors_are_held_against_the_classes_they_name() -> None:
    floors = [
        Floor("static_recall", 0.8),
        Floor("static_recall", 0.9),
        Floor("described", 0.2, class_="*Cache"),
        Floor("typed", 0.99, engine="other"),
    ]
    held = [(one.floor.measure, one.share, one.reached) for one in hold(two_lanes(), floors)]
    assert held == [
        ("static_recall", Share(6, 7), True),
        ("static_recall", Share(6, 7), False),
        ("described", Share(0, 1), False),
    ]


def test_comparisons_are_not_held_against_a_single_lane() -> None:
    schema = published(lane("static", klass("p.Args", field("a", unknown("T")))), args=["p.Args"])
    held = hold(schema, [Floor("static_recall", 1.0), Floor("default", 1.0), Floor("typed", 0.5)])
    assert [one.floor.measure for one in held] == ["typed"]
    assert summary_row(schema)[2:7] == ["static", "1", "1", "0", "–"]


def test_a_written_type_that_is_not_known_counts_and_an_unwritten_one_does_not() -> None:
    static = lane(
        "static",
        klass(
            "p.Args",
            field("a", INT),
            field("b", unknown("T"), annotation="T"),
            field("c", None, via="kwargs"),
        ),
    )
    held = hold(published(static, args=["p.Args"]), [Floor("typed", 0.9), Floor("written_types", 0.9)])
    assert [one.share for one in held] == [Share(1, 3), Share(1, 2)]


@given(st.integers(0, 10_000), st.integers(1, 10_000))
def test_a_share_of_100_percent_means_all(part: int, whole: int) -> None:
    text = Share(min(part, whole), whole).percent()
    assert (text == "100.0 %") == (part >= whole)


def test_the_page_names_every_difference(tmp_path: Path) -> None:
    page = markdown([two_lanes()], hold(two_lanes(), [Floor("default", 0.99)]))
    assert page == markdown([two_lanes()], hold(two_lanes(), [Floor("default", 0.99)]))
    assert "| `args:b` | default | `kind 'value', value 2` | `kind 'value', value 5` |" in page
    assert "| `args:c` | type | `float` | `int` |" in page
    assert "- `kwargs` (1): `args:extra`" in page
    assert "### Only live (1)" in page
    assert "`args:late`" in page
    assert "**missed**" in page
    for line in page.splitlines():
        if line.startswith("|"):
            assert line.endswith("|")


def test_a_project_s_schemas_are_found_and_a_missed_floor_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project(tmp_path, "  - {measure: default, floor: 0.5}\n")
    monkeypatch.setenv("ATLAS_ROOT", str(tmp_path))
    assert run_coverage([], None) == 0
    assert "toy 1.0" in capsys.readouterr().out
    project(tmp_path, "  - {measure: default, floor: 0.99}\n")
    assert run_coverage([], None) == 1
    assert "missed" in capsys.readouterr().out
    assert run_coverage([], tmp_path / "docs" / "coverage.md") == 0
    assert "missed" in (tmp_path / "docs" / "coverage.md").read_text()


def test_a_floor_that_is_not_one_is_refused_with_its_place(tmp_path: Path) -> None:
    project(tmp_path, "  - {measure: recal, floor: 0.5}\n")
    with pytest.raises(InputError, match=r"config\.yaml:3:6: `measure` is .recal."):
        load_floors(tmp_path)


def test_the_floors_of_this_project_are_valid() -> None:
    assert load_floors(PROJECT)


def test_a_file_that_is_no_schema_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    other.write_text("{}")
    with pytest.raises(InputError, match=r"not a schema\.discovered\.json"):
        load_schemas([other])


def test_schemas_are_ordered_by_engine_and_version(tmp_path: Path) -> None:
    files = []
    for engine, version in (("b", "1.0"), ("a", "1.10"), ("a", "1.9")):
        files.append(tmp_path / f"{engine}-{version}.json")
        files[-1].write_text(json.dumps({**two_lanes(), "engine": engine, "version": version}))
    assert [(one["engine"], one["version"]) for one in load_schemas(files)] == [
        ("a", "1.9"),
        ("a", "1.10"),
        ("b", "1.0"),
    ]


@pytest.mark.parametrize(
    ("qualname", "shown"),
    [
        ("pkg.mod.Args", "Args"),
        ("pkg.mod.Model.load", "Model.load"),
        ("pkg.mod._Private", "_Private"),
        ("pkg.mod.function", "function"),
    ],
)
def test_a_root_is_shown_without_its_module(qualname: str, shown: str) -> None:
    assert without_module(qualname) == shown


def project(root: Path, floors: str) -> None:
    (root / "engine_versions").mkdir(exist_ok=True)
    (root / "config").mkdir(exist_ok=True)
    (root / "config" / "config.yaml").write_text(f"format_version: 1\ncoverage_floors:\n{floors}")
    cell = root / "results" / "toy" / "1.0"
    cell.mkdir(parents=True, exist_ok=True)
    (cell / "schema.discovered.json").write_text(json.dumps(two_lanes()))


def test_a_cell_with_static_facts_only_says_why() -> None:
    schema = published(lane("static", klass("p.Args", field("a", INT, value(1)))), None, args=["p.Args"])
    reason = "ModuleNotFoundError: No module named 'x'; add it"
    unhealthy = {"code": "environment_unhealthy", "lane": "live", "reason": reason, "fields": ["p.Args"]}
    schema["limitations"] = [unhealthy]
    assert f"Static facts only: `p.Args`: {reason}." in markdown([schema], [])
    assert "Static facts only" not in markdown([{**two_lanes(), "limitations": [unhealthy]}], [])
