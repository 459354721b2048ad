"""The history of a toy engine: a further version is its own cell and the engine's history, nothing else."""

import hashlib
import json

import pytest

FACTS = "results/toy/0.9/history.facts.json"
JOINED = "results/toy/history.json"

pytestmark = pytest.mark.slow


def digests(world):
    return {
        path.relative_to(world.root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for folder in ("results", "docs", "envs")
        for path in (world.root / folder).rglob("*")
        if path.is_file()
    }


def track(world, version, *, full="[]"):
    """Track an older version of which only the history is kept."""
    old = 'current_version: "1.0"'
    new = f'{old}\n  versions: ["{version}"]\n  in_full: {full}'
    world.edit("engine_versions/toy.yaml", old, new)


@pytest.fixture
def older(toy_files):
    """The toy engine as it was: another default, and a parameter that went."""
    config = toy_files["toyengine/config.py"]
    config = config.replace("seed: int = 0", "seed: int = 1\n    tries: int = 3")
    return {**toy_files, "toyengine/config.py": config}


def test_a_further_version_adds_its_cell_and_the_engines_history_and_nothing_else(two, older):
    assert (two.root / JOINED).exists()  # of one version, since the engine is there
    before = digests(two)
    two.index.publish("toy", "0.9", older)
    track(two, "0.9")
    assert set(two.stale()) == {FACTS, JOINED}

    built = two.run("atlas", "build")
    assert built.returncode == 0, built.stdout + built.stderr
    assert two.stale() == {}
    again = two.snakemake("-n")
    assert "Nothing to be done" in again.stdout + again.stderr
    after = digests(two)
    changed = {path for path in {*before, *after} if before.get(path) != after.get(path)}
    assert changed == {FACTS, JOINED, f"{FACTS}.prov.json", f"{JOINED}.prov.json"}

    history = json.loads((two.root / JOINED).read_text())
    assert history["versions"] == ["0.9", "1.0"]
    found = history["parameters"]["engine_params"]
    assert [(one["since"], one["is"]) for one in found["tries"]] == [("0.9", "present"), ("1.0", "absent")]
    assert [one["default"] for one in found["seed"]] == [1, 0]
    assert len(found["dtype"]) == 1

    told = two.run("atlas", "timeline", "toy", "tries")
    assert "removed (0.9 has it)" in told.stdout
    shown = two.run("atlas", "show", "toy==0.9", "tries", "--json")
    assert json.loads(shown.stdout)["parameter"]["default"] == 3


def test_in_full_is_the_usual(two, older):
    two.index.publish("toy", "0.9", older)
    track(two, "0.9", full='["0.9"]')
    stale = set(two.stale())
    names = {path.rpartition("/")[2] for path in stale if path.startswith("results/toy/0.9/")}
    assert {"source.json", "schema.discovered.json", "invariants.yaml", "history.facts.json"} <= names
    two.edit("engine_versions/toy.yaml", '\n  in_full: ["0.9"]', "")
    assert set(two.stale()) == stale


def test_a_version_that_is_in_full_and_not_tracked_is_an_error_with_its_line(two):
    track(two, "0.9", full='["0.8"]')
    done = two.run("atlas", "history", "facts", "--engine", "toy", "--version", "0.9", "--output", "x.json")
    assert done.returncode == 4
    assert "toy.yaml:7:" in done.stderr
    assert "`0.8` is none of library.versions" in done.stderr


def test_stages_of_which_nothing_is_kept_say_so(two, older):
    two.index.publish("toy", "0.9", older)
    track(two, "0.9")
    done = two.run("atlas", "source", "--engine", "toy", "--version", "0.9", "--output", "x.json")
    assert done.returncode == 4
    assert "of toy 0.9 only the history is kept" in done.stderr
    assert "library.in_full" in done.stderr


def test_a_version_without_the_classes_fails_and_removes_nothing(two, toy_files):
    """It would look as if every parameter had been removed."""
    moved = {"toyengine/__init__.py": "", "toyengine/other.py": "class Nothing:\n    pass\n"}
    two.index.publish("toy", "0.9", moved)
    track(two, "0.9")
    before = (two.root / JOINED).read_bytes()
    built = two.run("atlas", "build")
    assert built.returncode == 2
    assert "no parameter was found" in built.stdout + built.stderr
    assert not (two.root / FACTS).exists()
    assert (two.root / JOINED).read_bytes() == before
    assert FACTS in two.stale()


def test_what_a_broken_yaml_has_built_stays(two, older):
    two.index.publish("toy", "0.9", older)
    track(two, "0.9")
    assert two.run("atlas", "build").returncode == 0
    before = digests(two)
    two.edit("engine_versions/toy.yaml", "surfaces:", "surfases:")
    stale = two.stale()
    assert {FACTS, "results/toy/1.0/history.facts.json", "results/toy/1.0/source.json"} <= set(stale)
    assert "surfases" in stale[FACTS]
    assert not any("/0.9/" in path and path != FACTS for path in stale)
    assert digests(two) == before
