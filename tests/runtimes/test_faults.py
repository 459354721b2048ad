"""What goes wrong: one paragraph, a record, the right exit code; and the next run works."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import docker.errors
import pytest

from atlas.cli import run as atlas
from atlas.environment.run import Runtime, run_probe
from atlas.environment.runtimes import pull, registry
from atlas.environment.runtimes.apptainer import Apptainer
from atlas.environment.runtimes.contained import Launcher
from atlas.environment.runtimes.images import LOCK, ImageSpec
from atlas.environment.runtimes.known import by_name
from atlas.environment.runtimes.model import Job, Reference
from atlas.environment.runtimes.owner import LABEL
from atlas.errors import AtlasError, UnavailableError

sys.path.insert(0, str(Path(__file__).parents[1] / "infra"))
sys.path.insert(0, str(Path(__file__).parent))
from conftest import PYTHON
from faulty import faulty
from services import Docker, Missing, unmount

ATLAS = Path(sys.executable).with_name("atlas")
NOWHERE = "unix:///nowhere/at/all.sock"
ENGINE = """
import os, time
time.sleep(float(os.environ.get("SECONDS", "0")))
taken = bytearray(int(os.environ.get("MEGABYTES", "0")) << 20)
class Config: pass
"""
CELL = ["--engine", "toy", "--version", "1.0"]
ENVIRONMENT = ["environment", *CELL, "--source", "source.json", "--output", "out.json"]
RECORDS = Path("logs/failures")


class Project:
    """A project whose one engine is run in the base image, by what ATLAS_RUNTIME says."""

    def __init__(self, archive: Path) -> None:
        Path("base.tar").symlink_to(archive)
        for name, text in {"envs/toy.txt": "", "tree/toy/__init__.py": ENGINE}.items():
            Path(name).parent.mkdir(parents=True, exist_ok=True)
            Path(name).write_text(text)
        self.set()
        assert atlas(["source", *CELL, "--output", "source.json"]) == 0

    def set(self, *, image: dict | None = None, timeout_s: int = 120, **env: str) -> None:
        spec = {
            "format_version": 1,
            "engine": "toy",
            "library": {"name": "toy", "current_version": "1.0"},
            "packages": ["toy"],
            "sources": [{"kind": "path", "path": "tree"}],
            "environments": {
                "venv": [{"python": PYTHON, "env": env, "timeout_s": timeout_s}],
                "image": [
                    {
                        "python": "/usr/local/bin/python3",
                        "overlay": True,
                        **(image or {"archive": "base.tar"}),
                    }
                ],
            },
            "surfaces": {"engine_params": [{"class": "toy.Config"}]},
            "landmarks": ["toy.Config"],
        }
        Path("engine_versions").mkdir(exist_ok=True)
        Path("engine_versions/toy.yaml").write_text(json.dumps(spec))


@pytest.fixture
def project(archive, tmp_path, monkeypatch):
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    monkeypatch.setenv("ATLAS_RUNTIME", "docker")
    monkeypatch.setattr(pull, "PAUSE_S", 0.05)
    monkeypatch.setattr(registry, "PAUSE_S", 0.05)
    return Project(archive)


@pytest.fixture
def fails(capfd):
    """Run a command that must fail with an exit code; returns the one paragraph that it says of it."""

    def check(command: list[str], code: int, *record: str) -> str:
        capfd.readouterr()
        assert atlas(command) == code
        said = capfd.readouterr().err
        error = said[said.index("error: ") :]
        assert error.count("error: ") == 1 and "Traceback" not in said
        assert "\n\n" not in error.strip() and len(error) < 1200 and "\nhint: " in error
        facts = json.loads((RECORDS.joinpath(*record)).read_text())
        assert facts["exit_code"] == code and facts["what"].partition("\n")[0] in error
        return error

    return check


@pytest.fixture
def works():
    """The same command, run again: it works, and the record of its failure is gone."""

    def check(command: list[str], *record: str) -> None:
        assert atlas(command) == 0
        assert not RECORDS.joinpath(*record).exists()

    return check


OF_ENVIRONMENT = ("environment", "toy", "1.0.json")
OF_RESOLVE = ("images", "resolve", "all.json")


def _containers() -> list:
    return by_name("docker").client.api.containers(all=True, filters={"label": LABEL})


def _when_it_runs(act: Callable[[], None]) -> threading.Thread:
    """Act in a thread as soon as a container runs."""

    def wait() -> None:
        for _ in range(600):
            with contextlib.suppress(Exception):
                if any(one["State"] == "running" for one in _containers()):
                    time.sleep(0.5)
                    act()
                    return
            time.sleep(0.1)

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


@pytest.mark.parametrize("name", ["docker", "podman"])
def test_a_daemon_that_is_dead(project, fails, works, name, request, monkeypatch):
    variable = {"docker": "DOCKER_HOST", "podman": "CONTAINER_HOST"}[name]
    request.getfixturevalue(name)
    monkeypatch.setenv("ATLAS_RUNTIME", name)
    with monkeypatch.context() as dead:
        dead.setenv(variable, NOWHERE)
        said = fails(ENVIRONMENT, 5, *OF_ENVIRONMENT)
        assert "no container engine answers" in said and NOWHERE in said
    works(ENVIRONMENT, *OF_ENVIRONMENT)


def test_apptainer_that_is_not_installed(project, fails, with_apptainer, works, monkeypatch):
    monkeypatch.setenv("ATLAS_RUNTIME", "apptainer")
    with monkeypatch.context() as without:
        without.setenv("PATH", "/nowhere")
        assert "apptainer is not installed" in fails(ENVIRONMENT, 5, *OF_ENVIRONMENT)
    works(ENVIRONMENT, *OF_ENVIRONMENT)


def test_an_engine_on_another_machine_is_refused(project, fails, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:9")
    assert "another machine" in fails(ENVIRONMENT, 5, *OF_ENVIRONMENT)


@pytest.fixture
def own_docker(engines, monkeypatch):
    """An engine that a test may kill, or fill up."""
    folder = engines.folder / "own"
    try:
        service = Docker(folder)
    except Missing as reason:
        pytest.skip(str(reason))
    monkeypatch.setenv("DOCKER_HOST", service.address)
    yield service
    service.stop()
    subprocess.run(["umount", "-l", folder], check=False, capture_output=True)


def test_a_daemon_that_dies_in_the_middle(project, fails, works, own_docker):
    own_docker.start()
    project.set(SECONDS="6")
    stopping = _when_it_runs(own_docker.stop)
    said = fails(ENVIRONMENT, 5, *OF_ENVIRONMENT)
    stopping.join()
    assert "ended from outside" in said or "no container engine answers" in said or "lost" in said
    own_docker.start()
    works(ENVIRONMENT, *OF_ENVIRONMENT)
    # The one that could not be removed is of this very process; a later one sweeps it.
    assert "running" not in {one["State"] for one in _containers()}


def test_a_container_that_is_removed_in_the_middle(project, fails, works, docker):
    project.set(SECONDS="6")

    def remove() -> None:
        for one in _containers():
            by_name("docker").client.api.remove_container(one["Id"], force=True)

    removing = _when_it_runs(remove)
    said = fails(ENVIRONMENT, 5, *OF_ENVIRONMENT)
    removing.join()
    assert "from outside" in said or "is lost" in said
    works(ENVIRONMENT, *OF_ENVIRONMENT)


def _small_disk(folder: Path, size: str) -> Callable[[str], None]:
    """A disk that is too small; returns what makes it larger."""
    folder.mkdir(parents=True, exist_ok=True)
    options = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    if os.getuid() != 0 or subprocess.run(options, capture_output=True, check=False).returncode:
        pytest.skip("a small disk cannot be mounted here")

    def grow(size: str) -> None:
        subprocess.run(["mount", "-o", f"remount,size={size}", str(folder)], check=True)

    return grow


def test_a_disk_that_is_full_where_images_are_kept(project, fails, works, own_docker):
    grow = _small_disk(own_docker.folder, "40m")
    own_docker.start()
    said = fails(ENVIRONMENT, 5, *OF_ENVIRONMENT)
    assert "no space left" in said and "make room" in said
    grow("400m")
    works(ENVIRONMENT, *OF_ENVIRONMENT)
    assert _containers() == []


def test_a_disk_that_is_full_where_apptainer_keeps_files(
    project, fails, works, with_apptainer, tmp_path, monkeypatch
):
    disk = tmp_path / "disk"
    grow = _small_disk(disk, "8m")
    try:
        monkeypatch.setenv("ATLAS_CACHE", str(disk))
        monkeypatch.setenv("ATLAS_RUNTIME", "apptainer")
        assert "make room" in fails(ENVIRONMENT, 5, *OF_ENVIRONMENT)
        assert not [*(disk / "images").glob("*.sif"), *(disk / "images").glob("*.tmp")]
        grow("400m")
        works(ENVIRONMENT, *OF_ENVIRONMENT)
    finally:
        unmount(tmp_path)


@pytest.mark.parametrize("name", ["docker", "podman"])
def test_a_kill_for_want_of_memory(project, fails, works, name, request, monkeypatch):
    request.getfixturevalue(name)
    monkeypatch.setenv("ATLAS_RUNTIME", name)
    project.set(MEGABYTES="300", image={"archive": "base.tar", "memory_mb": 128})
    assert "more memory than there is" in fails(ENVIRONMENT, 3, *OF_ENVIRONMENT)
    project.set(MEGABYTES="300", image={"archive": "base.tar", "memory_mb": 800})
    works(ENVIRONMENT, *OF_ENVIRONMENT)


@pytest.mark.parametrize("name", ["docker", "apptainer"])
def test_a_time_out(project, fails, works, name, request, monkeypatch):
    request.getfixturevalue("with_apptainer" if name == "apptainer" else name)
    monkeypatch.setenv("ATLAS_RUNTIME", name)
    project.set(SECONDS="4", timeout_s=2)
    said = fails(ENVIRONMENT, 3, *OF_ENVIRONMENT)
    assert "did not finish within 2 s" in said and "timeout_s" in said
    project.set(SECONDS="4")
    works(ENVIRONMENT, *OF_ENVIRONMENT)
    assert name == "apptainer" or _containers() == []


def _started() -> subprocess.Popen:
    running = subprocess.Popen([ATLAS, *ENVIRONMENT], stderr=subprocess.PIPE, text=True)
    for _ in range(600):
        if any(one["State"] == "running" for one in _containers()):
            time.sleep(0.5)
            return running
        assert running.poll() is None, running.communicate()
        time.sleep(0.1)
    pytest.fail("no container was started")


def test_ctrl_c_leaves_no_container(project, works, docker):
    project.set(SECONDS="8")
    running = _started()
    running.send_signal(signal.SIGINT)
    assert "Traceback" not in running.communicate(timeout=60)[1]
    assert running.returncode == 130
    assert _containers() == []
    assert not Path("out.json").exists()
    works(ENVIRONMENT, *OF_ENVIRONMENT)


def test_a_run_that_is_killed_outright_takes_its_engine_along_and_the_next_cleans_up(project, docker):
    project.set(SECONDS="600")
    running = _started()
    running.kill()
    running.communicate()
    for _ in range(100):
        if not any(one["State"] == "running" for one in _containers()):
            break
        time.sleep(0.1)
    assert [one["State"] for one in _containers()] == ["exited"] * len(_containers())
    assert by_name("docker").sweep() == 1
    assert _containers() == []


def test_what_belongs_to_a_living_run_is_not_swept(ready):
    found = ready("docker")
    started = found.runtime.start(found.image, Job(("/bin/sleep", "60")))
    try:
        assert found.runtime.sweep() == 0
        assert len(_containers()) == 1
    finally:
        started.end()
    assert _containers() == []


# Registries.


def _lock(name: str, digest: str) -> None:
    platform = {"linux/amd64": {"manifest": digest, "config": digest}}
    images = {f"{name}:1": {"index": digest, "platforms": platform}}
    Path(LOCK).write_text(json.dumps({"format_version": 1, "images": images}))


def _forget(name: str, digest: str) -> None:
    with contextlib.suppress(docker.errors.ImageNotFound):
        by_name("docker").client.images.remove(f"{name}@{digest}")


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("404", "no such image"),
        ("401", "docker login"),
        ("429", "limits pulls"),
        ("500", "500"),
    ],
)
def test_a_registry_that_fails_an_engine(project, pushed, registry, fails, works, fault, said):
    name, digest = pushed
    over = threading.Event()
    with faulty(registry.host, ("/manifests/", f"always {fault}"), until=over) as (host, _):
        through = name.replace(registry.host, host)
        project.set(image={"reference": f"{through}:1"})
        _lock(through, digest)
        assert said in fails(ENVIRONMENT, 5, *OF_ENVIRONMENT)
        over.set()
        works(ENVIRONMENT, *OF_ENVIRONMENT)
        _forget(through, digest)


def test_a_registry_whose_answers_end_too_early(
    project, pushed, registry, fails, works, with_apptainer, monkeypatch, tmp_path
):
    """By Apptainer, as Docker keeps what it has of an image that it had once."""
    name, digest = pushed
    monkeypatch.setenv("ATLAS_RUNTIME", "apptainer")
    monkeypatch.setenv("ATLAS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("atlas.environment.runtimes.apptainer.PAUSE_S", 0.05)
    over = threading.Event()
    with faulty(registry.host, ("/manifests/", "always truncated"), until=over) as (host, _):
        through = name.replace(registry.host, host)
        project.set(image={"reference": f"{through}:1"})
        _lock(through, digest)
        assert "cannot be pulled" in fails(ENVIRONMENT, 5, *OF_ENVIRONMENT)
        over.set()
        works(ENVIRONMENT, *OF_ENVIRONMENT)


def test_a_registry_that_is_slow_or_fails_at_first_is_waited_for(project, pushed, registry, works):
    name, digest = pushed
    faults = [("/manifests/", "500"), ("/manifests/", "slow"), ("/blobs/", "slow")]
    with faulty(registry.host, *faults) as (host, asked):
        through = name.replace(registry.host, host)
        project.set(image={"reference": f"{through}:1"})
        _lock(through, digest)
        works(ENVIRONMENT, *OF_ENVIRONMENT)
        assert not [path for path in asked if "/manifests/1" in path]  # by digest alone
        assert json.loads(Path("out.json").read_text())["image"]["digest"] == digest
        _forget(through, digest)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("404", "has no such image"),
        ("401", "docker login --password-stdin"),
        ("429", "limits how often"),
        ("500", "does not answer (4 tries): 500"),
        ("slow", "no answer in time"),
        ("truncated", "4 tries"),
        ("html", "no JSON"),
    ],
)
def test_a_registry_that_fails_when_it_is_asked_for_a_digest(
    project, pushed, registry, fails, works, fault, said, monkeypatch
):
    name, digest = pushed
    monkeypatch.setattr("atlas.environment.runtimes.registry.LIMITS_S", (2, 0.4))
    over = threading.Event()
    with faulty(registry.host, ("/manifests/", f"always {fault}"), until=over) as (host, _):
        project.set(image={"reference": f"{name.replace(registry.host, host)}:1"})
        assert said in fails(["images", "resolve"], 5, *OF_RESOLVE)
        over.set()
        works(["images", "resolve"], *OF_RESOLVE)
    (found,) = json.loads(Path(LOCK).read_text())["images"].values()
    assert found["index"] == digest


def test_apptainer_pulls_by_digest_and_leaves_nothing_of_what_fails(
    with_apptainer, pushed, monkeypatch, tmp_path
):
    name, digest = pushed
    monkeypatch.setenv("ATLAS_CACHE", str(tmp_path))
    runtime = Apptainer()
    with pytest.raises(AtlasError) as caught:
        runtime.prepare(Reference(name, "sha256:" + "b" * 64))
    assert caught.value.exit_code == 5 and caught.value.hint
    assert not list((tmp_path / "images").glob("*.sif")) and not list((tmp_path / "images").glob("*.tmp"))
    reference = Reference(name, digest)
    assert not runtime.present(reference)
    assert Path(runtime.prepare(reference)).is_file() and runtime.present(reference)


def test_an_engine_without_an_image_is_told_where_to_name_one(project, fails, docker):
    file = Path("engine_versions/toy.yaml")
    spec = json.loads(file.read_text())
    del spec["environments"]["image"]
    file.write_text(json.dumps(spec))
    said = fails(ENVIRONMENT, 4, *OF_ENVIRONMENT)
    assert "has no image for docker to run" in said and "environments.image" in said


def test_a_file_of_an_image_that_is_not_there(project, fails, works, docker, archive):
    Path("base.tar").unlink()
    assert "there is no such file" in fails(ENVIRONMENT, 4, *OF_ENVIRONMENT)
    Path("base.tar").symlink_to(archive)
    works(ENVIRONMENT, *OF_ENVIRONMENT)


def test_a_container_that_is_gone_is_no_fact_about_the_engine(ready, tmp_path):
    found = ready("docker")
    folder = tmp_path / "engine"
    folder.mkdir()
    (folder / "toy.py").write_text("import time; time.sleep(600)")
    launcher = Launcher(found.runtime, found.image, ImageSpec("archive", "x", "y"), None)

    def stop() -> None:
        for one in _containers():
            by_name("docker").client.api.stop(one["Id"], timeout=0)

    stopping = _when_it_runs(stop)
    request = {"packages": ["toy"], "distribution": "toy", "landmarks": ["toy.Config"]}
    with pytest.raises(UnavailableError, match=r"(removed|ended) from outside|is lost"):
        run_probe(
            Runtime(Path("/usr/local/bin/python3"), (folder,), launcher=launcher), request, timeout_s=60
        )
    stopping.join()
