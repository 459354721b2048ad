"""The probe's folder: what it may import, what an engine sees of it, and that its changes are noticed."""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from atlas.environment.run import PROBE, Runtime, run_probe
from atlas.provenance.codeprint import code

SCRIPTS = PROBE.parents[1]
FILES = sorted(PROBE.rglob("*.py"))
PACKAGE = PROBE / "atlas_probe"
STAGES = ("atlas.environment.command", "atlas.schema.command")


def imports(file: Path) -> list[tuple[int, str]]:
    nodes = list(ast.walk(ast.parse(file.read_text())))
    absolute = [(0, alias.name) for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    return absolute + [(node.level, node.module or "") for node in nodes if isinstance(node, ast.ImportFrom)]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_module_is_short_and_runs_on_python_3_9_without_any_package(file):
    assert len(file.read_text().splitlines()) < 250
    ast.parse(file.read_text(), feature_version=(3, 9))
    roots = {name.split(".")[0] for level, name in imports(file) if not level}
    assert roots <= set(sys.stdlib_module_names) | ({"atlas_probe"} if file.name == "__main__.py" else set())


def test_modules_import_each_other_before_the_engine_runs():
    """Once the folder has left the path, an import of it would fail."""
    for file in PACKAGE.glob("*.py"):
        within = [
            node
            for function in ast.walk(ast.parse(file.read_text()))
            if isinstance(function, ast.FunctionDef)
            for node in ast.walk(function)
            if isinstance(node, ast.Import | ast.ImportFrom)
        ]
        assert not within, file.name


def test_nothing_in_the_folder_can_stand_in_for_a_module_of_another():
    names = {path.stem for path in PROBE.iterdir() if path.name != "__pycache__"}
    assert names == {"__init__", "__main__", "atlas_probe"}


def test_the_engine_finds_neither_the_folder_nor_the_arguments(tmp_path):
    (tmp_path / "toy.py").write_text(
        "import sys\n"
        "class C:\n"
        "    def __init__(self):\n"
        "        self.arguments = len(sys.argv)\n"
        "        self.folder = any(p.rstrip('/').endswith('probe') for p in sys.path)\n"
        "        self.modules = 'atlas' in sys.modules\n"
    )
    request = {"packages": ["toy"], "distribution": "toy", "surfaces": {"x": [{"class": "toy.C"}]}}
    facts = run_probe(Runtime(Path(sys.executable), (tmp_path,)), request, timeout_s=60)
    defaults = {one["name"]: one["default"]["value"] for one in facts["classes"]["toy.C"]["fields"]}
    assert defaults == {"arguments": 1, "folder": False, "modules": False}


def test_a_copy_of_the_folder_is_all_that_an_engine_s_python_needs(tmp_path):
    shutil.copytree(PROBE, tmp_path / "sent", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "request.json").write_text(json.dumps({"packages": ["json"], "distribution": "toy"}))
    command = [sys.executable, "-I", tmp_path / "sent", "--request", tmp_path / "request.json"]
    subprocess.run([*command, "--output", tmp_path / "facts.json"], check=True, cwd=tmp_path)
    assert json.loads((tmp_path / "facts.json").read_text())["format_version"] == 1


@pytest.mark.parametrize("stage", STAGES)
def test_every_module_of_the_probe_is_part_of_a_stage_s_code(stage, tmp_path):
    shutil.copytree(SCRIPTS, tmp_path / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
    before = set(code(stage, base=tmp_path))
    for file in FILES:
        if not file.read_text():
            continue
        copy = tmp_path / "scripts" / file.relative_to(SCRIPTS)
        copy.write_text(copy.read_text() + "\nEDITED = True\n")
        name = file.relative_to(SCRIPTS).as_posix()
        assert [one.partition("@")[0] for one in set(code(stage, base=tmp_path)) - before] == [name]
        copy.write_text(file.read_text())
