"""An engine that cannot be imported in its environment: static facts, the reason, and nothing lost."""

import json

import pytest

pytestmark = pytest.mark.slow

NEEDS = "import turbine  # noqa\n"
SAID = "ModuleNotFoundError: No module named 'turbine'"
CELL = ("environment.json", "schema.discovered.json", "config.schema.json")


def publish(world, toy_files, version, needs=NEEDS):
    config = toy_files["toyengine/config.py"]
    world.index.publish("toy", version, {**toy_files, "toyengine/config.py": needs + config})
    world.bump("toy", version)


def wanted(version):
    return [f"results/toy/{version}/{name}" for name in CELL]


def contents(world, version):
    return {name: world.artefact("toy", name, version).read_bytes() for name in CELL}


def test_a_new_version_that_cannot_be_imported_has_static_facts_and_says_why(two, toy_files):
    publish(two, toy_files, "2.0")
    built = two.run("atlas", "build")
    assert built.returncode == 0, built.stderr
    assert f"static facts only: toy 2.0: {SAID}; add the package that has it" in built.stderr

    schema = two.load("toy", "schema.discovered.json", "2.0")
    assert (schema["status"], schema["environment"]) == ("static_only", None)
    assert {one["path"] for one in schema["engine_params"]} >= {"model", "cache.block_size"}
    (why,) = [one for one in schema["limitations"] if one["code"] == "environment_unhealthy"]
    assert why["fields"] == ["toyengine.config.EngineArgs"]
    assert why["reason"].startswith(SAID)
    assert "Static facts only: `toyengine.config.EngineArgs`" in (two.root / "docs/coverage.md").read_text()
    assert "turbine" in (two.root / "results/report/index.html").read_text()
    assert two.load("toy", "schema.discovered.json")["status"] == "complete"

    # It is a result like any other: nothing is stale, and it is the same bytes when made again.
    assert two.stale() == {}
    dry = two.snakemake("-n")
    assert "Nothing to be done" in dry.stdout + dry.stderr
    listed = two.run("atlas", "stale")
    assert "static facts only: toy 2.0" in listed.stdout
    (told,) = json.loads(two.run("atlas", "stale", "--json").stdout)["static_only"]
    assert (told["engine"], told["version"]) == ("toy", "2.0")
    before = contents(two, "2.0")
    assert two.snakemake("--force", "results/toy/2.0/environment.json").returncode == 0
    assert two.snakemake("--force", "results/toy/2.0/schema.discovered.json").returncode == 0
    assert contents(two, "2.0") == before


def test_it_is_tried_again_when_its_environment_changes(two, toy_files):
    publish(two, toy_files, "2.0")
    assert two.run("atlas", "build", *wanted("2.0")).returncode == 0
    stubbed = '      timeout_s: 20\n      overlay: {stubs: {turbine: ""}}'
    two.edit("engine_versions/toy.yaml", "      timeout_s: 20", stubbed)
    assert "results/toy/2.0/environment.json" in two.stale()
    assert two.run("atlas", "build", *wanted("2.0")).returncode == 0
    assert two.load("toy", "schema.discovered.json", "2.0")["status"] == "complete"
    assert not set(wanted("2.0")) & set(two.stale())


def test_live_facts_are_not_replaced_by_static_ones(two, toy_files):
    two.edit(
        "engine_versions/toy.yaml",
        "      timeout_s: 20",
        '      timeout_s: 20\n      env: {TURBINE_OFF: "1"}',
    )
    publish(
        two,
        toy_files,
        "2.0",
        'import os\nif "TURBINE_OFF" in os.environ:\n    pass\nelse:\n    import turbine\n',
    )
    assert two.run("atlas", "build", *wanted("2.0")).returncode == 0
    before = contents(two, "2.0")
    two.edit("engine_versions/toy.yaml", '\n      env: {TURBINE_OFF: "1"}', "")
    built = two.run("atlas", "build", *wanted("2.0"))
    assert built.returncode == 2
    assert "results/toy/2.0/environment.json" in built.stderr
    assert contents(two, "2.0") == before
    record = json.loads((two.root / "logs/failures/environment/toy/2.0.json").read_text())
    assert record["exit_code"] == 3
    assert SAID in record["what"]
    assert "results/toy/2.0/environment.json" in two.stale()
