"""What goes wrong when engines are run: one paragraph, a record, the right exit code; the next run works."""

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

import pytest

from atlas.environment.run import Runtime, run_probe
from atlas.environment.runtimes.contained import Launcher
from atlas.environment.runtimes.images import ImageSpec
from atlas.environment.runtimes.known import by_name
from atlas.environment.runtimes.model import Job
from atlas.errors import UnavailableError

sys.path.insert(0, str(Path(__file__).parents[1] / "infra"))
sys.path.insert(0, str(Path(__file__).parent))
from conftest import CONTAINERS
from services import Docker, Missing, Podman, unmount
from toy import ENVIRONMENT, OF_ENVIRONMENT, containers, living

ATLAS = Path(sys.executable).with_name("atlas")
NOWHERE = "unix:///nowhere/at/all.sock"
SOCKETS = {"docker": "DOCKER_HOST", "podman": "CONTAINER_HOST"}
contained = pytest.mark.parametrize("name", CONTAINERS)
behind_a_socket = pytest.mark.parametrize("name", SOCKETS)


@pytest.fixture
def by(project, having, monkeypatch):
    """Have the project's engine run by a runtime."""

    def set(name: str) -> None:
        having(name)
        monkeypatch.setenv("ATLAS_RUNTIME", name)

    return set


def _when_it_runs(project, act: Callable[[], object]) -> threading.Thread:
    """Act in a thread as soon as the engine runs."""

    def wait() -> None:
        for _ in range(600):
            if project.running():
                time.sleep(0.5)
                act()
                return
            time.sleep(0.1)

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


@behind_a_socket
def test_a_daemon_that_is_dead(by, fails, works, name, monkeypatch):
    by(name)
    with monkeypatch.context() as dead:
        dead.setenv(SOCKETS[name], NOWHERE)
        said = fails(ENVIRONMENT, 5, *OF_ENVIRONMENT)
        assert "no container engine answers" in said and NOWHERE in said
    works(ENVIRONMENT, *OF_ENVIRONMENT)


def test_apptainer_that_is_not_installed(by, fails, works, monkeypatch):
    by("apptainer")
    with monkeypatch.context() as without:
        without.setenv("PATH", "/nowhere")
        assert "apptainer is not installed" in fails(ENVIRONMENT, 5, *OF_ENVIRONMENT)
    works(ENVIRONMENT, *OF_ENVIRONMENT)


@behind_a_socket
def test_an_engine_on_another_machine_is_refused(project, fails, name, monkeypatch):
    monkeypatch.setenv("ATLAS_RUNTIME", name)
    monkeypatch.setenv(SOCKETS[name], "tcp://127.0.0.1:9")
    assert "another machine" in fails(ENVIRONMENT, 5, *OF_ENVIRONMENT)


@pytest.fixture
def own(engines, project, monkeypatch):
    """An engine that a test may kill, or fill up, by the name of its kind; not started yet."""
    with contextlib.ExitStack() as stack:

        def get(name: str) -> Docker | Podman:
            try:
                service = {"docker": Docker, "podman": Podman}[name](engines.folder / f"own-{name}")
            except Missing as reason:
                pytest.skip(str(reason))
            stack.callback(subprocess.run, ["umount", "-l", service.folder], check=False, capture_output=True)
            stack.callback(service.stop)
            monkeypatch.setenv(SOCKETS[name], service.address)
            monkeypatch.setenv("ATLAS_RUNTIME", name)
            return service

        yield get


def test_a_daemon_that_dies_in_the_middle(project, fails, works, own):
    service = own("docker")
    service.start()
    project.set(SECONDS="6")
    stopping = _when_it_runs(project, service.stop)
    said = fails(ENVIRONMENT, 5, *OF_ENVIRONMENT)
    stopping.join()
    assert "ended from outside" in said or "no container engine answers" in said or "lost" in said
    service.start()
    works(ENVIRONMENT, *OF_ENVIRONMENT)
    # The one that could not be removed is of this very process; a later one sweeps it.
    assert containers("docker", running=True) == [] and project.running() == []


def test_podman_whose_service_dies_in_the_middle_goes_on_as_no_container_needs_it(project, works, own):
    service = own("podman")
    service.start()
    project.set(SECONDS="6")
    stopping = _when_it_runs(project, service.kill)
    works(ENVIRONMENT, *OF_ENVIRONMENT)
    stopping.join()
    assert project.running() == []
    service.start()
    Path("out.json").unlink()
    works(ENVIRONMENT, *OF_ENVIRONMENT)
    assert containers("podman", running=True) == []


@contained
def test_a_container_that_is_ended_in_the_middle(by, project, fails, works, name):
    by(name)
    project.set(SECONDS="6")

    def end() -> None:
        for one in containers(name):
            by_name(name).client.api.remove_container(one["Id"], force=True)
        for pid in project.holders() if name == "apptainer" else ():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    ending = _when_it_runs(project, end)
    said = fails(ENVIRONMENT, 5, *OF_ENVIRONMENT)
    ending.join()
    assert "from outside" in said or "is lost" in said
    works(ENVIRONMENT, *OF_ENVIRONMENT)
    assert containers(name) == []


def _small_disk(folder: Path, size: str) -> Callable[[str], None]:
    """A disk that is too small; returns what makes it larger."""
    folder.mkdir(parents=True, exist_ok=True)
    options = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    if os.getuid() != 0 or subprocess.run(options, capture_output=True, check=False).returncode:
        pytest.skip("a small disk cannot be mounted here")

    def grow(size: str) -> None:
        subprocess.run(["mount", "-o", f"remount,size={size}", str(folder)], check=True)

    return grow


