"""What docs/cli.md and docs/diff.md show of diff and upgrade is what the commands print."""

import re
import shlex
from pathlib import Path

import pytest
import yaml

from atlas import cli
from atlas.diff.policy import load_policy

ROOT = Path(__file__).resolve().parents[2]
CLI = (ROOT / "docs/cli.md").read_text()
DIFF = (ROOT / "docs/diff.md").read_text()


def section(title):
    """The blocks of a section, each with its language."""
    (text,) = re.findall(rf"^## {title}\n(.*?)(?=^## |\Z)", CLI, re.M | re.S)
    return re.findall(r"^```(\w*)\n(.*?)^```", text, re.M | re.S)


COMMANDS = [
    line
    for title in ("atlas diff", "atlas upgrade")
    for language, text in section(title)
    for line in text.splitlines()
    if language == "sh"
]


def test_there_are_commands_of_both():
    assert {command.split()[1] for command in COMMANDS} == {"diff", "upgrade"}


def test_the_diff_that_is_shown_is_printed(capsys):
    blocks = section("atlas diff")
    (shown,) = [text for language, text in blocks if not language]
    assert cli.run(["diff", "vllm", "0.32.0", "0.33.0"]) == 0
    assert capsys.readouterr().out.startswith(shown)


@pytest.mark.parametrize("command", COMMANDS)
def test_the_commands_of_the_document_find_nothing_wrong(command, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    program, *arguments = shlex.split(command)
    assert program == "atlas" and cli.run(arguments) == 0
    assert capsys.readouterr().out


def test_the_upgrade_that_is_shown_is_printed(tmp_path, monkeypatch, capsys):
    blocks = section("atlas upgrade")
    (config,) = [text for language, text in blocks if language == "yaml"]
    (shown,) = [text for language, text in blocks if not language]
    monkeypatch.setenv("ATLAS_RESULTS", str(ROOT / "results"))
    monkeypatch.chdir(tmp_path)
    Path("serve.yaml").write_text(config)
    assert cli.run(["upgrade", "serve.yaml", "--engine", "vllm", "--from", "0.20.0", "--to", "0.32.0"]) == 1
    printed = capsys.readouterr().out.splitlines()
    places = [printed.index(line) for line in shown.splitlines()]
    assert places == sorted(places)


def test_the_policy_that_is_shown_is_valid(tmp_path):
    (text,) = re.findall(r"^```yaml\n(.*?)^```", DIFF, re.M | re.S)
    file = tmp_path / "policy.yaml"
    file.write_text(text)
    assert load_policy(file).impacts["deprecated"] == "risky"


def test_the_number_of_labelled_changes_is_the_number_that_is_told():
    files = (ROOT / "tests/diff/labelled").glob("*.yaml")
    labels = [yaml.safe_load(file.read_text()) for file in files]
    count = sum(len(subjects) for label in labels for subjects in label["changes"].values())
    assert f"{count} changes of three pairs" in DIFF
