"""The artefacts of an engine are the same in every runtime, but for the environment's kind and digest."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "infra"))
sys.path.insert(0, str(Path(__file__).parent))
from conftest import CONTAINERS
from equality import build
from toy import IMAGE, toy_spec, write_project

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


@pytest.fixture(scope="module")
def project(tmp_path_factory, archive):
    root = tmp_path_factory.mktemp("project")
    spec = toy_spec(image={"archive": "base.tar", **IMAGE}, invariants={"samples": 200})
    write_project(root, spec, ENGINE)
    (root / "base.tar").symlink_to(archive)
    return root


def built(root: Path, runtime: str) -> dict[str, str]:
    return build(root, "toy", "1.0", runtime)


@pytest.fixture(scope="module")
def here(project):
    with pytest.MonkeyPatch.context() as monkeypatch:
        from atlas.environment.uv import find_uv

        monkeypatch.setenv("ATLAS_UV", str(find_uv()))
        monkeypatch.setenv("ATLAS_CACHE", str(project / "cache"))
        return built(project, "venv")


@pytest.mark.parametrize("name", CONTAINERS)
def test_schema_and_invariants_are_those_of_the_virtual_environment(ready, name, here, project):
    ready(name)
    there = built(project, name)
    assert "size must be positive" in here["invariants.yaml"]
    assert there.keys() == here.keys() and len(here) == 7
    for part in here:
        assert there[part] == here[part], part


def test_what_runs_an_image_is_no_part_of_the_environment(project):
    found = [project / name / "environment.json" for name in CONTAINERS]
    made = [file.read_bytes() for file in found if file.is_file()]
    if len(made) < 2:
        pytest.skip("fewer than two container runtimes run here")
    assert len(set(made)) == 1
    assert json.loads(made[0])["runtime"] == "image"
