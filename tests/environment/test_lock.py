"""Locks: pinned by hash, without places of this machine, the same each time; and what they take."""

from __future__ import annotations

import base64
import hashlib
import json
import platform
import sys
import zipfile
from pathlib import Path

import pytest
from packaging.tags import sys_tags
from packaging.version import Version

from atlas.engines.load import load_cell
from atlas.environment.lock import run_lock
from atlas.environment.runtimes.disk import installed, of_lock
from atlas.environment.sizes import Pin, choose, pins, run_sizes, tags_of
from atlas.environment.uv import places_of
from atlas.environment.venv import prepare_venv
from atlas.errors import BuildError, InputError, UnavailableError
from atlas.index.releases import ReleaseFile

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


SIZE = Path("envs/toy.size.json")


def sizes(project) -> dict:
    run_sizes(project.root, "toy", SIZE)
    return json.loads(SIZE.read_text())


def test_what_a_lock_takes_is_known_before_and_is_what_it_takes_once_it_is_installed(project, wheels):
    cell = engine_with(project, dependencies=["small"], exclude=["huge"])
    run_lock(project.root, [])
    assert of_lock(project.root, cell.venv).disk is None
    found = sizes(project)
    files = {wheel.name: wheel for wheel in wheels.iterdir()}
    assert list(found["wheels"]) == ["leaf-2.0-py3-none-any.whl", "small-1.0-py3-none-any.whl"]
    assert {name: one["fetch_bytes"] for name, one in found["wheels"].items()} == {
        name: wheel.stat().st_size for name, wheel in files.items()
    }
    before = of_lock(project.root, cell.venv)
    assert (before.fetch, before.disk) == (found["fetch_bytes"], found["disk_bytes"])
    assert before.fetch == sum(one["fetch_bytes"] for one in found["wheels"].values())

    folder = prepare_venv(project.root / "envs/toy.txt", cell.venv.python)
    (site,) = folder.glob("lib/python*/site-packages")
    members = {name for wheel in files.values() for name in zipfile.ZipFile(wheel).namelist()}
    lists = {name for name in members if name.endswith("/RECORD")}
    assert before.disk == sum((site / name).stat().st_size for name in members - lists)
    # An installer adds files of its own, which it lists, to what it unpacks.
    added = [file for info in site.glob("*.dist-info") for file in info.iterdir()]
    more = {str(file.relative_to(site)) for file in added} - members
    after = installed(folder)
    assert more and after.fetch == 0
    assert after.disk == before.disk + sum((site / name).stat().st_size for name in more)


def test_what_a_lock_takes_is_the_same_each_time_and_counts_for_that_lock_alone(project, wheels):
    cell = engine_with(project, dependencies=["small"], exclude=["huge"])
    run_lock(project.root, [])
    assert sizes(project)["disk_bytes"]
    first = SIZE.read_bytes()
    make_wheel(wheels, "leaf", "3.0")
    sizes(project)
    assert SIZE.read_bytes() == first
    lock = Path("envs/toy.txt")
    lock.write_text("# Another.\n" + lock.read_text())
    assert of_lock(project.root, cell.venv).disk is None
    sizes(project)
    assert of_lock(project.root, cell.venv).disk


def test_a_lock_of_nothing_takes_nothing_and_asks_nobody(project, monkeypatch):
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple")
    cell = engine_with(project)
    found = sizes(project)
    assert (found["fetch_bytes"], found["disk_bytes"], found["wheels"]) == (0, 0, {})
    assert of_lock(project.root, cell.venv).disk == 0


def test_a_size_that_cannot_be_read_is_named(project):
    cell = engine_with(project)
    for text, what in (("{", "cannot be read"), ('{"format_version": 1}', "lacks the key")):
        SIZE.write_text(text)
        with pytest.raises(InputError, match=what) as failure:
            of_lock(project.root, cell.venv)
        assert "envs/toy.size.json" in failure.value.where


def test_a_wheel_that_is_nowhere_is_named_and_nothing_is_written(project, wheels):
    engine_with(project, dependencies=["small"], exclude=["huge"])
    run_lock(project.root, [])
    (wheels / "leaf-2.0-py3-none-any.whl").unlink()
    make_wheel(wheels, "leaf", "2.0", "Requires-Dist: another-content\n")
    with pytest.raises(UnavailableError, match=r"no index has a wheel of leaf 2\.0 that toy names"):
        sizes(project)
    assert not SIZE.exists()


def test_a_line_of_a_lock_that_pins_nothing_is_named(project):
    pinned = f"a[x]==1.0 \\\n    --hash=sha256:{'0' * 64} \\\n    --hash=sha256:{'1' * 64}\n"
    assert list(pins(f"# One.\n{pinned}", "lock")) == [Pin("a", "1.0", frozenset(["0" * 64, "1" * 64]))]
    for line in ("b>=1", "b==1", "-r other.txt", f"b==1 ; extra --hash=sha256:{'0' * 64}"):
        with pytest.raises(InputError, match="not pinned by hashes alone") as failure:
            list(pins(f"{pinned}{line}\n", "envs/x.txt"))
        assert failure.value.where == "envs/x.txt:4"
    with pytest.raises(InputError, match="did you mean `toy`"):
        engine_with(project)
        run_sizes(project.root, "tory", SIZE)


def test_wheels_fit_as_packaging_says_of_this_machine():
    kind, glibc = platform.libc_ver()
    if kind != "glibc" or platform.machine() != "x86_64" or platform.python_implementation() != "CPython":
        pytest.skip("its tags are known for CPython on Linux with a glibc")
    assert tags_of(PYTHON["python"], f"x86_64-manylinux_{glibc.replace('.', '_')}") == list(sys_tags())
    with pytest.raises(InputError, match="is not known"):
        tags_of("3.11", "windows")


@pytest.mark.parametrize(("names", "chosen"), [
    (["py3-none-any", "cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64"], 1),
    (["cp311-cp311-manylinux_2_17_x86_64", "cp311-cp311-manylinux_2_28_x86_64"], 1),
    (["cp311-cp311-manylinux_2_34_x86_64", "cp39-abi3-manylinux2014_x86_64"], 1),
    (["cp312-abi3-manylinux2014_x86_64", "cp312-cp312-manylinux2014_x86_64", "py2.py3-none-any"], 2),
    (["cp311-cp311-musllinux_1_2_x86_64", "cp311-cp311-manylinux_2_28_aarch64", "cp311-cp311-win32"], None),
    (["1-py3-none-any", "2-py3-none-any"], 1),
])  # fmt: skip
def test_of_the_wheels_that_a_lock_names_the_one_that_fits_best_is_counted(names, chosen):
    files = [
        ReleaseFile(f"a-1.0-{name}.whl", "wheel", Version("1.0"), "https://x", f"{number:064}", None)
        for number, name in enumerate(names)
    ]
    tags = {tag: rank for rank, tag in enumerate(tags_of("3.11", "x86_64-manylinux_2_28"))}
    every = Pin("a", "1.0", frozenset(file.sha256 for file in files))
    expected = None if chosen is None else files[chosen]
    assert choose(files, every, tags) == choose(files[::-1], every, tags) == expected
    assert choose(files, Pin("a", "1.0", frozenset(["f" * 64])), tags) is None
