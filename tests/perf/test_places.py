"""Records of different runtimes have places of their own, and are told apart in all that is made of them."""

from __future__ import annotations

import csv
from pathlib import Path

from atlas.errors import UnavailableError
from atlas.perf.aggregate import aggregate, latest
from atlas.perf.cards import Card
from atlas.perf.overview import overview
from atlas.perf.plan import PerfPlan, runtime_for
from atlas.perf.record import hardware_in, opened, path_of, place_of_record, place_of_runs, runtime_in, text
from atlas.perf.report import as_text, verdicts

from .test_aggregate import made, result

ROOT = Path(__file__).resolve().parents[2]
IMAGE = {"runtime": "docker"}


def runs(version, speed, runtime="venv", count=5):
    return [
        made(version=version, repeat=r, results=[result(speed + r / 10)], run_id=f"{runtime}-{version}-{r}")
        | {
            "runtime": runtime,
            "environment_family": runtime,
            "started_at": f"202{version[0]}-01-02T00:00:00Z",
        }
        for r in range(1, count + 1)
    ]


def test_a_runtime_is_in_the_name_of_its_records_folder_and_the_virtual_environments_is_as_it_was():
    card = Card("toy", "t", ("t",), "c:1")
    for runtime, place in (("venv", "cpu-x"), ("docker", "cpu-x@docker"), ("auto", "cpu-x@auto")):
        assert place_of_runs("cpu-x", runtime) == place
        record = opened("toy", "1", card, 1, place)
        assert (record["hardware_key"], record["runtime"]) == ("cpu-x", runtime)
        assert (place_of_record(record), hardware_in(place)) == (place, "cpu-x")
    assert place_of_runs("cpu-x", None) == "cpu-x"


def test_a_record_from_before_there_was_a_word_for_it_tells_by_its_environment():
    card = Card("toy", "t", ("t",), "c:1")
    old = {key: value for key, value in opened("toy", "1", card, 1, "h").items() if key != "runtime"}
    assert runtime_in(old) is None
    assert runtime_in(old | {"environment": {"image": IMAGE}}) == "docker"
    assert runtime_in(old | {"environment": {"image": None}}) == "venv"


def test_what_another_runtime_measures_does_not_replace_what_is_there(monkeypatch):
    def records(runtime):
        monkeypatch.setenv("ATLAS_RUNTIME", runtime)
        return set(PerfPlan(ROOT, ("tiny-single",)).records())

    found = {runtime: records(runtime) for runtime in ("venv", "docker", "podman")}
    own = {path for path in found["venv"] if runtime_for(ROOT, *path.split("/")[1:3]) == "venv"}
    assert own  # of an environment of their own, whatever is set: the same runs
    assert found["venv"] & found["docker"] == found["docker"] & found["podman"] == own
    rest = found["docker"] - own
    assert rest and all("@docker/" in path for path in rest)
    assert {path.replace("@docker/", "/") for path in found["docker"]} == found["venv"]


def test_records_that_are_kept_are_those_of_the_hardware_in_every_runtime(tmp_path):
    (tmp_path / "config").mkdir()
    (tmp_path / "config/config.yaml").write_text("perf: {hardware: [cpu-x]}\n")
    card = Card("toy", "t", ("t",), "c:1")
    for place in ("cpu-x", "cpu-x@docker", "cpu-y@docker"):
        path = path_of(tmp_path, "toy", "1", place, "toy", 1)
        path.parent.mkdir(parents=True)
        path.write_text(text(opened("toy", "1", card, 1, place)))
    kept = PerfPlan(tmp_path).kept()
    assert kept == [f"results/toy/1/perf/{place}/toy/1.json" for place in ("cpu-x", "cpu-x@docker")]


def test_versions_follow_each_other_within_a_runtime_and_all_runs_count(tmp_path):
    records = [*runs("1.0", 100), *runs("2.0", 90), *runs("1.0", 50, "docker"), *runs("2.0", 50.01, "docker")]
    found = {(one["hardware"], one["version"]): one for one in overview(records)}
    assert set(found) == {(p, v) for p in ("cpu-x", "cpu-x@docker") for v in ("1.0", "2.0")}
    assert {(one["runs"], one["left_out"]) for one in found.values()} == {(5, 0)}
    assert found["cpu-x", "2.0"]["metrics"][0]["verdict"] == "suspected_regression"
    assert found["cpu-x@docker", "2.0"]["metrics"][0]["verdict"] == "unchanged"
    newer = runs("3.0", 80)
    last = {(one["runtime"], one["engine_version"]) for one in latest([*records, *newer])}
    assert last == {("docker", "2.0"), ("venv", "3.0")}
    for number, one in enumerate(records):
        path = path_of(tmp_path, "engine", one["engine_version"], place_of_record(one), "toy", one["repeat"])
        path.parent.mkdir(parents=True, exist_ok=True)
        assert not path.exists(), number
        path.write_text(text(one))
    assert aggregate(tmp_path, tmp_path / "perf.csv", tmp_path / "latest.csv", None) == 0
    rows = list(csv.DictReader((tmp_path / "perf.csv").open()))
    assert sorted(row["runtime"] for row in rows) == ["docker"] * 10 + ["venv"] * 10


def test_comparing_versions_compares_what_the_same_runtime_started():
    one = [*runs("1.0", 100), *runs("1.0", 50, "docker")]
    two = [*runs("2.0", 90), *runs("2.0", 50.01, "docker")]
    found = verdicts((one, two))
    assert [(shown.runtime, shown.compared.verdict.kind) for shown in found] == [
        ("docker", "unchanged"),
        ("venv", "suspected_regression"),
    ]
    assert "toy in docker output_tput value: unchanged" in as_text(found)
    (apart,) = verdicts((runs("1.0", 100), runs("2.0", 50, "docker")))
    assert (apart.runtime, apart.compared.verdict.kind) == (None, "incomparable")


def test_a_run_that_is_asked_for_in_another_runtime_than_is_set_is_refused(monkeypatch, tmp_path):
    from click.testing import CliRunner

    from atlas.perf.cli import run
    from atlas.perf.machine import hardware_key

    monkeypatch.setenv("ATLAS_RUNTIME", "venv")
    monkeypatch.setenv("ATLAS_ROOT", str(ROOT))
    words = ["--engine", "transformers", "--version", "5.23.0", "--card", "tiny-single"]
    words += ["--hardware", f"{hardware_key(0)}@docker", "--output", str(tmp_path / "r.json")]
    done = CliRunner().invoke(run, words)
    assert isinstance(done.exception, UnavailableError)
    assert "@docker is not here" in str(done.exception)
    assert not (tmp_path / "r.json").exists()
