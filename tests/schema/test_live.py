"""The live lane of a toy engine: from its environment.json to facts, or to the reason for none."""

from __future__ import annotations

import json
import os
import sys
import textwrap
from pathlib import Path

import pytest
import yaml

from atlas.engines.load import load_cell
from atlas.environment.command import build_environment
from atlas.environment.uv import find_uv
from atlas.errors import AtlasError, InputError, RunError
from atlas.schema.command import build_schema
from atlas.schema.live import live_facts
from atlas.source.command import build_source

ARGS = '''
from importlib import metadata
from dataclasses import dataclass

@dataclass
class EngineArgs:
    """Arguments of the toy."""
    model: str
    built_for: str = metadata.version("toy")

    @staticmethod
    def add_cli_args(parser):
        parser.add_argument("--model")

    def create(self):
        return self
'''


@pytest.fixture
def world(tmp_path, monkeypatch):
    """A project with a toy engine, and the paths of its artefacts."""
    try:
        monkeypatch.setenv("ATLAS_UV", str(find_uv()))
    except AtlasError:
        pytest.skip("uv is not installed")
    monkeypatch.setenv("ATLAS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", os.pathsep.join([str(Path(sys.base_prefix) / "bin"), os.environ["PATH"]]))
    root = tmp_path / "project"
    spec = {
        "format_version": 1,
        "engine": "toy",
        "library": {"name": "toy", "current_version": "1.0"},
        "packages": ["toy"],
        "sources": [{"kind": "path", "path": "tree"}],
        "environments": {
            "venv": [
                {
                    "python": "{}.{}".format(*sys.version_info[:2]),
                    "overlay": {"version_suffix": "+cpu"},
                }
            ]
        },
        "surfaces": {"engine_params": [{"class": "toy.args.EngineArgs"}]},
        "cli": [{"class": "toy.args.EngineArgs", "method": "add_cli_args"}],
        "resolve": [{"class": "toy.args.EngineArgs", "kwargs": {"model": "{fixtures}/m"}, "call": "create"}],
        "fixtures": {"m/config.json": {"layers": 2}},
        "landmarks": ["toy.args.EngineArgs"],
    }
    files = {
        "engine_versions/toy.yaml": yaml.safe_dump(spec),
        "envs/toy.txt": "# nothing\n",
        "tree/toy/__init__.py": "",
        "tree/toy/args.py": ARGS,
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(textwrap.dedent(text))
    monkeypatch.chdir(root)
    cell = load_cell(root, "toy", "1.0")
    source, environment = root / "source.json", root / "environment.json"
    build_source(cell, source)
    build_environment(cell, source, environment)
    return cell, source, environment


def test_the_facts_are_those_of_the_running_engine(world):
    facts = live_facts(*world)
    fact = facts.classes["toy.args.EngineArgs"]
    assert facts.lane == "live"
    assert fact.doc == "Arguments of the toy."
    assert [field.name for field in fact.fields] == ["model", "built_for"]
    assert facts.flags[0].field == "model"
    assert facts.limitations == ()


def test_the_version_is_the_pin_wherever_the_engine_repeats_it(world):
    facts = live_facts(*world)
    assert facts.classes["toy.args.EngineArgs"].fields[1].default.value == "1.0"
    assert [(one.name, one.value) for one in facts.effective] == [("built_for", "1.0")]


def test_without_an_environment_there_are_no_facts_and_a_reason(world):
    cell, source, _ = world
    facts = live_facts(cell, source, None)
    assert (facts.classes, facts.limitations[0].code) == ({}, "no_environment")


def test_an_environment_json_of_other_settings_is_refused(world):
    cell, source, environment = world
    (cell.root / "envs/toy.txt").write_text("# another lock\n")
    with pytest.raises(InputError, match="have changed since it was built"):
        live_facts(cell, source, environment)


def test_an_environment_json_of_another_platform_is_refused(world):
    cell, source, environment = world
    document = json.loads(environment.read_text())
    environment.write_text(json.dumps({**document, "platform": "moon-riscv", "digest": "sha256:" + "0" * 64}))
    with pytest.raises(InputError, match="built for moon-riscv"):
        live_facts(cell, source, environment)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"engine": "other", "version": "1.0"}'])
def test_a_file_that_is_no_environment_json_of_the_cell_is_refused(world, text):
    cell, source, environment = world
    environment.write_text(text)
    with pytest.raises(InputError) as caught:
        live_facts(cell, source, environment)
    assert str(environment) in str(caught.value)


def test_the_types_of_parameters_without_one_are_observed(world):
    facts = live_facts(*world, [("toy.args.EngineArgs", "model"), ("toy.args.Hidden", "mode")])
    assert facts.observed == ()
    assert [(one.code, one.subject) for one in facts.limitations] == [
        ("type_not_observed", "toy.args.Hidden.mode")
    ]


def test_in_an_environment_that_is_not_healthy_nothing_is_run_and_the_reason_is_told(world):
    cell, source, environment = world
    (cell.root / "tree/toy/args.py").write_text("import turbine\n")
    environment.unlink()
    build_source(cell, source)
    build_environment(cell, source, environment)
    facts = live_facts(cell, source, environment)
    assert facts.classes == {}
    assert [(one.code, one.subject) for one in facts.limitations] == [
        ("environment_unhealthy", "toy.args.EngineArgs")
    ]
    (cell.root / "envs/toy.txt").write_text("# another lock, in which it may be healthy\n")
    with pytest.raises(InputError, match="have changed since it was built"):
        live_facts(cell, source, environment)


def test_a_schema_with_live_facts_is_given_up_by_hand_only(world):
    cell, source, environment = world
    output, config = cell.root / "s.json", cell.root / "c.json"
    build_schema(cell, source, environment, output, config)
    before = output.read_bytes()
    (cell.root / "tree/toy/args.py").write_text(f"import turbine\n{ARGS}")
    environment.unlink()
    build_source(cell, source)
    build_environment(cell, source, environment)
    with pytest.raises(RunError, match="has live facts") as caught:
        build_schema(cell, source, environment, output, config)
    assert "remove the schema" in (caught.value.hint or "")
    assert output.read_bytes() == before
    output.unlink()
    build_schema(cell, source, environment, output, config)
    schema = json.loads(output.read_text())
    assert (schema["status"], schema["environment"]) == ("static_only", None)
    (why,) = [one for one in schema["limitations"] if one["lane"] == "live"]
    assert (why["code"], why["fields"]) == ("environment_unhealthy", ["toy.args.EngineArgs"])
