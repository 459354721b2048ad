"""What the documents show of timeline, ls, show and the stage is what the commands do."""

import re
import shlex
from pathlib import Path

import pytest

from atlas import cli

ROOT = Path(__file__).resolve().parents[2]
HISTORY = (ROOT / "docs/history.md").read_text()


def section(title):
    """The blocks of a section of cli.md, each with its language."""
    text = (ROOT / "docs/cli.md").read_text()
    (found,) = re.findall(rf"^## {title}\n(.*?)(?=^## |\Z)", text, re.M | re.S)
    return re.findall(r"^```(\w*)\n(.*?)^```", found, re.M | re.S)


COMMANDS = [
    line
    for title in ("atlas timeline", "atlas ls", "atlas show")
    for language, text in section(title)
    for line in text.splitlines()
    if language == "sh"
]


def test_there_are_commands_of_each():
    assert {command.split()[1] for command in COMMANDS} == {"timeline", "ls", "show"}


@pytest.mark.parametrize("command", COMMANDS)
def test_the_commands_of_the_document_answer(command, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    program, *arguments = shlex.split(command)
    assert program == "atlas" and cli.run(arguments) == 0
    assert len(capsys.readouterr().out.splitlines()) > 1


def test_the_timeline_that_is_shown_is_printed(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    (shown,) = [text for language, text in section("atlas timeline") if not language]
    assert cli.run(["timeline", "vllm", "num_scheduler_steps"]) == 0
    assert capsys.readouterr().out.startswith(shown)


def test_joining_as_the_document_says_gives_what_is_committed(monkeypatch, tmp_path):
    monkeypatch.chdir(ROOT)
    (block,) = re.findall(r"^```sh\n(.*?)^```", HISTORY, re.M | re.S)
    facts, join = (shlex.split(line) for line in block.splitlines())
    assert facts[:3] == ["atlas", "history", "facts"]
    output = tmp_path / "history.json"
    place = join.index("--output") + 1
    committed, pattern = Path(join[place]), join[-1]
    join[place : place + 1] = [str(output)]
    files = sorted(str(path) for path in Path().glob(pattern))
    assert cli.run([*join[1:-1], *files]) == 0
    assert output.read_bytes() == committed.read_bytes()


def test_the_versions_and_sizes_of_the_document_are_those_of_the_artefacts():
    rows = re.findall(r"^\| (\w+) \| (\d+) \| ([\d.]+) MB \| [\d.]+ MB \|", HISTORY, re.M)
    assert {name.lower() for name, *_ in rows} == {"vllm", "transformers", "sglang", "lmdeploy"}
    for name, versions, raw in rows:
        files = list((ROOT / "results" / name.lower()).rglob("history*.json*"))
        assert sum(file.name == "history.facts.json" for file in files) == int(versions)
        assert sum(file.stat().st_size for file in files) / 1e6 == pytest.approx(float(raw), rel=0.1)
