"""Locks: pinned by hash, without places of this machine, the same each time."""

from __future__ import annotations

import base64
import hashlib
import sys
import zipfile
from pathlib import Path

import pytest

from atlas.engines.load import load_cell
from atlas.environment.lock import run_lock
from atlas.environment.uv import places_of
from atlas.environment.venv import prepare_venv
from atlas.errors import BuildError, InputError

PYTHON = {"python": "{}.{}".format(*sys.version_info[:2])}


def make_wheel(folder: Path, name: str, version: str, requires: str = "") -> Path:
    """A minimal valid wheel."""
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}/__init__.py": f"VERSION = {version!r}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{requires}",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    rows = [
        f"{path},sha256={base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip('=')},"
        f"{len(text)}\n"
        for path, text in files.items()
    ]
    files[f"{info}/RECORD"] = "".join([*rows, f"{info}/RECORD,,\n"])
    folder.mkdir(parents=True, exist_ok=True)
    wheel = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return wheel


@pytest.fixture
def wheels(tmp_path, monkeypatch) -> Path:
    """A folder of wheels as the only place where packages are."""
    folder = tmp_path / "wheels"
    make_wheel(folder, "small", "1.0", "Requires-Dist: leaf\nRequires-Dist: huge\n")
    make_wheel(folder, "leaf", "2.0")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("UV_FIND_LINKS", str(folder))
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv-cache"))
    return folder


def engine_with(project, **venv):
    return project.engine(environments={"venv": [{**PYTHON, **venv}]})


def test_a_lock_pins_every_package_by_hash_and_names_no_place(project, wheels, tmp_path):
    cell = engine_with(project, dependencies=["small"], exclude=["huge"])
    run_lock(project.root, ["toy"])
    text = Path("envs/toy.txt").read_text()
    assert "small==1.0" in text and "leaf==2.0" in text and "huge" not in text
    assert hashlib.sha256((wheels / "leaf-2.0-py3-none-any.whl").read_bytes()).hexdigest() in text
    assert str(tmp_path) not in text
    assert prepare_venv(project.root / "envs/toy.txt", cell.venv.python)


def test_locking_again_changes_nothing_even_when_there_are_newer_releases(project, wheels):
    engine_with(project, dependencies=["small"], exclude=["huge"])
    run_lock(project.root, [])
    first = Path("envs/toy.txt").read_bytes()
    make_wheel(wheels, "leaf", "3.0")
    run_lock(project.root, [])
    assert Path("envs/toy.txt").read_bytes() == first
    Path("envs/toy.txt").unlink()
    run_lock(project.root, [])
    assert b"leaf==3.0" in Path("envs/toy.txt").read_bytes()


def test_dependencies_that_cannot_be_met_leave_the_old_lock(project, wheels):
    engine_with(project, dependencies=["small"])
    before = Path("envs/toy.txt").read_bytes()
    with pytest.raises(BuildError, match="huge"):
        run_lock(project.root, ["toy"])
    assert Path("envs/toy.txt").read_bytes() == before


def test_an_unknown_lock_is_answered_with_the_nearest(project, wheels):
    engine_with(project, dependencies=["leaf"])
    with pytest.raises(InputError, match="did you mean `toy`"):
        run_lock(project.root, ["tory"])


def test_two_environments_may_not_want_one_lock_differently(project, wheels):
    project.engine(
        library={"name": "toy", "current_version": "1.0", "versions": ["2.0"]},
        environments={
            "venv": [
                {**PYTHON, "versions": "<2", "dependencies": ["leaf"]},
                {**PYTHON, "versions": ">=2", "dependencies": ["small"]},
            ]
        },
    )
    with pytest.raises(InputError, match=r"two environments want envs/toy\.txt"):
        run_lock(project.root, [])


def test_a_lock_kept_by_hand_is_left_alone(project, wheels):
    project.engine(environments={"venv": [{**PYTHON, "requirements": "envs/toy.txt"}]})
    before = Path("envs/toy.txt").read_bytes()
    run_lock(project.root, [])
    assert Path("envs/toy.txt").read_bytes() == before
    assert load_cell(project.root, "toy", "1.0").venv.dependencies is None


def test_cpu_builds_are_looked_for_at_their_index_only_where_no_folder_has_them(
    project, tmp_path, monkeypatch
):
    monkeypatch.setenv("UV_FIND_LINKS", str(tmp_path / "wheels"))
    project.write({"config/config.yaml": "torch_cpu_index: https://cpu.example/whl\n"})
    pins = "torch==2.0+cpu \\\n    --hash=sha256:00\n"
    assert places_of(pins).extra == ("https://cpu.example/whl",)
    assert places_of("small==1.0\n").extra == ()
    make_wheel(tmp_path / "wheels", "torch", "2.0+cpu")
    assert places_of(pins).extra == ()
