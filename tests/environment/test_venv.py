"""Environments are complete or absent, and built once however many jobs want them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from atlas.environment import venv
from atlas.errors import BuildError, UnavailableError

PYTHON = "{}.{}".format(*sys.version_info[:2])


@pytest.fixture
def lock(project) -> Path:
    return project.root / "envs/toy.txt"


def runs(folder: Path) -> bool:
    done = subprocess.run([venv.python_of(folder), "-c", "print('runs')"], capture_output=True, text=True)
    return done.stdout == "runs\n"


def test_the_second_request_builds_nothing(lock, capsys):
    first = venv.prepare_venv(lock, PYTHON)
    assert runs(first)
    assert "building" in capsys.readouterr().err
    assert venv.prepare_venv(lock, PYTHON) == first
    assert capsys.readouterr().err == ""


def test_another_lock_is_another_environment(lock):
    first = venv.prepare_venv(lock, PYTHON)
    lock.write_text("# changed\n")
    assert venv.prepare_venv(lock, PYTHON) != first


def test_what_a_killed_build_left_is_removed_and_built_again(lock, tmp_path):
    folder = venv.prepare_venv(lock, PYTHON)
    left = folder.with_name(f"{folder.name}.new.tmp")
    folder.rename(left)
    (left / venv.MARKER).unlink()
    assert venv.prepare_venv(lock, PYTHON) == folder
    assert runs(folder)
    assert not left.exists()


@pytest.mark.parametrize("damage", ["marker", "interpreter", "package"])
def test_a_damaged_environment_is_built_again(lock, damage):
    folder = venv.prepare_venv(lock, PYTHON)
    if damage == "marker":
        (folder / venv.MARKER).write_text("{")
    elif damage == "interpreter":
        venv.python_of(folder).unlink()
    else:
        next(folder.glob("lib/python*/site-packages")).joinpath("stray-1.0.dist-info").mkdir()
    assert not venv.is_complete(folder)
    venv.prepare_venv(lock, PYTHON)
    assert venv.is_complete(folder) and runs(folder)


def test_an_environment_that_lost_files_of_a_package_is_set_aside_and_built_again(lock):
    folder = venv.prepare_venv(lock, PYTHON)
    site = next(folder.glob("lib/python*/site-packages"))
    (site / "wheel-1.0.dist-info").mkdir()
    (site / "wheel-1.0.dist-info/RECORD").write_text("rim.py,sha256=x,5\nwheel-1.0.dist-info/RECORD,,\n")
    (site / "rim.py").write_text("x = 1")
    assert venv.set_aside(folder) == 0
    assert (folder / venv.MARKER).exists()
    (site / "rim.py").unlink()
    assert venv.set_aside(folder) == 1
    assert not venv.is_complete(folder)


def test_jobs_that_want_the_same_environment_wait_for_one_build(lock):
    code = "import sys; from pathlib import Path; from atlas.environment.venv import prepare_venv; "
    code += "print(prepare_venv(Path(sys.argv[1]), sys.argv[2]))"
    command = [sys.executable, "-c", code, str(lock), PYTHON]
    jobs = [subprocess.Popen(command, stdout=-1, stderr=-1, text=True) for _ in range(3)]
    said = [job.communicate() for job in jobs]
    assert [job.returncode for job in jobs] == [0, 0, 0], said
    assert len({out for out, _ in said}) == 1
    assert sum("building the environment" in err for _, err in said) == 1


def test_packages_that_cannot_be_installed_are_a_build_failure_that_leaves_nothing(lock, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    lock.write_text("absent-package==1.0 --hash=sha256:" + "0" * 64 + "\n")
    with pytest.raises(BuildError) as caught:
        venv.prepare_venv(lock, PYTHON)
    assert "absent-package" in str(caught.value)
    assert caught.value.exit_code == 2
    assert [left.name for left in (lock.parents[2] / "cache/venvs").iterdir() if left.is_dir()] == []


def test_a_lock_without_hashes_is_refused(lock, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    lock.write_text("absent-package==1.0\n")
    with pytest.raises(BuildError, match="hash"):
        venv.prepare_venv(lock, PYTHON)


def test_a_python_that_is_not_there_is_named(lock):
    with pytest.raises(BuildError, match=r"no virtual environment with Python 3\.99"):
        venv.prepare_venv(lock, "3.99")


def test_a_uv_that_is_not_there_is_named(lock, monkeypatch, tmp_path):
    monkeypatch.setenv("ATLAS_UV", str(tmp_path / "no-uv"))
    with pytest.raises(UnavailableError, match="ATLAS_UV"):
        venv.prepare_venv(lock, PYTHON)


def test_a_full_disk_is_told_with_what_to_do(lock, monkeypatch, tmp_path):
    fake = tmp_path / "uv"
    fake.write_text(
        "#!/bin/sh\necho 'failed to copy file: No space left on device (os error 28)' >&2\nexit 2\n"
    )
    fake.chmod(0o755)
    monkeypatch.setenv("ATLAS_UV", str(fake))
    with pytest.raises(BuildError) as caught:
        venv.prepare_venv(lock, PYTHON)
    assert "make room" in (caught.value.hint or "")


def test_credentials_of_an_index_are_not_shown(lock, monkeypatch, tmp_path, capsys):
    fake = tmp_path / "uv"
    fake.write_text("#!/bin/sh\necho 'error: https://me:secret@host/simple refused' >&2\nexit 2\n")
    fake.chmod(0o755)
    monkeypatch.setenv("ATLAS_UV", str(fake))
    with pytest.raises(BuildError) as caught:
        venv.prepare_venv(lock, PYTHON)
    assert "secret" not in str(caught.value) + capsys.readouterr().err


def test_an_environment_survives_being_moved_with_its_cache(lock, tmp_path, monkeypatch):
    folder = venv.prepare_venv(lock, PYTHON)
    shutil.move(os.environ["ATLAS_CACHE"], tmp_path / "moved")
    monkeypatch.setenv("ATLAS_CACHE", str(tmp_path / "moved"))
    moved = venv.prepare_venv(lock, PYTHON)
    assert moved != folder and runs(moved)