@behind_a_socket
def test_a_disk_that_is_full_where_images_are_kept(fails, works, own, name):
    service = own(name)
    grow = _small_disk(service.folder, "40m")
    service.start()
    said = fails(ENVIRONMENT, 5, *OF_ENVIRONMENT)
    assert "no space left" in said and "make room" in said
    grow("400m")
    works(ENVIRONMENT, *OF_ENVIRONMENT)
    assert containers(name) == []


def test_a_disk_that_is_full_where_apptainer_keeps_files(by, fails, works, tmp_path, monkeypatch):
    by("apptainer")
    disk = tmp_path / "disk"
    grow = _small_disk(disk, "8m")
    try:
        monkeypatch.setenv("ATLAS_CACHE", str(disk))
        assert "make room" in fails(ENVIRONMENT, 5, *OF_ENVIRONMENT)
        assert not [*(disk / "images").glob("*.sif"), *(disk / "images").glob("*.tmp")]
        grow("400m")
        works(ENVIRONMENT, *OF_ENVIRONMENT)
    finally:
        unmount(tmp_path)


@contained
def test_a_kill_for_want_of_memory(by, project, fails, works, name):
    by(name)
    project.set(MEGABYTES="300", image={"archive": "base.tar", "memory_mb": 128})
    assert "more memory than there is" in fails(ENVIRONMENT, 3, *OF_ENVIRONMENT)
    project.set(MEGABYTES="300", image={"archive": "base.tar", "memory_mb": 800})
    works(ENVIRONMENT, *OF_ENVIRONMENT)
    assert containers(name) == []


@contained
def test_a_time_out(by, project, fails, works, name):
    by(name)
    project.set(SECONDS="8", timeout_s=3)
    held: list[int] = []
    seeing = _when_it_runs(project, lambda: held.extend(project.holders()))
    said = fails(ENVIRONMENT, 3, *OF_ENVIRONMENT)
    seeing.join()
    assert "did not finish within 3 s" in said and "timeout_s" in said
    assert held and living(held) == [] and containers(name) == []
    project.set(SECONDS="8")
    works(ENVIRONMENT, *OF_ENVIRONMENT)


def _started(project) -> subprocess.Popen:
    env = {**os.environ, "TMPDIR": str(project.scratch)}
    running = subprocess.Popen([ATLAS, *ENVIRONMENT], env=env, stderr=subprocess.PIPE, text=True)
    for _ in range(600):
        if project.running():
            time.sleep(0.5)
            return running
        assert running.poll() is None, running.communicate()
        time.sleep(0.1)
    running.kill()
    pytest.fail("no container was started")


@contained
def test_ctrl_c_leaves_no_container(by, project, works, name):
    by(name)
    project.set(SECONDS="8")
    running = _started(project)
    held = project.holders()
    running.send_signal(signal.SIGINT)
    assert "Traceback" not in running.communicate(timeout=60)[1]
    assert running.returncode == 130
    assert held and living(held) == [] and containers(name) == []
    assert not Path("out.json").exists()
    works(ENVIRONMENT, *OF_ENVIRONMENT)


@contained
def test_a_run_that_is_killed_outright_takes_its_engine_along_and_the_next_cleans_up(by, project, name):
    by(name)
    project.set(SECONDS="600")
    running = _started(project)
    held = project.holders()
    running.kill()
    running.communicate()
    for _ in range(100):
        if not living(held) and not containers(name, running=True):
            break
        time.sleep(0.1)
    assert held and living(held) == []
    assert [one["State"] for one in containers(name)] == ["exited"] * (name != "apptainer")
    assert by_name(name).sweep() == len(containers(name)) + (name != "apptainer")
    assert containers(name) == []


@behind_a_socket
def test_what_belongs_to_a_living_run_is_not_swept(ready, name):
    found = ready(name)
    started = found.runtime.start(found.image, Job(("/bin/sleep", "60")))
    try:
        assert found.runtime.sweep() == 0
        assert len(containers(name)) == 1
    finally:
        started.end()
    assert containers(name) == []


def test_an_engine_without_an_image_is_told_where_to_name_one(by, fails):
    by("docker")
    file = Path("engine_versions/toy.yaml")
    spec = json.loads(file.read_text())
    del spec["environments"]["image"]
    file.write_text(json.dumps(spec))
    said = fails(ENVIRONMENT, 4, *OF_ENVIRONMENT)
    assert "has no image for docker to run" in said and "environments.image" in said


def test_a_file_of_an_image_that_is_not_there(by, fails, works, archive):
    by("docker")
    Path("base.tar").unlink()
    assert "there is no such file" in fails(ENVIRONMENT, 4, *OF_ENVIRONMENT)
    Path("base.tar").symlink_to(archive)
    works(ENVIRONMENT, *OF_ENVIRONMENT)


def test_a_container_that_is_gone_is_no_fact_about_the_engine(ready, project, tmp_path):
    found = ready("docker")
    folder = tmp_path / "engine"
    folder.mkdir()
    (folder / "toy.py").write_text("import time; time.sleep(600)")
    launcher = Launcher(found.runtime, found.image, ImageSpec("archive", "x", "y"), None)

    def stop() -> None:
        for one in containers("docker"):
            by_name("docker").client.api.stop(one["Id"], timeout=0)

    stopping = _when_it_runs(project, stop)
    request = {"packages": ["toy"], "distribution": "toy", "landmarks": ["toy.Config"]}
    with pytest.raises(UnavailableError, match=r"(removed|ended) from outside|is lost"):
        run_probe(
            Runtime(Path("/usr/local/bin/python3"), (folder,), launcher=launcher), request, timeout_s=60
        )
    stopping.join()
