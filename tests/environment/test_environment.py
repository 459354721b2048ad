"""`atlas environment`: what is written, when nothing is, and that it is the same everywhere."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

from atlas.environment.command import build_environment
from atlas.environment.prepare import environment_digest
from atlas.errors import AtlasError, InputError, RunError
from atlas.source.tree import SourceTree

VENV = {"python": "{}.{}".format(*sys.version_info[:2])}


def written(project):
    return json.loads(project.environment_json.read_text())


def build(project, cell):
    build_environment(cell, project.source(cell), project.environment_json)
    return written(project)


def test_a_healthy_environment_says_what_it_is(project):
    document = build(project, project.engine())
    assert document["runtime"] == "venv"
    assert document["health"] == {
        "verdict": "ok",
        "version_reported": "1.0",
        "landmarks": {"toy.args.EngineArgs": "ok"},
    }
    assert document["requirements"]["file"] == "envs/toy.txt"
    assert document["overlay"]["files"] == 2


def test_it_is_the_same_bytes_from_another_cache_and_folder(project, tmp_path, monkeypatch):
    cell = project.engine()
    build(project, cell)
    first = project.environment_json.read_bytes()
    assert str(tmp_path).encode() not in first
    monkeypatch.setenv("ATLAS_CACHE", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("PYTHONHASHSEED", "7")
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    (tmp_path / "other").mkdir()
    shutil.copytree(project.root, tmp_path / "other/project")
    monkeypatch.chdir(tmp_path / "other/project")
    build(project, cell)
    assert project.environment_json.read_bytes() == first


def test_the_digest_follows_lock_files_stubs_and_variables(project):
    def digest(**venv):
        cell = project.engine(environments={"venv": [{**VENV, **venv}]})
        return environment_digest(cell, SourceTree.load(project.source(cell), cell))

    digests = [
        digest(),
        digest(env={"TOY_DEVICE": "cpu"}),
        digest(overlay={"stubs": {"gpu": "x = 1"}}),
        digest(overlay={"version_suffix": "+cpu"}),
    ]
    project.write({"tree/toy/more.py": "y = 1\n"})
    digests.append(digest())
    project.write({"envs/toy.txt": "# another lock\n"})
    digests.append(digest())
    assert len(set(digests)) == len(digests)


def test_a_version_suffix_is_told_to_the_engine_and_not_to_the_reader(project):
    venv = {**VENV, "overlay": {"version_suffix": "+cpu"}}
    document = build(project, project.engine(environments={"venv": [venv]}))
    assert document["health"]["version_reported"] == "1.0"
    assert "version_suffix" in [one["code"] for one in document["limitations"]]


def test_a_stub_stands_in_for_a_module_that_is_not_installed(project):
    project.write({"tree/toy/args.py": "import gpu.kernels\nclass EngineArgs: fast = gpu.kernels.FAST\n"})
    venv = {**VENV, "overlay": {"stubs": {"gpu.kernels": "FAST = True"}}}
    document = build(project, project.engine(environments={"venv": [venv]}))
    assert document["overlay"]["stubs"] == ["gpu.kernels"]


def test_a_folder_that_the_engine_looks_for_is_there_and_empty(project):
    project.write(
        {
            "tree/toy/args.py": "import pathlib\n"
            "assert (pathlib.Path(__file__).parent / 'kernels/csrc').is_dir()\nEngineArgs = 1\n"
        }
    )
    venv = {**VENV, "overlay": {"folders": ["toy/kernels/csrc"]}}
    document = build(project, project.engine(environments={"venv": [venv]}))
    assert ("empty_folder", "toy/kernels/csrc") in [
        (one["code"], one["subject"]) for one in document["limitations"]
    ]


@pytest.mark.parametrize("folder", ["../outside", "/tmp/outside", "toy/../../outside"])
def test_a_folder_outside_the_engine_is_refused(project, folder):
    with pytest.raises(InputError, match="a folder in the engine"):
        project.engine(environments={"venv": [{**VENV, "overlay": {"folders": [folder]}}]})


BROKEN = "import turbine\n"


def test_an_engine_that_cannot_be_imported_is_a_result_that_names_what_is_missing(project, tmp_path, capfd):
    project.write({"tree/toy/args.py": BROKEN})
    document = build(project, project.engine())
    assert document["health"] == {
        "verdict": "failed",
        "version_reported": "1.0",
        "landmarks": {"toy.args.EngineArgs": "ModuleNotFoundError: No module named 'turbine'"},
    }
    assert document["limitations"] == [
        {
            "code": "environment_unhealthy",
            "subject": "toy.args.EngineArgs",
            "reason": "ModuleNotFoundError: No module named 'turbine'; add the package that has it to "
            "`dependencies` in engine_versions/toy.yaml, and run `atlas lock toy`",
        }
    ]
    assert "Static facts alone will be published" in capfd.readouterr().err
    assert str(tmp_path) not in json.dumps(document)


def test_the_last_good_result_is_not_replaced_by_a_failure(project):
    cell = project.engine()
    build(project, cell)
    before = project.environment_json.read_bytes()
    project.write({"tree/toy/args.py": BROKEN})
    with pytest.raises(RunError) as caught:
        build(project, cell)
    assert "toy.args.EngineArgs: ModuleNotFoundError: No module named 'turbine'" in str(caught.value)
    assert "dependencies" in (caught.value.hint or "")
    assert caught.value.exit_code == 3
    assert project.environment_json.read_bytes() == before


def test_a_failure_is_replaced_by_whatever_comes_next(project):
    project.write({"tree/toy/args.py": BROKEN})
    build(project, project.engine())
    project.write({"tree/toy/args.py": "import windmill\n"})
    assert "windmill" in json.dumps(build(project, project.engine())["limitations"])
    project.write({"tree/toy/args.py": "EngineArgs = 1\n"})
    assert build(project, project.engine())["health"]["verdict"] == "ok"


@pytest.mark.parametrize(
    ("text", "said", "advice"),
    [
        ("", "AttributeError", "`versions` range"),
        ("import toy.gone\n", "ModuleNotFoundError: No module named 'toy.gone'", "`versions` range"),
        ("raise ImportError('needs wheel>=9')\n", "ImportError: needs wheel>=9", "see `dependencies`"),
        ("raise SystemExit(3)\n", "SystemExit: 3", "see `dependencies`"),
        ("open(__file__ + '/x')\n", "NotADirectoryError", "see `dependencies`"),
    ],
)
def test_the_reason_says_what_to_do(project, tmp_path, text, said, advice):
    project.write({"tree/toy/args.py": text})
    document = build(project, project.engine())
    (one,) = document["limitations"]
    assert one["reason"].startswith(said)
    assert advice in one["reason"]
    assert str(tmp_path) not in json.dumps(document)


@pytest.mark.parametrize(
    ("act", "how"),
    [
        ("import os; os._exit(7)", "the engine ended Python with exit status 7"),
        ("import os; os._exit(0)", "the engine ended Python before the facts were written"),
        ("import os; os.abort()", "the engine's process was killed by SIGABRT"),
        ("raise type('Stop', (BaseException,), {})", "the engine ended Python with exit status 1"),
    ],
)
def test_a_landmark_that_ends_python_is_told_from_the_others(project, act, how):
    project.write({"tree/toy/crash.py": f"{act}\n", "tree/toy/bad.py": BROKEN})
    landmarks = ["toy.args.EngineArgs", "toy.crash.Any", "toy.bad.Any"]
    document = build(project, project.engine(landmarks=landmarks))
    assert document["health"]["landmarks"] == {
        "toy.args.EngineArgs": "ok",
        "toy.crash.Any": how,
        "toy.bad.Any": "ModuleNotFoundError: No module named 'turbine'",
    }
    assert [one["subject"] for one in document["limitations"]] == ["toy.crash.Any", "toy.bad.Any"]


@pytest.mark.parametrize(
    ("act", "code"),
    [
        ("raise MemoryError", 5),
        ("raise OSError(28, 'No space left on device')", 5),
        ("import os; os.kill(os.getpid(), 9)", 3),
        ("import time; time.sleep(60)", 3),
        ("import os; print('OSError: No space left on device', flush=True); os._exit(1)", 3),
    ],
)
def test_a_machine_that_fails_says_nothing_about_the_engine(project, act, code):
    project.write({"tree/toy/args.py": f"{act}\n"})
    cell = project.engine(environments={"venv": [{**VENV, "timeout_s": 5}]})
    with pytest.raises(AtlasError) as caught:
        build(project, cell)
    assert caught.value.exit_code == code
    assert not project.environment_json.exists()


def test_an_engine_that_reports_another_version_is_refused(project):
    project.write(
        {
            "tree/toy/args.py": "from importlib import metadata\nmetadata.version = lambda name: '2.0'\n"
            "EngineArgs = 1\n"
        }
    )
    with pytest.raises(RunError, match=r"reports version 2\.0, not 1\.0"):
        build(project, project.engine())


def test_an_engine_without_an_environment_is_static_and_says_so(project):
    document = build(project, project.engine(environments={}))
    assert document["runtime"] is None
    assert document["health"]["verdict"] == "none"
    assert document["limitations"][0]["code"] == "no_environment"


def test_a_missing_lock_names_the_command_that_makes_it(project):
    cell = project.engine()
    Path("envs/toy.txt").unlink()
    with pytest.raises(InputError) as caught:
        build(project, cell)
    assert caught.value.hint == "run `atlas lock toy`"
