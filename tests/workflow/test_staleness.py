"""What is stale in this very project: in a fresh clone nothing, after an edit exactly what follows."""

import re

import pytest

pytestmark = pytest.mark.slow

REPORTS = {"docs/coverage.md", "results/report/index.html"}
SCHEMAS = {"schema.discovered.json", "config.schema.json"}
FACTS = "history.facts.json"
HISTORY = {FACTS, "history.json"}
KNOWLEDGE = {"knowledge.json", "cli.schema.json"}
INVARIANTS = {"invariants.yaml", "invariants.quarantine.yaml", "invariants.coverage.json"}


def test_in_a_fresh_clone_nothing_is_stale_and_asking_changes_nothing(whole):
    assert whole.stale() == {}
    dry = whole.snakemake("-n")
    assert "Nothing to be done" in dry.stdout + dry.stderr
    status = whole.run("git", "status", "--porcelain")
    assert status.stdout == ""


def test_a_version_bump_lists_that_engines_new_cells_and_the_reports(whole):
    yaml = next(iter(sorted((whole.root / "engine_versions").glob("*.yaml"))))
    text = yaml.read_text()
    current = re.search(r'current_version: "(.*)"', text)[1]
    text = text.replace(f'current_version: "{current}"', 'current_version: "999.0"')
    for key in ("versions", "in_full"):  # the one that was current is kept as it is
        text = re.sub(rf"^(  {key}:[^\[]*\[)", rf'\1"{current}", ', text, count=1, flags=re.M)
    yaml.write_text(text)
    engine = yaml.stem
    cell = {
        f"results/{engine}/999.0/{name}"
        for name in ("source.json", "environment.json", *SCHEMAS, *INVARIANTS, "knowledge.json", FACTS)
    }
    assert set(whole.stale()) == cell | REPORTS | {f"results/{engine}/history.json"}


def test_a_further_version_of_which_only_the_history_is_kept_lists_two_artefacts(whole):
    yaml = next(iter(sorted((whole.root / "engine_versions").glob("*.yaml"))))
    text = re.sub(r"^(  versions:[^\[]*\[)", r'\1"0.0.1", ', yaml.read_text(), count=1, flags=re.M)
    yaml.write_text(text)
    folder = f"results/{yaml.stem}"
    assert set(whole.stale()) == {f"{folder}/0.0.1/{FACTS}", f"{folder}/history.json"}


def test_an_edit_of_perf_makes_nothing_stale(whole):
    added = "perf: {runs: [{protocol: streamer, parameters: {}, load: [{a: {get: b}}], generate: {get: c}}]}"
    edited = 0
    for yaml in (whole.root / "engine_versions").glob("*.yaml"):
        before, heading, runs = yaml.read_text().partition("\nperf:\n")
        changed = runs.replace("pad_token_id: 0\n", "pad_token_id: 1\n", 1)
        edited += changed != runs
        yaml.write_text(before + (heading + changed if heading else f"{added}\n"))
    assert edited
    assert whole.stale() == {}


def test_an_edit_of_one_engine_leaves_the_others(whole):
    yaml = sorted((whole.root / "engine_versions").glob("*.yaml"))[0]
    text = yaml.read_text()
    yaml.write_text(text.replace("surfaces:\n", "surfaces:\n  more: [{class: some.module.Other}]\n", 1))
    stale = set(whole.stale())
    assert stale >= REPORTS
    cells = stale - REPORTS
    assert cells
    assert all(path.startswith(f"results/{yaml.stem}/") for path in cells), cells
    names = {path.rsplit("/", 1)[1] for path in cells}
    assert names - KNOWLEDGE == SCHEMAS | INVARIANTS | HISTORY


def test_an_edit_of_how_invariants_are_proven_makes_only_these_stale(whole):
    yaml = sorted((whole.root / "engine_versions").glob("*.yaml"))[0]
    text = yaml.read_text()
    yaml.write_text(
        re.sub(r"^invariants:\n", "invariants:\n  samples: 123\n", text, flags=re.M)
        if re.search(r"^invariants:", text, re.M)
        else text + "invariants: {samples: 123}\n"
    )
    stale = set(whole.stale())
    cells = stale - {"results/report/index.html"}
    assert {path.rsplit("/", 1)[1] for path in cells} == {*INVARIANTS, "knowledge.json"}
    assert {path.split("/")[1] for path in cells} == {yaml.stem}


def test_a_hand_edit_shows_both_digests(whole):
    artefact = sorted((whole.root / "results").glob("*/*/environment.json"))[0]
    artefact.write_text(artefact.read_text() + " ")
    listed = whole.run("atlas", "stale")
    assert listed.returncode == 1
    assert "edited by hand" in listed.stdout
    assert listed.stdout.count("sha256:") >= 2


def test_an_edited_lock_makes_its_size_stale_and_no_other(whole):
    size = sorted((whole.root / "envs").glob("*.size.json"))[0]
    lock = size.with_name(size.name.replace(".size.json", ".txt"))
    lock.write_text("# Another.\n" + lock.read_text())
    stale = whole.stale()
    assert {path for path in stale if path.startswith("envs/")} == {f"envs/{lock.name}", f"envs/{size.name}"}
    assert lock.name in stale[f"envs/{size.name}"]


def test_the_engines_code_is_not_the_projects_code(whole):
    """A comment in a module of the project makes nothing stale; its code does."""
    module = whole.root / "scripts/atlas/schema/merge.py"
    module.write_text("# A comment.\n" + module.read_text())
    assert whole.stale() == {}
    module.write_text(module.read_text() + "\nMORE = 1\n")
    stale = whole.stale()
    names = {path.rsplit("/", 1)[1] for path in stale}
    assert names == {*SCHEMAS, *INVARIANTS, *KNOWLEDGE, *HISTORY, "coverage.md", "index.html"}
    assert "merge.py" in whole.run("atlas", "stale").stdout
