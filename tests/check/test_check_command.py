"""`atlas check` as people and machines use it: inputs, formats, exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from atlas.cli import run

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "results"
SCHEMA = json.loads((ROOT / "config/schemas/cli/check.schema.json").read_text())


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ATLAS_RESULTS", str(RESULTS))


@pytest.fixture
def atlas(capsys):
    def call(*words: str):
        code = run(["check", *words])
        return (code, *capsys.readouterr())

    return call


@pytest.fixture
def told(atlas):
    def call(*words: str):
        code, out, err = atlas("--json", *words)
        assert code in (0, 1), err
        found = json.loads(out)
        Draft202012Validator(SCHEMA).validate(found)
        assert (code == 1) == (found["errors"] > 0)
        return found["results"]

    return call


def brief(result):
    return {(one["kind"], one.get("parameter"), one["place"]["line"]) for one in result["findings"]}


COMPOSE = """\
x-common: &common {restart: always}
services:
  web: {image: nginx}
  llm:
    <<: *common
    image: docker.io/vllm/vllm-openai:v0.11.0-cu128
    command:
      - --model
      - meta/Llama
      - --swap-space
      - "4"
      - --max-num-seqs=two
  other:
    image: lmsysorg/sglang:v0.5.23
    command: >
      python3 -m sglang.launch_server --model-path x --tp 2
      --mem-fraction-static two --port ${PORT}
"""
KUBERNETES = """\
apiVersion: v1
kind: Service
metadata: {name: llm}
---
apiVersion: apps/v1
kind: Deployment
spec:
  template:
    spec:
      containers:
        - name: sidecar
          image: envoy:1
        - name: llm
          image: registry.example.org:5000/vllm/vllm-openai:v0.33.0
          command: ["/bin/sh", "-c"]
          args:
            - >-
              export A=1 && exec vllm serve meta/Llama --max-num-seqs 0
              --tensor-parallel-size $(TP) | tee log
