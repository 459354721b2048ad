"""What the Snakefile asks of the plan: which artefacts there should be, and what they depend on."""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from atlas.canonical import digest
from atlas.errors import InputError
from atlas.workflow import Plan

ROOT = Path(__file__).resolve().parents[2]
INVARIANTS = ["invariants.yaml", "invariants.quarantine.yaml", "invariants.coverage.json"]
YAML = """\
format_version: 1
engine: toy
library: {name: toy, current_version: "1.0"}
packages: [toy]
sources: [{kind: sdist}, {kind: path, path: tree}]
environments: {venv: [{python: "3.11", dependencies: [six]}]}
surfaces: {engine_params: [{class: toy.args.Args}]}
"""
TOY = ("toy", "1.0")
WILDCARDS = SimpleNamespace(engine="toy", version="1.0", lock="toy")


@pytest.fixture
def project(tmp_path):
    (tmp_path / "engine_versions").mkdir()
    (tmp_path / "engine_versions/toy.yaml").write_text(YAML)
    shutil.copytree(ROOT / "config", tmp_path / "config")
    return tmp_path


def write(project, name, record):
    file = project / "results/toy/1.0" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(record))


def unavailable(project):
    spec = Plan.load(project).cells[TOY].source_spec()
    write(project, "source.json", {"status": "unavailable", "spec_digest": digest(spec), "origin": None})


def test_a_cell_has_all_artefacts_until_more_is_known(project):
    plan = Plan.load(project)
    names = ["source.json", "environment.json", "schema.discovered.json", *INVARIANTS]
    assert plan.cell_artefacts == [f"results/toy/1.0/{name}" for name in names]
    assert plan.lock_of(WILDCARDS) == ["envs/toy.txt"]
    assert plan.dependencies_of(WILDCARDS) == ["six"]
    assert plan.sizes == ["envs/toy.size.json"]
    assert plan.made_for(WILDCARDS) == ["3.11", "x86_64-manylinux_2_28"]


def test_a_lock_that_is_kept_by_hand_is_not_added_up(project):
    yaml = project / "engine_versions/toy.yaml"
    yaml.write_text(YAML.replace("dependencies: [six]", "requirements: envs/toy.txt"))
    plan = Plan.load(project)
    assert plan.lock_of(WILDCARDS) == ["envs/toy.txt"]
    assert plan.sizes == []


def test_a_cell_known_to_have_no_source_has_no_schema_and_no_invariants(project):
    unavailable(project)
    plan = Plan.load(project)
    assert plan.schemas == []
    assert plan.invariants == []


def test_another_pin_or_a_tree_makes_it_wanted_again(project):
    unavailable(project)
    yaml = project / "engine_versions/toy.yaml"
    yaml.write_text(YAML.replace("kind: sdist", "kind: wheel"))
    assert Plan.load(project).schemas
    yaml.write_text(YAML)
    assert not Plan.load(project).schemas
    (project / "tree/toy").mkdir(parents=True)
    (project / "tree/toy/args.py").write_text("x = 1\n")
    assert Plan.load(project).schemas


def test_an_edited_tree_is_another_parameter_and_a_missing_one_is_not(project):
    tree = project / "tree/toy/args.py"
    tree.parent.mkdir(parents=True)
    tree.write_text("x = 1\n")
    first = Plan.load(project).tree_of(WILDCARDS)
    write(project, "source.json", {"status": "available", "origin": {"kind": "path", "digest": first}})
    tree.write_text("x = 2\n")
    assert Plan.load(project).tree_of(WILDCARDS) != first
    shutil.rmtree(project / "tree")
    assert Plan.load(project).tree_of(WILDCARDS) == first


def test_a_broken_yaml_keeps_what_was_built_and_says_why(project):
    write(project, "environment.json", {"requirements": {"file": "envs/toy.txt"}})
    (project / "engine_versions/toy.yaml").write_text(YAML.replace("packages", "pakages"))
    plan = Plan.load(project)
    assert "results/toy/1.0/environment.json" in plan.cell_artefacts
    assert "toy.yaml:4:1: unknown key `pakages`" in plan.spec("source", "pin")(WILDCARDS)
    assert plan.lock_of(WILDCARDS) == ["envs/toy.txt"]
    assert "unknown key" in plan.dependencies_of(WILDCARDS)[0]
    assert plan.sizes == []
    (project / "envs").mkdir()
    (project / "envs/toy.size.json").write_text("{}")
    plan = Plan.load(project)
    assert plan.sizes == ["envs/toy.size.json"] and "unknown key" in plan.made_for(WILDCARDS)[0]


def test_what_is_said_of_invariants_is_a_parameter_of_no_other_stage(project):
    stages = {"source": "pin", "environment": "venv", "schema": "surfaces", "invariants": "invariants"}
    before = {stage: Plan.load(project).cells[TOY].params(stage) for stage in stages}
    (project / "engine_versions/toy.yaml").write_text(YAML + "invariants: {limit_s: 2}\n")
    after = {stage: Plan.load(project).cells[TOY].params(stage) for stage in stages}
    assert {stage for stage in stages if before[stage] != after[stage]} == {"invariants"}
    changed = {name for name, one in after["invariants"].items() if one != before["invariants"][name]}
    assert changed == {"invariants"}


def test_settings_are_validated(project):
    config = project / "config/config.yaml"
    config.write_text(config.read_text().replace("torch_cpu_index", "torch_cpu_indx"))
    with pytest.raises(
        InputError, match=r"unknown key `torch_cpu_indx` \(did you mean `torch_cpu_index`"
    ) as failure:
        Plan.load(project)
    assert failure.value.where.startswith("config/config.yaml:")
