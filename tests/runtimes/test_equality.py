"""The artefacts of an engine are the same in every runtime, but for the environment's kind and digest."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from conftest import CONTAINERS, PYTHON

ATLAS = Path(sys.executable).with_name("atlas")
ENGINE = """
import enum, logging, os, signal, warnings
from dataclasses import dataclass, field
from typing import Literal

logger = logging.getLogger("toy")

@dataclass
class Config:
    '''How it is run.'''
    size: int = 4
    mode: Literal["fast", "safe"] = "fast"
    home: str = field(default_factory=lambda: os.path.expanduser("~/models"))
    limit: int | None = None

    def __post_init__(self):
        if self.size <= 0:
            raise ValueError(f"size must be positive, not {self.size}")
        if self.mode == "safe" and self.limit is None:
            warnings.warn("a limit is advised")
        if self.limit is not None and self.limit > 100:
            self.limit = 100
        if self.size == 13:
            os.kill(os.getpid(), signal.SIGSEGV)
"""
PARTS = ("schema.discovered.json", "config.schema.json", "invariants.yaml", "invariants.quarantine.yaml")
PARTS += ("invariants.coverage.json",)
KIND = re.compile(r"""("?kind"?: "?)(venv|image)\b""")


@pytest.fixture(scope="module")
def project(tmp_path_factory, archive):
    root = tmp_path_factory.mktemp("project")
    image = {"archive": "base.tar", "python": "/usr/local/bin/python3", "overlay": True}
    spec = {
        "format_version": 1,
        "engine": "toy",
        "library": {"name": "toy", "current_version": "1.0"},
        "packages": ["toy"],
        "sources": [{"kind": "path", "path": "tree"}],
        "environments": {"venv": [{"python": PYTHON}], "image": [image]},
        "surfaces": {"engine_params": [{"class": "toy.Config"}]},
        "landmarks": ["toy.Config"],
        "invariants": {"samples": 200},
    }
    for name, text in {
        "engine_versions/toy.yaml": json.dumps(spec),
        "envs/toy.txt": "# nothing but Python itself\n",
        "tree/toy/__init__.py": ENGINE,
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    (root / "base.tar").symlink_to(archive)
    return root


def build(root: Path, runtime: str, monkeypatch) -> dict[str, str]:
    """All artefacts of the live lane, in one runtime."""
    monkeypatch.chdir(root)
    monkeypatch.setenv("ATLAS_RUNTIME", runtime)
    output = root / runtime
    output.mkdir()
    cell = ["--engine", "toy", "--version", "1.0", "--source", "source.json"]
    there = ["--environment", output / "environment.json"]
    schema, config, rules, held, coverage = (output / name for name in PARTS)
    build = ["invariants", "build", *cell, *there, "--schema", schema, "--output", rules]
    for command in (
        ["source", *cell[:4], "--output", "source.json"],
        ["environment", *cell, "--output", output / "environment.json"],
        ["schema", *cell, *there, "--output", schema, "--config-schema", config],
        [*build, "--workers", "2", "--quarantine", held, "--coverage", coverage],
    ):
        done = subprocess.run([ATLAS, *command], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    digest = json.loads((output / "environment.json").read_text())["digest"]
    found = {name: (output / name).read_text() for name in PARTS}
    assert any(digest in text for text in found.values())
    return {name: KIND.sub(r"\1<kind>", text.replace(digest, "<digest>")) for name, text in found.items()}


@pytest.fixture(scope="module")
def here(project):
    with pytest.MonkeyPatch.context() as monkeypatch:
        from atlas.environment.uv import find_uv

        monkeypatch.setenv("ATLAS_UV", str(find_uv()))
        monkeypatch.setenv("ATLAS_CACHE", str(project / "cache"))
        return build(project, "venv", monkeypatch)


@pytest.mark.parametrize("name", CONTAINERS)
def test_schema_and_invariants_are_those_of_the_virtual_environment(ready, name, here, project, monkeypatch):
    ready(name)
    there = build(project, name, monkeypatch)
    assert "size must be positive" in here["invariants.yaml"]
    for part in PARTS:
        assert there[part] == here[part], part


def test_what_runs_an_image_is_no_part_of_the_environment(project):
    found = [project / name / "environment.json" for name in CONTAINERS]
    made = [file.read_bytes() for file in found if file.is_file()]
    if len(made) < 2:
        pytest.skip("fewer than two container runtimes run here")
    assert len(set(made)) == 1
    assert json.loads(made[0])["runtime"] == "image"
