"""Versions of which only the history is kept: every command answers, and says what it cannot know."""

import json
from pathlib import Path

import jsonschema
import pytest

import atlas
from atlas.cli import run
from atlas.diff.change import mirrored
from atlas.diff.compare import compare
from atlas.diff.facts import facts_of
from atlas.diff.sides import comparable
from atlas.engines.serve import load_serves
from atlas.history.history import load_history

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "results"
LIMITS = "only parameters, types and defaults are known"


@pytest.fixture
def asked(capsys):
    def ask(*words):
        """Exit code and answer of a command with --json, valid by its schema."""
        place = words.index("--") if "--" in words else len(words)
        code = run([*words[:place], "--json", "--results", str(RESULTS), *words[place:]])
        found = json.loads(capsys.readouterr().out)
        schema = json.loads((ROOT / f"config/schemas/cli/{words[0]}.schema.json").read_text())
        jsonschema.Draft202012Validator(schema).validate(found)
        return code, found

    return ask


def test_a_check_tells_what_is_not_known_of_the_version_and_refuses_what_its_signature_refuses(asked):
    code, found = asked("check", "--engine", "vllm==0.9.2", "num_scheduler_steps=8", "max_num_seq=4")
    (result,) = found["results"]
    assert code == 1 and result["known"] == "history" and result["verdict"] == "rejected"
    by_kind = {one["kind"]: one for one in result["findings"]}
    assert by_kind["unknown_parameter"]["level"] == "error"
    assert by_kind["unknown_parameter"]["nearest"] == ["max_num_seqs"]
    assert by_kind["history_only"]["level"] == "note" and by_kind["history_only"]["evidence"] == "static"
    assert (
        LIMITS in by_kind["history_only"]["message"] and "no invariants" in by_kind["history_only"]["message"]
    )
    assert len(result["findings"]) == 2


def test_a_check_of_a_version_in_full_says_nothing_of_the_kind(asked):
    code, found = asked("check", "--engine", "vllm==0.33.0", "max_num_seqs=8")
    assert code == 0 and found["results"][0]["known"] == "in full"
    assert "history_only" not in {one["kind"] for one in found["results"][0]["findings"]}


@pytest.mark.parametrize(("version", "words", "errors"), [
    ("0.9.2", ["vllm", "serve", "m", "--num-scheduler-steps", "8", "--max_model_len", "32k", "-O3"], []),
    ("0.10.1", ["vllm", "serve", "m", "--num-scheduler-steps", "8"], ["removed_parameter"]),
    ("0.7.3", ["vllm", "serve", "m", "-O3", "--enable-chunked-prefill=False"], []),
    ("0.7.3", ["vllm", "serve", "m", "--max-model-len", "32k"], ["wrong_type"]),
    ("0.8.5", ["vllm", "serve", "m", "--max-model-len", "32k"], []),
    ("0.13.0", ["vllm", "serve", "m", "--max-model-len", "auto"], ["wrong_type"]),
    ("0.14.0", ["vllm", "serve", "m", "--max-model-len", "auto"], []),
    ("0.17.0", ["vllm", "serve", "m", "--swap-space", "4"], []),
    ("0.18.0", ["vllm", "serve", "m", "--swap-space", "4"], ["removed_parameter"]),
    ("0.2.7", ["python3", "-m", "vllm.entrypoints.openai.api_server", "--swap-space", "4"], []),
])  # fmt: skip
def test_command_lines_are_read_as_the_version_reads_them(asked, version, words, errors):
    code, found = asked("check", "--engine", f"vllm=={version}", "--", *words)
    findings = found["results"][0]["findings"]
    assert [one["kind"] for one in findings if one["level"] == "error"] == errors
    assert code == bool(errors)


def test_the_tag_of_an_image_leads_to_such_a_version(asked):
    words = ["docker", "run", "vllm/vllm-openai:v0.9.2", "--model", "m", "--num-scheduler-steps", "8"]
    code, found = asked("check", "--", *words)
    assert code == 0 and found["results"][0]["version"] == "0.9.2"


def test_a_diff_compares_the_sources_of_both_and_no_invariants(asked):
    _, found = asked("diff", "vllm", "0.25.0", "0.32.0", "--impact", "cosmetic")
    assert found["known"] == "history"
    assert {one["evidence"] for one in found["changes"]} == {"static"}
    assert not [
        one for one in found["changes"] if one["kind"].startswith(("invariant", "warning", "dormant"))
    ]
    removed = {one["subject"] for one in found["changes"] if one["kind"] == "param_removed"}
    assert "engine_params:max_num_partial_prefills" in removed  # as the timeline says: gone in 0.27.0


def test_a_diff_says_so_in_every_format(capsys):
    for form in ("terminal", "markdown"):
        assert run(["diff", "transformers", "4.45.2", "4.46.3", "--format", form]) == 0
        assert LIMITS in capsys.readouterr().out


@pytest.mark.parametrize(("engine", "old", "new"), [
    ("vllm", "0.9.2", "0.10.0"), ("vllm", "0.19.0", "0.20.0"), ("transformers", "4.45.2", "4.57.6"),
])  # fmt: skip
def test_a_diff_of_such_versions_mirrors_and_is_empty_with_itself(engine, old, new):
    (one, other), note = comparable(atlas.load(engine, old, RESULTS), atlas.load(engine, new, RESULTS))
    one, other = facts_of(one), facts_of(other)
    there, back = compare(one, other, note), compare(other, one, note)
    assert {(c.kind, c.subject, c.aspect) for c in map(mirrored, there.changes)} == {
        (c.kind, c.subject, c.aspect) for c in back.changes
    }
    assert compare(one, one).changes == ()


def test_an_upgrade_from_such_a_version_edits_and_claims_no_more_than_it_knows(asked, capsys):
    words = [
        "--engine",
        "vllm",
        "--from",
        "0.9.2",
        "--to",
        "0.33.0",
        "max_num_seqs=8",
        "num_scheduler_steps=4",
    ]
    _, found = asked("upgrade", *words)
    (result,) = found["results"]
    assert result["known"] == "history"
    assert [(one["action"], one["written"]) for one in result["edits"]] == [("remove", "num_scheduler_steps")]
    assert not [one for one in result["points"] if one["kind"] == "meaning"]
    run(["upgrade", *words])
    out = capsys.readouterr().out
    assert "accepted as far as is known with 1 edit" in out and LIMITS in out


def test_show_says_what_is_kept_of_the_version(asked, capsys):
    _, found = asked("show", "vllm==0.9.2", "num_scheduler_steps")
    assert found["known"] == "history" and found["rules"] == []
    run(["show", "vllm==0.9.2", "num_scheduler_steps"])
    assert LIMITS in capsys.readouterr().out


def test_python_loads_such_a_version_too():
    assert atlas.load("vllm", "0.33.0", RESULTS).in_full
    old = atlas.load("vllm", "0.9.2", RESULTS)
    assert not old.in_full and old.rules() == ()
    assert old.parameter("--num-scheduler-steps").default == 1


@pytest.mark.parametrize("engine", ["vllm", "sglang", "lmdeploy", "transformers"])
def test_the_history_keeps_how_each_version_is_started(engine):
    history = load_history(engine, RESULTS)
    serves = load_serves(ROOT, engine, history.versions)
    assert {version: history.serve(version) for version in serves} == serves
    assert all(history.serve(version) is None for version in history.versions if version not in serves)
