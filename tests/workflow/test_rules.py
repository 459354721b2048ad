"""The rules keep to their contract: one command each, logged, and artefacts that survive a failure."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "rules").glob("*.smk"))
RULES = {
    name: body
    for file in [ROOT / "Snakefile", *FILES]
    for name, body in re.findall(r"^rule (\w+):\n((?:    .*\n|\n)+)", file.read_text() + "\n", re.M)
}


TARGETS = {"all", "perf"}
"""Names for what other rules make."""


def test_only_targets_make_nothing():
    assert {name for name, body in RULES.items() if not re.search(r"^    output:", body, re.M)} == TARGETS


@pytest.mark.parametrize("name", sorted(set(RULES) - TARGETS))
def test_a_rule_is_one_logged_command_that_keeps_the_last_good_artefact(name):
    body = RULES[name]
    assert re.search(r"^    log:", body, re.M)
    assert re.search(r"^    message:", body, re.M)
    assert re.search(r"^    shell:\n        \"atlas ", body, re.M)
    assert not re.search(r"^    (script|run|notebook|wrapper):|lambda|checkpoint|directory\(", body, re.M)
    outputs = re.search(r"^    output:\n((?:        .*\n)+)", body, re.M)[1]
    assert all("update(" in line for line in outputs.splitlines())


@pytest.mark.parametrize("file", FILES, ids=lambda path: path.name)
def test_a_rule_file_opens_with_what_it_is_for(file):
    text = file.read_text()
    assert text.startswith('"""')
    if file.name != "common.smk":
        assert "INPUTS" in text
        assert "OUTPUTS" in text


def test_profiles_share_no_key_with_the_default():
    default = set(yaml.safe_load((ROOT / "profiles/default/config.yaml").read_text()))
    for profile in ROOT.glob("profiles/*/config.yaml"):
        if profile.parent.name != "default":
            assert not default & set(yaml.safe_load(profile.read_text())), profile


def test_no_engine_is_named_outside_engine_versions():
    names = {path.stem for path in (ROOT / "engine_versions").rglob("*.yaml")}
    words = re.compile(rf"\b({'|'.join(sorted(names))})\b", re.I)
    for file in [*ROOT.glob("scripts/**/*.py"), *ROOT.glob("scripts/**/*.js"), *FILES, ROOT / "Snakefile"]:
        found = words.search(file.read_text())
        assert not found, f"{file.relative_to(ROOT)} names {found[0]}"
