"""A fifth engine needs one new YAML and nothing else."""

import json

import jsonschema
import pytest

CELL = {
    f"results/toy/1.0/{name}"
    for name in (
        "source.json",
        "environment.json",
        "schema.discovered.json",
        "config.schema.json",
        "invariants.yaml",
        "invariants.quarantine.yaml",
        "invariants.coverage.json",
        "knowledge.json",
        "history.facts.json",
    )
}
HISTORY = "results/toy/history.json"
REPORTS = {"docs/coverage.md", "results/report/index.html"}

pytestmark = pytest.mark.slow


def test_one_yaml_makes_a_new_engine_with_both_lanes(whole):
    assert whole.stale() == {}
    whole.engine("toy")
    assert set(whole.stale()) == {*CELL, HISTORY, "envs/toy.txt", "envs/toy.size.json", *REPORTS}

    built = whole.snakemake()
    assert built.returncode == 0, built.stderr
    assert whole.stale() == {}
    again = whole.snakemake("-n")
    assert "Nothing to be done" in again.stdout + again.stderr

    schema = whole.load("toy", "schema.discovered.json")
    parameters = {p["path"]: p for p in schema["engine_params"]}
    assert set(parameters) >= {"model", "dtype", "seed", "max_len", "cache.block_size", "cache.swap"}
    assert all(
        {e["lane"] for e in parameters[path]["evidence"]} == {"static", "live"}
        for path in ("model", "dtype", "seed", "max_len", "cache.block_size", "cache.swap")
    )
    assert parameters["model"]["default_kind"] == "required"
    assert parameters["dtype"]["enum"] == ["auto", "half", "float"]
    assert parameters["dtype"]["cli_flag"] == "--dtype"
    assert parameters["seed"]["description"] == "Random seed."
    assert parameters["max_len"]["default"] is None
    assert parameters["max_len"]["effective_default"]["value"] == 2048
    assert parameters["cache.block_size"]["owner"] == "toyengine.config.CacheConfig"
    assert not [path for path, p in parameters.items() if p.get("disagreement")]

    validator = jsonschema.Draft202012Validator(whole.load("toy", "config.schema.json"))
    validator.check_schema(validator.schema)
    assert validator.is_valid({"model": "m", "dtype": "half", "cache": {"block_size": 32}})
    assert not validator.is_valid({"model": "m", "dtype": "quarter"})
    assert not validator.is_valid({"model": "m", "seed": "x"})

    proven = whole.load("toy", "invariants.coverage.json")
    assert proven["status"] == "gated"
    assert {one["class"]: one["status"] for one in proven["targets"]} == {
        "toyengine.config.EngineArgs": "gated",
        "toyengine.config.CacheConfig": "gated",
    }
    assert "seed < 0" in whole.artefact("toy", "invariants.yaml").read_text()

    assert "toy" in (whole.root / "results/report/index.html").read_text()
    assert "toy" in (whole.root / "docs/coverage.md").read_text()
    text = json.dumps(schema) + whole.artefact("toy", "source.json").read_text()
    assert str(whole.root) not in text
    assert "127.0.0.1" not in text
