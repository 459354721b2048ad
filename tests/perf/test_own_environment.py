"""Engines that are measured in an environment of their own, and engines that are only measured."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from atlas.engines.load import load_all
from atlas.environment.lock import lock_specs
from atlas.errors import InputError, UnavailableError
from atlas.perf.cards import Card
from atlas.perf.engine import load_perf, perf_engines
from atlas.perf.environment import own_environment, own_environments
from atlas.perf.listing import not_here
from atlas.perf.plan import PerfPlan, cell, runtime_for
from atlas.perf.prepared import NotReady, ready

ROOT = Path(__file__).resolve().parents[2]
ONLY = """\
format_version: 1
engine: onlyfast
library: {name: onlyfast, current_version: "2.0", versions: ["1.0"]}
perf:
  runs:
    - versions: ">=2"
      protocol: streamer
      environment:
        python: "3.11"
        distribution: onlyfast
        note: built by a neighbour
        requirements: envs/onlyfast.txt
        platform: x86_64-manylinux_2_34
        dependencies: [onlyfast==2.0]
      parameters: {batch_size: true, dtype: {float32: float32}}
      load: [{engine: {call: onlyfast.load}}]
      generate: {call: engine.generate, args: [{ref: stream}]}
"""


@pytest.fixture
def project(tmp_path):
    """The project, and beside its engines one that is only measured."""
    (tmp_path / "engine_versions/perf").mkdir(parents=True)
    for path in (ROOT / "engine_versions").glob("*.yaml"):
        shutil.copy(path, tmp_path / "engine_versions")
    for name in ("config", "results"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "envs").mkdir()
    (tmp_path / "engine_versions/perf/onlyfast.yaml").write_text(ONLY)
    return tmp_path


def edit(project, old, new):
    path = project / "engine_versions/perf/onlyfast.yaml"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def test_an_engine_that_is_only_measured_is_one_yaml_and_no_other_stage_knows_it(project):
    assert perf_engines(project)["onlyfast"] == ["1.0", "2.0"]
    cells = [one for one in PerfPlan(project, ("smoke",)).cells if one.engine == "onlyfast"]
    assert {one.version for one in cells} == {"2.0"}
    assert all(one.skipped is None for one in cells)
    engines, broken = load_all(project)
    assert "onlyfast" not in {one.name for one in [*engines, *broken]}


def test_its_lock_is_one_of_the_projects(project):
    spec = lock_specs(project)["onlyfast"]
    assert spec.dependencies == ("onlyfast==2.0",)
    assert (spec.platform, spec.yaml) == ("x86_64-manylinux_2_34", "engine_versions/perf/onlyfast.yaml")
    assert "envs/onlyfast.txt" in PerfPlan(project).locks()


def test_what_a_measurement_needs_is_the_lock_or_what_the_other_stages_built(project):
    class Wildcards:
        engine, version = "onlyfast", "2.0"

    plan = PerfPlan(project)
    assert plan.needs(Wildcards) == ["envs/onlyfast.txt"]
    Wildcards.engine, Wildcards.version = "transformers", "5.23.0"
    assert plan.needs(Wildcards) == [
        "results/transformers/5.23.0/source.json",
        "results/transformers/5.23.0/environment.json",
    ]


def test_what_converts_models_has_a_lock_that_a_measurement_needs_too():
    class Wildcards:
        engine, version = "ctranslate2", "4.8.5"

    plan = PerfPlan(ROOT)
    assert plan.needs(Wildcards) == ["envs/ctranslate2.txt", "envs/ctranslate2-convert.txt"]
    assert {"envs/ctranslate2.txt", "envs/ctranslate2-convert.txt"} <= set(plan.locks())


def test_a_lock_that_pins_another_version_measures_nothing(project):
    own = own_environment("onlyfast", "2.0", load_perf(project, "onlyfast", "2.0"))
    with pytest.raises(UnavailableError, match=r"there is no envs/onlyfast\.txt"):
        own.check(project)
    lock = project / "envs/onlyfast.txt"
    lock.write_text("onlyfast==1.9 \\\n    --hash=sha256:0\n")
    with pytest.raises(UnavailableError, match=r"pins onlyfast 1\.9, not 2\.0"):
        own.check(project)
    card = Card("toy", "test", ("toy",), "c:1", model={"hub": "a/b"}, parameters={"batch_size": 1})
    with pytest.raises(NotReady, match=r"not 2\.0") as found:
        ready(project, "onlyfast", "2.0", card, project)
    assert found.value.kind == "environment"
    lock.write_text("onlyfast==2.0 \\\n    --hash=sha256:0\n")
    assert own.check(project) == lock


def test_an_engine_that_is_only_measured_has_to_say_where(project):
    start, end = ONLY.index("      environment:"), ONLY.index("      parameters:")
    edit(project, ONLY[start:end], "")
    with pytest.raises(InputError, match="needs an `environment`") as found:
        load_perf(project, "onlyfast", "2.0")
    assert found.value.where == "engine_versions/perf/onlyfast.yaml:6:7"


def test_a_wrong_word_is_an_error_that_names_the_line(project):
    edit(project, "note: built", "noted: built")
    with pytest.raises(InputError, match="did you mean `note`") as found:
        load_perf(project, "onlyfast", "2.0")
    assert found.value.where.startswith("engine_versions/perf/onlyfast.yaml:11")


def test_the_locks_that_are_committed_pin_what_is_measured():
    found = own_environments(ROOT)
    assert found
    for own in found:
        assert own.check(ROOT)


def test_what_is_kept_of_other_hardware_is_listed_and_never_measured_on_this(project):
    from atlas.perf.record import opened, text

    (project / "results").unlink()
    card = Card("tiny-single", "smoke", ("smoke",), "c:1")
    for repeat in (1, 2):
        place = project / f"results/onlyfast/2.0/perf/gpu-b300-x8/tiny-single/{repeat}.json"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text(opened("onlyfast", "2.0", card, repeat, "gpu-b300-x8")))
    plan = PerfPlan(project, ("smoke",))
    (line,) = plan.elsewhere()
    assert line.startswith("onlyfast 2.0 tiny-single: 2 runs on gpu-b300-x8 are kept, and here is cpu-")
    assert not [path for path in plan.records() if "gpu-b300-x8" in path]


@pytest.mark.parametrize("runtime", ["docker", "podman", "apptainer", "auto"])
def test_without_an_image_it_is_measured_beside_containers_and_that_is_told(project, monkeypatch, runtime):
    monkeypatch.setenv("ATLAS_RUNTIME", runtime)
    plan = PerfPlan(project, ("smoke",))
    assert runtime_for(project, "onlyfast", "2.0") == "venv"
    told = [line for line in plan.beside() if line.startswith("onlyfast")]
    why = f"in a virtual environment, and not in {runtime}: its `environment` names no image"
    assert told == ([] if runtime == "auto" else [f"onlyfast 2.0: {why}"])
    edit(project, "note: built by a neighbour", "image: {archive: engine.tar}")
    assert runtime_for(project, "onlyfast", "2.0") == runtime
    assert not [line for line in PerfPlan(project, ("smoke",)).beside() if line.startswith("onlyfast")]
    assert {one.place.partition("@")[2] for one in PerfPlan(project).cells if one.engine == "onlyfast"} == {
        runtime
    }


def test_an_image_that_cannot_be_had_is_one_line(project, monkeypatch):
    (project / "envs/onlyfast.txt").write_text("onlyfast==2.0 \\\n    --hash=sha256:0\n")
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere.sock")
    card = Card("toy", "test", ("toy",), "c:1", model={"hub": "a/b"}, parameters={"batch_size": 1})
    for image, runtime, what in (
        ("{archive: engine.tar}", "docker", "no container engine answers there"),
        ("{sif: engine.sif}", "podman", "engine.sif is for apptainer, not podman"),
        (
            "{dockerfile: containers/D, base: b}",
            "docker",
            "is for x86_64-manylinux_2_34, and images are built",
        ),
    ):
        monkeypatch.setenv("ATLAS_RUNTIME", runtime)
        (project / "engine_versions/perf/onlyfast.yaml").write_text(ONLY)
        edit(project, "note: built by a neighbour", f"image: {image}")
        with pytest.raises(NotReady) as found:
            ready(project, "onlyfast", "2.0", card, project)
        assert what in str(found.value)
        assert str(found.value).count("\n") <= 1  # and a hint


def test_what_converts_models_is_never_a_container(project):
    convert = (
        "      convert:\n        command: [x]\n        environment: {python: '3.11', distribution: x,"
        " requirements: envs/x.txt, dependencies: [x], image: {archive: a.tar}}\n"
    )
    edit(project, "      parameters:", f"{convert}      parameters:")
    with pytest.raises(InputError):
        load_perf(project, "onlyfast", "2.0")
    edit(project, ", image: {archive: a.tar}", "")
    assert load_perf(project, "onlyfast", "2.0")


def test_cards_of_a_launcher_are_skipped_where_containers_are_set_with_the_reason(project, monkeypatch):
    card = Card("nodes", "t", ("t",), "c:1", command=("x",), launcher="native", nnodes=1)
    spec = load_perf(project, "transformers", "5.23.0")
    for runtime, skipped in (
        ("venv", None),
        ("auto", None),
        ("docker", "what `native` starts is not run in containers, and `runtime` is docker"),
    ):
        monkeypatch.setattr("atlas.perf.plan.nodes_here", lambda: 1)
        assert cell("transformers", "5.23.0", card, spec, None, runtime).skipped == skipped


def test_a_cell_that_cannot_be_measured_here_is_listed_with_the_reason(project):
    edit(project, "parameters: {batch_size: true,", "parameters: {batch: true,")
    (found,) = [line for line in not_here(PerfPlan(project, ("smoke",))) if "onlyfast" in line]
    assert found.startswith("onlyfast 2.0: tiny-single, tiny-batch: ")
    assert "has no parameter `batch_size` of cards" in found


def test_an_engine_whose_perf_section_is_wrong_is_told_and_not_left_out(project):
    assert PerfPlan(project, ("smoke",)).cells
    edit(project, "protocol: streamer", "protocol: stream")
    with pytest.raises(InputError, match="protocol"):
        _ = PerfPlan(project, ("smoke",)).cells


def test_what_tells_of_an_ended_run_is_no_input_where_the_run_is_to_have_a_record_of_its_own(project):
    plan = PerfPlan(project, ("smoke",))
    here = plan.records()[0]
    ended = here.replace(".json", ".failed.json")
    elsewhere = "measured/onlyfast/2.0/perf/cpu-of-another/tiny-single/1.failed.json"
    for name in (ended, elsewhere):
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text("{}")
    inputs = plan.inputs(None, None)(None)
    assert here in inputs
    assert ended not in inputs
    assert elsewhere in inputs