"""
VALUES = """\
image: {repository: vllm/vllm-openai, tag: v0.33.0}
args: [--swap-space, "4"]
"""


def test_a_compose_file_is_read_with_each_services_engine_and_version(told, tmp_path):
    (tmp_path / "compose.yaml").write_text(COMPOSE)
    vllm, sglang = told("compose.yaml")
    assert (vllm["engine"], vllm["version"], vllm["subject"]) == (
        "vllm",
        "0.11.0",
        "compose.yaml (services.llm)",
    )
    assert brief(vllm) == {("wrong_type", "max_num_seqs", 12)}
    assert (sglang["engine"], sglang["version"]) == ("sglang", "0.5.23")
    assert brief(sglang) == {("wrong_type", "mem_fraction_static", 15)}


def test_a_version_that_is_named_counts_more_than_the_tag(told, tmp_path):
    (tmp_path / "compose.yaml").write_text(COMPOSE)
    (vllm,) = told("--engine", "vllm==0.33.0", "compose.yaml")
    assert ("removed_parameter", "swap_space", 10) in brief(vllm)


def test_a_kubernetes_manifest_is_read(told, tmp_path):
    (tmp_path / "k8s.yaml").write_text(KUBERNETES)
    (result,) = told("k8s.yaml")
    assert (result["version"], result["checked"]) == ("0.33.0", 3)
    assert {(one["kind"], one["parameter"]) for one in result["findings"]} == {("rule_error", "max_num_seqs")}


def test_values_of_a_chart_are_read(told, tmp_path):
    (tmp_path / "values.yaml").write_text(VALUES)
    (result,) = told("values.yaml")
    assert brief(result) == {("removed_parameter", "swap_space", 2)}


@pytest.mark.parametrize(("name", "text"), [
    ("config.yaml", "max_num_seqs: 0\nnothing: 1\n"),
    ("config.json", '{"max_num_seqs": 0,\n "nothing": 1}'),
    ("config.toml", "max_num_seqs = 0\nnothing = 1\n"),
    ("flags.yaml", "max-num-seqs: 0\nnothing: 1\n"),
    ("other.txt", '{"max_num_seqs": 0,\n "nothing": 1}'),
])  # fmt: skip
def test_files_of_every_format_are_read_with_their_lines(told, tmp_path, name, text):
    (tmp_path / name).write_text(text)
    (result,) = told("--engine", "vllm==0.33.0", name)
    assert brief(result) == {("rule_error", "max_num_seqs", 1), ("unknown_parameter", "nothing", 2)}


def test_sections_of_a_file_are_checked_for_themselves(told, tmp_path):
    (tmp_path / "both.yaml").write_text("engine_params: {max_num_seqs: 0}\nsampling_params:\n  top_p: 2\n")
    one, other = told("--engine", "vllm==0.33.0", "both.yaml")
    assert brief(one) == {("rule_error", "max_num_seqs", 1)}
    assert brief(other) == {("rule_error", "top_p", 3)}


def test_pairs_and_command_lines_are_checked_together(told):
    pairs, line = told(
        "--engine", "vllm==0.33.0", "max_num_seqs=0", "dtype=half", "--", "vllm", "serve", "m", "-tp", "x"
    )
    assert brief(pairs) == {("rule_error", "max_num_seqs", None)}
    assert brief(line) == {("wrong_type", "tensor_parallel_size", None)}


def test_flags_alone_are_a_command_line_of_the_engine_that_is_named(told):
    (result,) = told("--engine", "vllm==0.33.0", "--", "--swap-space", "4")
    assert brief(result) == {("removed_parameter", "swap_space", None)}


@pytest.mark.parametrize("line", [
    "docker run --gpus all -p 8000:8000 vllm/vllm-openai:v0.33.0 --model m --swap-space 4",
    "CUDA_VISIBLE_DEVICES=0 /usr/bin/python3.11 -m vllm.entrypoints.openai.api_server --swap-space 4",
    "bash -lc 'cd /x && vllm serve m --swap-space 4 > log 2>&1'",
    "nohup vllm serve m --swap-space 4 &",
])  # fmt: skip
def test_the_engine_is_found_in_a_command_line(told, line):
    import shlex

    (result,) = told("--", *shlex.split(line))
    assert (result["engine"], result["version"]) == ("vllm", "0.33.0")
    assert ("removed_parameter", "swap_space", None) in brief(result)


def test_a_file_of_flags_that_a_command_line_names_is_read_and_overridden(told, tmp_path):
    (tmp_path / "flags.yaml").write_text("max-num-seqs: 0\nswap-space: 4\n")
    (result,) = told("--", "vllm", "serve", "m", "--config", "flags.yaml", "--max-num-seqs", "8")
    assert {one["parameter"] for one in result["findings"] if one["level"] == "error"} == {"swap_space"}


def test_without_a_version_the_newest_is_taken_and_that_is_told(told):
    (result,) = told("--", "docker", "run", "vllm/vllm-openai:latest", "--model", "m")
    assert [one["kind"] for one in result["findings"]] == ["version_assumed"]
    assert "`latest` names no version" in result["findings"][0]["message"]


def test_standard_input_is_read():
    done = subprocess.run(
        [Path(sys.executable).parent / "atlas", "check", "--engine", "vllm==0.33.0", "-"],
        input=b"\nmax_num_seqs: 0\n",
        capture_output=True,
        check=False,
    )
    assert done.returncode == 1
    assert b"<stdin>:2:1: error: max_num_seqs" in done.stdout


@pytest.mark.parametrize(("words", "says"), [
    (["--engine", "vllm==0.25.5", "a=1"], "is not tracked; the nearest tracked are 0.25.0 and 0.26.0"),
    (["--engine", "vlm", "a=1"], "no engine `vlm` (did you mean `vllm`?)"),
    (["--engine", "vllm", "none.yaml"], "none.yaml: cannot be read: No such file"),
    (["--engine", "vllm"], "nothing to check"),
    (["a=1"], "no engine is named"),
    (["--", "rm", "-rf", "/"], "no command or image of an engine is in it"),
    (["--engine", "transformers==4.45.2", "--", "transformers", "serve"], "its command line is not known"),
    (["--engine", "vllm", "--target", "Nothing", "a=1"], "has no class `Nothing`"),
    (["--results", "none", "a=1"], "is no folder"),
    (["--nothing"], "No such option"),
])  # fmt: skip
def test_what_cannot_be_answered_is_told_with_exit_code_4(atlas, words, says):
    code, out, err = atlas(*words)
    assert (code, out) == (4, "")
    assert says in err
    assert "Traceback" not in err


@pytest.mark.parametrize(("name", "content", "says"), [
    ("list.yaml", b"- 1\n", "is a list, not a mapping"),
    ("number.yaml", b"3\n", "is a single value"),
    ("empty.yaml", b"", "is empty"),
    ("quotes.yaml", b"services: {a: {image: x, command: \"vllm serve 'm\"}}\n", "no closing quotation"),
    ("other.yaml", b"services: {a: {image: nginx}}\n", "none of its 1 containers runs vllm"),
    ("bytes.yaml", b"\xff\xfe", "is not UTF-8"),
])  # fmt: skip
def test_files_that_are_no_configuration_are_told_with_exit_code_4(atlas, tmp_path, name, content, says):
    (tmp_path / name).write_bytes(content)
    code, _, err = atlas("--engine", "vllm==0.33.0", name)
    assert code == 4
    assert says in err
    assert err.startswith(f"error: {name}")


def test_no_shell_sees_what_is_checked(told, tmp_path):
    target = tmp_path / "pwned"
    (result,) = told(
        "--", "vllm", "serve", f"$(touch {target})", "--max-num-seqs", f"`touch {target}`; touch {target}"
    )
    assert {one["kind"] for one in result["findings"]} >= {"wrong_type"}
    assert not target.exists()


def test_the_level_that_fails_can_be_chosen(atlas):
    deprecated = ["--engine", "vllm==0.11.0", "--", "vllm", "serve", "m", "--task", "embed"]
    assert atlas(*deprecated)[0] == 0
    assert atlas("--fail-on", "warning", *deprecated)[0] == 1
    assert atlas("--fail-on", "never", "--engine", "vllm==0.33.0", "max_num_seqs=0")[0] == 0


def test_text_names_place_level_evidence_and_source(atlas, tmp_path):
    (tmp_path / "c.yaml").write_text("max_num_seqs: 8\nmax_num_batched_tokens: 4\n")
    code, out, _ = atlas("--engine", "vllm==0.33.0", "c.yaml")
    assert code == 1
    assert "  c.yaml:2:1: error: max_num_batched_tokens (4) must be greater" in out
    assert "[proven, SchedulerConfig." in out
    assert "see https://github.com/vllm-project/vllm/blob/v0.33.0/vllm/config/scheduler.py#L" in out
    assert "\x1b[" not in out


def test_junit_has_a_failure_for_each_error(atlas):
    code, out, _ = atlas(
        "--output-format", "junit", "--engine", "vllm==0.33.0", "max_num_seqs=0", "nothing=<\x01&"
    )
    suite = ElementTree.fromstring(out)[0]
    assert code == 1
    assert (suite.get("tests"), suite.get("failures")) == ("2", "2")
    assert len(suite.findall("testcase/failure")) == 2


def test_sarif_points_at_the_line(atlas, tmp_path):
    (tmp_path / "a b.yaml").write_text("\nmax_num_seqs: 0\n")
    _, out, _ = atlas("--output-format", "sarif", "--engine", "vllm==0.33.0", "a b.yaml")
    log = json.loads(out)
    (entry,) = log["runs"][0]["results"]
    rules = log["runs"][0]["tool"]["driver"]["rules"]
    assert log["version"] == "2.1.0"
    assert rules[entry["ruleIndex"]]["id"] == entry["ruleId"] == "rule_error"
    assert entry["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "a%20b.yaml"},
        "region": {"startLine": 2, "startColumn": 1},
    }


def test_output_goes_to_a_file(atlas, tmp_path):
    code, out, _ = atlas("--json", "--output", "out.json", "--engine", "vllm==0.33.0", "max_num_seqs=0")
    assert (code, out) == (1, "")
    Draft202012Validator(SCHEMA).validate(json.loads((tmp_path / "out.json").read_text()))


def test_every_kind_of_finding_is_in_the_schema_of_the_output():
    import re

    kinds = set(SCHEMA["$defs"]["finding"]["properties"]["kind"]["enum"])
    text = "".join(path.read_text() for path in (ROOT / "scripts/atlas/check").glob("*.py"))
    named = set(re.findall(r'(?:Finding|_finding|_declared_finding)\(\s*"([a-z_]+)"', text))
    named |= set(
        re.findall(r'"(removed_parameter|unknown_parameter|wrong_type|out_of_range|not_allowed)"', text)
    )
    assert named <= kinds
    assert kinds - named <= {"rule_error", "rule_warn", "rule_dormant"}


def test_a_command_can_be_completed():
    done = subprocess.run(
        [Path(sys.executable).parent / "atlas"],
        env={**os.environ, "_ATLAS_COMPLETE": "bash_complete", "COMP_WORDS": "atlas che", "COMP_CWORD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split(",")[-1].strip() == "check"
