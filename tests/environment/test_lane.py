"""Which runtime is set, and that a change of what starts processes makes no artefact stale."""

from __future__ import annotations

from pathlib import Path

import pytest

from atlas.environment.lane import CONTAINERS, NAMES, container_lane, runtime_name
from atlas.errors import InputError
from atlas.provenance.codeprint import closure

SCRIPTS = Path(__file__).parents[2] / "scripts"


def test_a_project_that_says_nothing_runs_engines_in_virtual_environments(project):
    assert runtime_name(project.root) == "venv"
    assert container_lane(project.engine()) is None


def test_the_setting_counts_and_a_variable_before_it(project, monkeypatch):
    project.write({"config/config.yaml": "runtime: podman\n"})
    assert runtime_name(project.root) == "podman"
    monkeypatch.setenv("ATLAS_RUNTIME", "venv")
    assert runtime_name(project.root) == "venv"


@pytest.mark.parametrize("place", ["config", "variable"])
def test_a_runtime_that_is_none_is_named_with_its_place(project, monkeypatch, place):
    if place == "config":
        project.write({"config/config.yaml": "runtime: dokcer\n"})
    else:
        monkeypatch.setenv("ATLAS_RUNTIME", "dokcer")
    with pytest.raises(InputError, match="no runtime `dokcer`") as caught:
        runtime_name(project.root)
    assert caught.value.where == {"config": "config/config.yaml", "variable": "ATLAS_RUNTIME"}[place]
    assert all(name in str(caught.value) for name in NAMES)


@pytest.mark.parametrize(
    "entry", ["atlas.environment.command", "atlas.schema.command", "atlas.invariants.command"]
)
def test_what_starts_processes_is_no_part_of_what_artefacts_are_made_from(entry):
    files = {str(file.relative_to(SCRIPTS)) for file in closure(entry, SCRIPTS)}
    assert "atlas/environment/lane.py" in files
    assert not [file for file in files if file.startswith("atlas/environment/runtimes")]
    assert CONTAINERS.startswith("atlas.environment.runtimes.")
