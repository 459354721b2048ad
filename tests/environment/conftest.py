"""A project with one toy engine, whose environment needs no package and so no index."""

from __future__ import annotations

import os
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from atlas.canonical import write_atomic
from atlas.engines.load import load_cell
from atlas.engines.model import Cell
from atlas.environment.uv import find_uv
from atlas.errors import AtlasError
from atlas.source.command import build_source

PYTHON = "{}.{}".format(*sys.version_info[:2])
SETTINGS = ("UV_", "PIP_", "SSL_CERT", "REQUESTS_CA", "CURL_CA", "XDG_", "VIRTUAL_ENV")

TOY = {
    "toy/__init__.py": "",
    "toy/args.py": """
        import importlib.metadata
        from dataclasses import dataclass

        VERSION = importlib.metadata.version("toy")

        @dataclass
        class EngineArgs:
            model: str
            seed: int = 0
            built_for: str = VERSION
        """,
}


@dataclass
class Project:
    """A checkout in a temporary folder."""

    root: Path

    def write(self, files: dict[str, str]) -> None:
        for name, text in files.items():
            write_atomic(self.root / name, textwrap.dedent(text).lstrip("\n"))

    def engine(self, **changes: Any) -> Cell:
        """Write engine_versions/toy.yaml, with changes to its usual content, and load its one cell."""
        spec: dict[str, Any] = {
            "format_version": 1,
            "engine": "toy",
            "library": {"name": "toy", "current_version": "1.0"},
            "packages": ["toy"],
            "sources": [{"kind": "path", "path": "tree"}],
            "environments": {"venv": [{"python": PYTHON}]},
            "surfaces": {"engine_params": [{"class": "toy.args.EngineArgs"}]},
            "landmarks": ["toy.args.EngineArgs"],
        }
        self.write({"engine_versions/toy.yaml": yaml.safe_dump({**spec, **changes})})
        return load_cell(self.root, "toy", "1.0")

    def source(self, cell: Cell) -> Path:
        """The cell's source.json, as the source stage makes it."""
        output = self.root / "results/toy/1.0/source.json"
        build_source(cell, output)
        return output

    @property
    def environment_json(self) -> Path:
        return self.root / "results/toy/1.0/environment.json"


@pytest.fixture(autouse=True)
def own_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither index nor cache of this machine; its uv and its Pythons, and uv's cache of wheels."""
    try:
        uv = find_uv()
    except AtlasError:
        pytest.skip("uv is not installed")
    for name in list(os.environ):
        if name.startswith(SETTINGS):
            monkeypatch.delenv(name)
    monkeypatch.setenv("ATLAS_UV", str(uv))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("UV_NO_CONFIG", "1")
    monkeypatch.setenv("UV_PYTHON_DOWNLOADS", "never")
    monkeypatch.setenv("PATH", os.pathsep.join([str(Path(sys.base_prefix) / "bin"), os.environ["PATH"]]))
    monkeypatch.setenv("ATLAS_CACHE", str(tmp_path / "cache"))
    (tmp_path / "project/engine_versions").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "project")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project(tmp_path / "project")
    made.write({f"tree/{name}": text for name, text in TOY.items()})
    made.write({"envs/toy.txt": "# nothing but Python itself\n"})
    return made
