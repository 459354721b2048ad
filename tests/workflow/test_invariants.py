"""An engine that only YAML describes has invariants: its rules, the engine itself, and the two compared."""

import json

import pytest
import yaml

pytestmark = pytest.mark.slow

ARTEFACTS = {f"results/toy/1.0/invariants{rest}" for rest in (".yaml", ".quarantine.yaml", ".coverage.json")}
CONFIGS = """\
{"model": "m", "seed": -1}
{"model": "m", "seed": 0}
{"seed": 1}
{"model": "m", "seed": "x"}
"""


def answers(done):
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def rules(world):
    return yaml.safe_load(world.artefact("toy", "invariants.yaml").read_text())["rules"]


def test_a_check_in_the_sources_is_a_rule_with_its_lines_and_its_trial(two, toy_files):
    (rule,) = [one for one in rules(two) if one["when"] == "seed < 0"]
    assert (rule["severity"], rule["depth"]) == ("error", "construct")
    assert rule["effect"] == {"raises": "ValueError"}
    assert rule["message"] == "the seed is {seed}, but must not be negative"
    evidence = rule["evidence"]
    lines = toy_files["toyengine/config.py"].splitlines()
    assert evidence["file"] == "toyengine/config.py"
    assert "raise ValueError" in lines[evidence["line"] - 1]
    assert evidence["n_triggered"] + evidence["n_clean"] >= 200
    assert evidence["false_rejections"] == 0
    sites = two.load("toy", "invariants.coverage.json")["targets"][0]["sites"]
    assert [site["kind"] for site in sites].count("raise") == 1
    assert {site["status"] for site in sites} == {"covered"}


def test_rules_and_engine_say_the_same(two):
    asked = ("toy==1.0", "--target", "EngineArgs")
    judged = answers(two.run("atlas", "invariants", "evaluate", *asked, lines=CONFIGS))
    seen = answers(two.run("atlas", "invariants", "replay", *asked, lines=CONFIGS))
    assert [one["verdict"] for one in judged] == ["rejected", "accepted", "rejected", "rejected"]
    assert [one["outcome"] for one in seen] == ["rejected", "ok", "rejected", "rejected"]
    assert judged[0]["rules"][0]["message"] == seen[0]["exception"]["message"]

    measured = two.run("atlas", "invariants", "measure", "toy==1.0", "--seed", "7", "-n", "400", "--json")
    assert {row["target"] for row in answers_of(measured)} == {
        "toyengine.config.EngineArgs",
        "toyengine.config.CacheConfig",
    }
    for row in answers_of(measured):
        assert (row["false_rejections"], row["crashes"]) == (0, 0)
        assert row["rejections_found"] == row["rejected"]


def answers_of(done):
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_what_is_no_configuration_is_told_with_its_line(two):
    asked = ("toy==1.0", "--target", "EngineArgs")
    for command in ("evaluate", "replay"):
        done = two.run("atlas", "invariants", command, *asked, lines='{"model": "m"}\n[1]\n')
        assert done.returncode == 4
        first, second = map(json.loads, done.stdout.splitlines())
        assert "error" not in first
        assert second == {"line": 2, "error": "not an object of keyword arguments"}


def test_a_target_that_does_not_exist_names_the_nearest(two):
    done = two.run("atlas", "invariants", "evaluate", "toy==1.0", "--target", "EngineArg")
    assert done.returncode == 4
    assert "did you mean `EngineArgs`" in done.stderr


def test_how_it_is_proven_is_a_matter_of_this_stage_alone(two):
    two.edit("engine_versions/toy.yaml", "samples: 300", "samples: 300\n  limit_s: 5")
    knowledge = "results/toy/1.0/knowledge.json"  # holds the rules that are proven
    assert set(two.stale()) == {*ARTEFACTS, knowledge, "results/report/index.html"}
    before = {path: (two.root / path).read_bytes() for path in ARTEFACTS}
    built = two.run("atlas", "build")
    assert built.returncode == 0, built.stderr
    assert two.stale() == {}
    assert {path: (two.root / path).read_bytes() for path in ARTEFACTS} == before


def test_an_engine_that_cannot_be_imported_has_unverified_rules_only(two, toy_files):
    config = "import turbine\n" + toy_files["toyengine/config.py"]
    two.index.publish("toy", "2.0", {**toy_files, "toyengine/config.py": config})
    two.bump("toy", "2.0")
    built = two.run("atlas", "build", *(path.replace("1.0", "2.0") for path in sorted(ARTEFACTS)))
    assert built.returncode == 0, built.stderr
    found = yaml.safe_load(two.artefact("toy", "invariants.yaml", "2.0").read_text())
    assert (found["status"], found["environment"], found["rules"]) == ("unverified", None, [])
    assert {one["severity"] for one in found["unverified"]} == {"warn"}
    assert "seed < 0" in [one["when"] for one in found["unverified"]]


def test_a_constructor_that_misbehaves_costs_its_probe_and_not_the_stage(two, toy_files):
    bad = """
        if self.max_len is True:
            import sys; sys.exit(0)
        if self.max_len is False:
            import os; os._exit(7)
        if self.max_len == "":
            import time; time.sleep(60)
        print("constructed")
        if self.seed < 0:"""
    config = toy_files["toyengine/config.py"].replace("\n        if self.seed < 0:", bad)
    two.index.publish("toy", "2.0", {**toy_files, "toyengine/config.py": config})
    two.bump("toy", "2.0")
    two.edit("engine_versions/toy.yaml", "samples: 300", "samples: 300\n  limit_s: 0.2")
    built = two.run("atlas", "build", *(path.replace("1.0", "2.0") for path in sorted(ARTEFACTS)))
    assert built.returncode == 0, built.stderr
    found = two.load("toy", "invariants.coverage.json", "2.0")["targets"][0]
    assert found["status"] == "gated"
    assert {one["outcome"] for one in found["failures"]} == {"exit", "killed", "timeout"}
    assert found["sample"]["false_rejections"] == 0
