"""`atlas schema` from a source tree: both artefacts, from the static lane alone where nothing can run."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from atlas.engines.load import load_cell
from atlas.engines.model import Cell
from atlas.errors import RunError, UnavailableError
from atlas.schema.command import build_schema
from atlas.source.command import build_source

ARGS = '''
from dataclasses import dataclass, field
from typing import Literal, Optional


@dataclass
class CacheConfig:
    """Where things are kept."""

    size: int = 16
    """Blocks in the cache."""


@dataclass
class EngineArgs:
    """Arguments.

    Args:
        model: Which model.
    """

    model: str
    mode: Literal["auto", "slow"] = "auto"
    cache: Optional[CacheConfig] = None
'''


@pytest.fixture
def cell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cell:
    monkeypatch.setenv("ATLAS_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return project(tmp_path, "toy.args.EngineArgs")


def project(root: Path, target: str, tree: str = "tree") -> Cell:
    package = root / "tree" / "toy"
    package.mkdir(parents=True, exist_ok=True)
    (package / "__init__.py").write_text("")
    (package / "args.py").write_text(ARGS)
    (root / "engine_versions").mkdir(exist_ok=True)
    (root / "engine_versions" / "toy.yaml").write_text(
        f"""\
format_version: 1
engine: toy
library: {{name: toy, current_version: "1.0"}}
packages: [toy]
sources: [{{kind: path, path: {tree}}}]
surfaces: {{engine_params: [{{class: {target}}}]}}
"""
    )
    return load_cell(root, "toy", "1.0")


def run(cell: Cell, root: Path) -> dict[str, object]:
    build_source(cell, root / "source.json")
    build_schema(cell, root / "source.json", None, root / "out" / "s.json", root / "out" / "c.json")
    schema: dict[str, object] = json.loads((root / "out" / "s.json").read_text())
    return schema


def test_a_source_tree_is_enough_for_a_schema(cell: Cell, tmp_path: Path) -> None:
    schema = run(cell, tmp_path)
    assert schema["status"] == "static_only"
    assert schema["environment"] is None
    parameters = schema["engine_params"]
    assert isinstance(parameters, list)
    assert [one["path"] for one in parameters] == ["cache", "cache.size", "mode", "model"]
    assert schema["files"] == {
        "toy/args.py": f"sha256:{json.loads((tmp_path / 'source.json').read_text())['files']['toy/args.py']}"
    }
    config = Draft202012Validator(json.loads((tmp_path / "out" / "c.json").read_text()))
    assert config.is_valid({"model": "m", "cache": {"size": 8}})
    assert not config.is_valid({"mode": "fast"})


def test_the_same_sources_give_the_same_bytes(cell: Cell, tmp_path: Path) -> None:
    run(cell, tmp_path)
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    run(cell, tmp_path)
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before
    assert all(os.fsencode(tmp_path) not in content for content in before.values())


def test_without_sources_there_is_no_schema_and_a_way_out(cell: Cell, tmp_path: Path) -> None:
    source = tmp_path / "source.json"
    build_source(cell, source)
    record = json.loads(source.read_text())
    record |= {
        "status": "unavailable",
        "origin": None,
        "files": {},
        "attempts": [{"kind": "sdist", "reason": "a stub without sources"}],
    }
    source.write_text(json.dumps(record))
    with pytest.raises(UnavailableError, match="source unavailable: sdist: a stub") as caught:
        build_schema(cell, source, None, tmp_path / "s.json", tmp_path / "c.json")
    assert caught.value.hint is not None and "kind: path" in caught.value.hint
    assert not (tmp_path / "s.json").exists()


def test_a_surface_that_is_nowhere_leaves_the_last_good_artefacts(cell: Cell, tmp_path: Path) -> None:
    run(cell, tmp_path)
    before = (tmp_path / "out" / "s.json").read_bytes()
    with pytest.raises(RunError, match=r"no parameter was found .*toy\.gone\.Args"):
        run(project(tmp_path, "toy.gone.Args"), tmp_path)
    assert (tmp_path / "out" / "s.json").read_bytes() == before
