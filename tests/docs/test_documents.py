"""What the documents say is true: their commands run, their links lead somewhere, their tables are whole."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import click
import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])

EXPENSIVE = {
    "make run": "rebuilds every engine: minutes",
    "make test": "would run this test",
    "make rebuild": "rebuilds everything in place",
    "make lock": "moves what is pinned",
    "make container": "builds an image",
}

INHERITED = ("VIRTUAL_ENV", "PYTHONPATH", "MAKEFLAGS", "MAKELEVEL")


def commands(document: Path) -> list[str]:
    """The lines of a document's shell blocks, without comments."""
    blocks = re.findall(r"^```sh\n(.*?)^```", document.read_text(), re.M | re.S)
    lines = (line.partition(" #")[0].strip() for block in blocks for line in block.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document):
    for target in re.findall(r"\]\((?!https?://|#)([^)#]+)", document.read_text()):
        assert (document.parent / target).exists(), f"{document.name} links to {target}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_make_targets_and_atlas_commands_exist(document):
    from atlas.cli import cli

    known = cli.list_commands(click.Context(cli))
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M))
    text = document.read_text()
    for target in re.findall(r"`make ([a-z]+)", text):
        assert target in targets, f"{document.name}: make {target}"
    for command in re.findall(r"`(?:\.venv/bin/)?atlas ([a-z]+)", text):
        assert command in known, f"{document.name}: atlas {command}"


@pytest.mark.slow
@pytest.mark.network
def test_a_newcomer_can_run_the_readme(tmp_path):
    """In a fresh clone with nothing but Python, git and make; what is expensive is left to CI itself."""
    clone = tmp_path / "atlas"
    subprocess.run(["git", "clone", "-q", str(ROOT), str(clone)], check=True)
    bare = {name: value for name, value in os.environ.items() if name not in INHERITED}

    def run(*command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, cwd=clone, env=bare, capture_output=True, text=True, check=False)

    cheap = [command for command in commands(ROOT / "README.md") if command not in EXPENSIVE]
    assert {"make stale", ".venv/bin/atlas --help", ".venv/bin/snakemake -n"} <= set(cheap)
    for command in ["make help", *cheap]:
        done = run(*command.split())
        assert done.returncode == 0, f"{command}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
    assert run("git", "status", "--porcelain").stdout == ""
