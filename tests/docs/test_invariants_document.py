"""What docs/invariants.md shows is in the artefacts, and its commands do what it says."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from atlas.validation import check
from atlas.yamlfile import Document

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs/invariants.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", TEXT, re.M | re.S)
ENGINE = {
    "format_version": 1,
    "engine": "toy",
    "library": {"name": "toy", "current_version": "1.0"},
    "packages": ["toy"],
    "sources": [{"kind": "sdist"}],
    "surfaces": {"engine_params": [{"class": "toy.args.EngineArgs"}]},
}


def block(language: str, having: str) -> str:
    (found,) = [text for kind, text in BLOCKS if kind == language and having in text]
    return found


COMMANDS = [line for kind, text in BLOCKS if kind == "sh" for line in text.splitlines()]
LIVE = [command for command in COMMANDS if re.search("invariants (replay|measure)", command)]


def run(command: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        cwd=ROOT,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


def entries(name: str, key: str) -> list[dict[str, object]]:
    found = []
    for path in sorted((ROOT / "results").glob(f"*/*/{name}")):
        found += yaml.load(path.read_text(), yaml.CSafeLoader)[key]
    return found


@pytest.mark.parametrize("command", [one for one in COMMANDS if one not in LIVE])
def test_what_is_evaluated_needs_no_engine(command):
    done = run(command)
    assert done.returncode == 0, done.stderr
    assert done.stdout


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.parametrize("command", LIVE)
def test_what_asks_the_engine_agrees_with_the_rules(command):
    """Exit code 0 of `measure` means no false rejection."""
    done = run(command)
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_the_answer_that_is_shown_is_the_answer():
    done = run(COMMANDS[0])
    assert json.loads(done.stdout) == json.loads(block("json", "verdict"))


def test_the_rule_that_is_followed_is_in_the_corpus_as_it_is_shown():
    shown = yaml.safe_load(block("yaml", "evidence:"))
    (rule,) = [one for one in entries("invariants.yaml", "rules") if one == shown]
    evidence = rule["evidence"]
    length = evidence["end_line"] - evidence["line"] + 1
    lines = block("python", "raise").splitlines(keepends=True)
    spans = ("".join(lines[start : start + length]) for start in range(len(lines)))
    assert evidence["span_sha256"] in {hashlib.sha256(span.encode()).hexdigest() for span in spans}


def test_the_section_of_an_engines_yaml_is_valid():
    section = yaml.safe_load(block("yaml", "platform_modules:"))
    other = re.search(r"^invariants:\n(  .*\n)+", (ROOT / "docs/new-engine.md").read_text(), re.M)
    for one in (section, yaml.safe_load(other[0])):
        check(Document("a document", {**ENGINE, **one}, {}), "engine")
    format_ = json.loads((ROOT / "config/schemas/engine.schema.json").read_text())["properties"]["invariants"]
    assert section["invariants"].keys() == format_["properties"].keys()
    (target,) = section["invariants"]["targets"]
    assert target.keys() == format_["properties"]["targets"]["items"]["properties"].keys()


def test_every_reason_of_quarantine_is_explained():
    given = {one["reason"] for one in entries("invariants.quarantine.yaml", "candidates")}
    assert given
    assert not [reason for reason in sorted(given) if f"`{reason}`" not in TEXT]


def test_every_key_of_a_rule_is_explained():
    keys = {key for one in entries("invariants.yaml", "rules") for key in one}
    assert keys
    assert not [key for key in sorted(keys - {"target", "fields", "when"}) if f"`{key}`" not in TEXT]
