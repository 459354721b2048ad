"""Reading the committed artefacts, and that the compact one says the same as what it was made from."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from atlas.errors import InputError, IntegrityError, UnavailableError
from atlas.knowledge import engines, load, results_folder, versions
from atlas.validation import problems
from atlas.yamlfile import Document

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "results"
CELLS = sorted((path.parent.parent.name, path.parent.name) for path in RESULTS.glob("*/*/knowledge.json"))


@pytest.fixture
def copy(tmp_path):
    """One small version, to be changed."""
    cell = tmp_path / "lmdeploy" / "0.18.0"
    cell.mkdir(parents=True)
    for name in ("schema.discovered.json", "invariants.yaml", "knowledge.json"):
        shutil.copy(RESULTS / "lmdeploy/0.18.0" / name, cell / name)
    return cell


def test_versions_are_in_the_order_of_releases(tmp_path):
    for version in ("0.9.0", "0.10.0", "0.10.0rc1", "0.10.0.post1"):
        (tmp_path / "toy" / version).mkdir(parents=True)
        (tmp_path / "toy" / version / "schema.discovered.json").write_text("{}")
    assert versions("toy", tmp_path) == ["0.9.0", "0.10.0rc1", "0.10.0", "0.10.0.post1"]
    assert load("toy", results=tmp_path).version == "0.10.0.post1"


def test_engines_are_those_with_a_schema():
    assert engines(RESULTS) == ["lmdeploy", "sglang", "transformers", "vllm"]


@pytest.mark.parametrize(("engine", "version", "hint"), [
    ("vlm", None, "did you mean `vllm`"),
    ("vllm", "0.25.5", "the nearest tracked are 0.25.0 and 0.26.0"),
    ("vllm", "99", "the nearest tracked is"),
    ("vllm", "latest", "`latest` is no version"),
    ("..", "..", "no engine"),
    ("vllm", "../../lmdeploy/0.18.0", "is no version"),
    ("", "", "no engine"),
])  # fmt: skip
def test_what_is_not_tracked_is_told_with_the_nearest(engine, version, hint):
    with pytest.raises(InputError, match=hint.replace(".", r"\.")):
        load(engine, version, RESULTS)


@pytest.mark.parametrize("cell", CELLS, ids="-".join)
def test_the_compact_artefact_says_what_the_invariants_say(cell):
    knowledge = load(*cell, RESULTS)
    document = yaml.load((knowledge.folder / "invariants.yaml").read_text(), yaml.CSafeLoader)
    assert problems(Document("knowledge.json", dict(knowledge.compact), {}), "knowledge") == []
    proven = sorted(rule.id for rule in knowledge.rules() if rule.proven)
    assert proven == sorted(one["id"] for one in document["rules"])
    assert len(knowledge.rules()) == len(proven) + len(document["unverified"])
    by_id = {rule.id: rule for rule in knowledge.rules() if rule.proven}
    for one in document["rules"]:
        rule = by_id[one["id"]]
        assert (rule.when, rule.severity, rule.depth, rule.message) == (
            one["when"],
            one["severity"],
            one["depth"],
            one.get("message"),
        )
        assert dict(rule.effect) == one["effect"]
        assert (rule.file, rule.line) == (one["evidence"].get("file"), one["evidence"].get("line"))


@pytest.mark.parametrize("cell", CELLS, ids="-".join)
def test_a_rule_holds_for_the_configuration_that_it_was_seen_to_hold_for(cell):
    from atlas.invariants.predicate import holds

    knowledge = load(*cell, RESULTS)
    for target in knowledge.targets:
        for rule in knowledge.rules(target.cls):
            if rule.triggers is not None:
                assert holds(rule.expr, rule.triggers, target.context), rule.id
            if rule.passes is not None:
                assert not holds(rule.expr, rule.passes, target.context), rule.id
            assert rule.always == holds(rule.expr, {}, target.context), rule.id


@pytest.mark.parametrize("name", ["schema.discovered.json", "invariants.yaml"])
def test_other_artefacts_than_those_it_was_made_from_are_not_passed_over(copy, name):
    path = copy / name
    path.write_bytes(path.read_bytes() + b"\n")
    with pytest.raises(IntegrityError, match=f"another {name}"):
        load("lmdeploy", "0.18.0", copy.parents[1]).rules()


def test_the_compact_artefact_is_enough_without_the_yaml(copy):
    (copy / "invariants.yaml").unlink()
    assert load("lmdeploy", "0.18.0", copy.parents[1]).rules()


def test_what_is_not_built_or_broken_is_told(copy):
    (copy / "knowledge.json").write_text("{")
    with pytest.raises(IntegrityError, match="no JSON"):
        load("lmdeploy", "0.18.0", copy.parents[1]).rules()
    (copy / "knowledge.json").unlink()
    with pytest.raises(UnavailableError, match="cannot be read"):
        load("lmdeploy", "0.18.0", copy.parents[1]).rules()


@pytest.mark.parametrize("name", ["max_num_seqs", "--max-num-seqs", "--max_num_seqs"])
def test_a_parameter_is_found_by_name_and_flag(name):
    found = load("vllm", "0.33.0", RESULTS).parameter(name)
    assert (found.group, found.path, found.cli_flag) == ("engine_params", "max_num_seqs", "--max-num-seqs")
    assert found.constraints == {"minimum": 1}


def test_a_parameter_is_found_by_path_and_by_a_short_flag():
    knowledge = load("vllm", "0.33.0", RESULTS)
    assert knowledge.parameter("compilation_config.mode").owner.endswith("CompilationConfig")
    assert knowledge.parameter("-tp").name == "tensor_parallel_size"
    assert knowledge.parameter("top_p", "sampling_params").group == "sampling_params"


def test_an_unknown_parameter_is_told_with_the_nearest():
    with pytest.raises(InputError, match="did you mean `max_num_seqs`"):
        load("vllm", "0.33.0", RESULTS).parameter("max_num_seq")


def test_the_folder_is_what_is_named_else_the_environment_else_the_checkout(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT / "tests")
    assert results_folder() == RESULTS
    monkeypatch.setenv("ATLAS_RESULTS", str(tmp_path))
    assert results_folder() == tmp_path
    assert results_folder(RESULTS) == RESULTS
    with pytest.raises(InputError, match="is no folder"):
        results_folder(tmp_path / "none")


def test_reading_imports_nothing_heavy():
    code = (
        "import sys; from atlas.knowledge import load; k = load('vllm'); k.rules(); k.parameters;"
        "print([m for m in ('pandas', 'snakemake', 'yaml', 'jsonschema', 'click', 'rich', 'requests')"
        " if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_links_lead_to_the_line():
    assert load("vllm", "0.33.0", RESULTS).source_link("vllm/config/scheduler.py", 7) == (
        "https://github.com/vllm-project/vllm/blob/v0.33.0/vllm/config/scheduler.py#L7"
    )


def test_every_line_of_the_artefact_is_a_rule_or_a_target():
    text = (RESULTS / "lmdeploy/0.18.0/knowledge.json").read_text()
    found = json.loads(text)
    assert sum('"id":' in line for line in text.splitlines()) == len(found["rules"])
    assert sum('"class":' in line for line in text.splitlines()) == len(found["targets"])
