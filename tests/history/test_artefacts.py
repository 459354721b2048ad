"""The committed histories: whole, plausible, made from what is beside them, and small."""

import json
import subprocess
from pathlib import Path

import pytest
import yaml
from packaging.version import Version

from atlas.engines.serve import load_serves
from atlas.history.facts import lines, packed, unpacked
from atlas.history.join import document, read_facts
from atlas.validation import check
from atlas.yamlfile import Document

ROOT = Path(__file__).resolve().parents[2]
ENGINES = ["vllm", "transformers", "sglang", "lmdeploy"]
MOST_BYTES = 1_000_000


def library(engine):
    return yaml.safe_load((ROOT / f"engine_versions/{engine}.yaml").read_text())["library"]


def facts_files(engine):
    return sorted((ROOT / "results" / engine).glob("*/history.facts.json"))


@pytest.mark.parametrize("engine", ENGINES)
def test_at_least_twelve_releases_are_tracked_and_each_is_in_the_history(engine):
    pinned = library(engine)
    tracked = sorted({pinned["current_version"], *pinned["versions"]}, key=Version)
    assert len(pinned["versions"]) >= 12
    history = json.loads((ROOT / "results" / engine / "history.json").read_text())
    assert history["versions"] == tracked
    assert sorted(path.parent.name for path in facts_files(engine)) == sorted(tracked)
    check(Document("history.json", history, {}), "history")


@pytest.mark.parametrize("engine", ENGINES)
def test_every_version_has_its_main_classes_and_known_types(engine):
    for path in facts_files(engine):
        facts = read_facts(path, engine)
        entries = list(facts.entries.values())
        unknown = [one["path"] for one in entries if one["display"] == "unknown"]
        assert len(facts.schema["engine_params"]) >= 15, path
        assert facts.schema["sampling_params"], path
        assert len(unknown) <= 0.12 * len(entries), (path, unknown)
        lost = [one for one in facts.schema["limitations"] if one["code"] in ("not_found", "root_not_found")]
        assert not lost, (path, lost)


@pytest.mark.parametrize("engine", ["transformers", "lmdeploy"])
def test_the_history_is_what_the_facts_beside_it_come_to(engine):
    versions = sorted(
        (read_facts(path) for path in facts_files(engine)), key=lambda one: Version(one.version)
    )
    serves = load_serves(ROOT, engine, [one.version for one in versions])
    written = (ROOT / "results" / engine / "history.json").read_text()
    assert written == lines(document(engine, versions, serves))


@pytest.mark.parametrize("engine", ENGINES)
def test_packing_what_was_unpacked_gives_the_same_facts(engine):
    for path in facts_files(engine):
        found = json.loads(path.read_text())
        again = packed(unpacked(found))
        assert json.dumps(again, sort_keys=True) == json.dumps(found, sort_keys=True), path


@pytest.mark.parametrize("engine", ENGINES)
def test_static_facts_are_those_that_the_full_schema_was_merged_from(engine):
    """Wherever a version is kept in full: every parameter that its schema says the static lane saw."""
    for path in facts_files(engine):
        full = path.with_name("schema.discovered.json")
        if full.exists():
            schema, facts = json.loads(full.read_text()), read_facts(path)
            for group in facts.groups:
                seen = {
                    one["path"]
                    for one in schema[group]
                    if any(evidence["lane"] == "static" for evidence in one["evidence"])
                }
                held = {one["path"] for one in facts.schema[group]}
                assert len(seen - held) <= 0.02 * len(seen), (path, group, sorted(seen - held))


@pytest.mark.parametrize("engine", ENGINES)
def test_git_keeps_an_engines_history_in_less_than_a_megabyte(engine, tmp_path):
    repository = tmp_path / "packed"
    for path in (ROOT / "results" / engine).rglob("history*.json*"):
        target = repository / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())

    def git(*arguments):
        identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *identity, *arguments], cwd=repository, check=True, capture_output=True)

    git("init", "-q")
    git("add", "-A")
    git("commit", "-qm", "history")
    git("repack", "-adq")
    assert sum(path.stat().st_size for path in repository.glob(".git/objects/pack/*.pack")) < MOST_BYTES
