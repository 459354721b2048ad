"""What goes wrong with engines and registries: told in one paragraph, with the right exit code."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from atlas.environment.run import Runtime, run_probe
from atlas.environment.runtimes import pull
from atlas.environment.runtimes.apptainer import Apptainer
from atlas.environment.runtimes.contained import Launcher
from atlas.environment.runtimes.images import ImageSpec
from atlas.environment.runtimes.known import by_name
from atlas.environment.runtimes.model import Reference
from atlas.environment.runtimes.owner import LABEL
from atlas.errors import AtlasError, UnavailableError

sys.path.insert(0, str(Path(__file__).parents[1] / "infra"))
sys.path.insert(0, str(Path(__file__).parent))
from conftest import PYTHON
from faulty import faulty
from services import Docker, Missing

ATLAS = Path(sys.executable).with_name("atlas")
REQUEST = {"packages": ["toy"], "distribution": "toy", "landmarks": ["toy.Config"]}
NOWHERE = "unix:///nowhere/at/all.sock"


@pytest.fixture
def pushed(docker, registry, ready):
    """The base image in the registry, by its digest; and not in the engine any more under that name."""
    found = ready("docker")
    client = found.runtime.client
    name = f"{registry.host}/local/python"
    client.images.get(found.image).tag(name, "1")
    for event in client.api.push(name, tag="1", stream=True, decode=True):
        assert "error" not in event, event
        digest = (event.get("aux") or {}).get("Digest") or locals().get("digest")
    client.images.remove(f"{name}:1")
    return name, digest


def _failure(call) -> AtlasError:
    with pytest.raises(AtlasError) as caught:
        call()
    error = caught.value
    text = str(error)
    assert "Traceback" not in text and "\n\n" not in text and len(text) < 1200
    assert error.hint
    return error


def _removed(client, name, digest):
    import contextlib

    import docker.errors

    with contextlib.suppress(docker.errors.ImageNotFound):
        client.images.remove(f"{name}@{digest}")


@pytest.mark.parametrize("name", ["docker", "podman"])
def test_no_engine_at_the_socket_is_told(monkeypatch, name):
    monkeypatch.setenv({"docker": "DOCKER_HOST", "podman": "CONTAINER_HOST"}[name], NOWHERE)
    runtime = by_name(name)
    reason = runtime.missing()
    assert reason and "no container engine answers" in reason and NOWHERE in reason
    error = _failure(lambda: runtime.prepare(Reference("a/b", "sha256:" + "0" * 64)))
    assert error.exit_code == 5


def test_an_engine_on_another_machine_is_refused(monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:9")
    assert "another machine" in (by_name("docker").missing() or "")


def test_an_image_is_pulled_by_its_digest_through_a_registry_that_fails_at_first(
    pushed, registry, monkeypatch
):
    monkeypatch.setattr(pull, "PAUSE_S", 0.1)
    name, digest = pushed
    runtime = by_name("docker")
    with faulty(registry.host, ("/manifests/", "500"), ("/manifests/", "500")) as (host, asked):
        through = name.replace(registry.host, host)
        reference = Reference(through, digest)
        assert not runtime.present(reference)
        runtime.prepare(reference)
        assert runtime.present(reference)
        assert not [path for path in asked if "/manifests/1" in path]
        _removed(runtime.client, through, digest)


@pytest.mark.parametrize(
    ("fault", "said", "code"),
    [("always 404", "no such image", 5), ("always 401", "docker login", 5), ("always 500", "500", 5)],
)
def test_what_a_registry_refuses_an_engine_is_told(pushed, registry, monkeypatch, fault, said, code):
    monkeypatch.setattr(pull, "PAUSE_S", 0.05)
    name, digest = pushed
    with faulty(registry.host, ("/manifests/", fault)) as (host, _):
        reference = Reference(name.replace(registry.host, host), digest)
        error = _failure(lambda: by_name("docker").prepare(reference))
    assert error.exit_code == code
    assert said in str(error)


def test_a_digest_that_the_registry_does_not_have_is_told(pushed):
    name, _ = pushed
    error = _failure(lambda: by_name("docker").prepare(Reference(name, "sha256:" + "a" * 64)))
    assert error.exit_code == 5 and "no such image" in str(error)


def test_apptainer_pulls_by_digest_and_keeps_the_file(with_apptainer, pushed, monkeypatch, tmp_path):
    name, digest = pushed
    monkeypatch.setenv("ATLAS_CACHE", str(tmp_path))
    runtime = Apptainer()
    error = _failure(lambda: runtime.prepare(Reference(name, "sha256:" + "b" * 64)))
    assert error.exit_code == 5
    assert not list((tmp_path / "images").glob("*.sif")) and not list((tmp_path / "images").glob("*.tmp"))
    # The account is asked for, too, and shown nowhere.
    reference = Reference(name, digest)
    assert not runtime.present(reference)


def test_a_full_disk_is_told_and_leaves_nothing(with_apptainer, archive, tmp_path, monkeypatch):
    if os.getuid() != 0:
        pytest.skip("only root can mount a small disk")
    disk = tmp_path / "disk"
    disk.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], capture_output=True, check=False
    )
    if done.returncode:
        pytest.skip("a small disk cannot be mounted here")
    try:
        monkeypatch.setenv("ATLAS_CACHE", str(disk))
        error = _failure(
            lambda: Apptainer().prepare(Reference("local/python", "sha256:" + "c" * 64, archive))
        )
        assert error.exit_code == 5
        assert "make room" in str(error)
        assert not list((disk / "images").glob("*.sif"))
    finally:
        subprocess.run(["umount", disk], check=True)


@pytest.fixture
def own_docker(engines, monkeypatch):
    """An engine that a test may kill."""
    try:
        service = Docker(engines.folder / "own")
        service.start()
    except Missing as reason:
        pytest.skip(str(reason))
    monkeypatch.setenv("DOCKER_HOST", service.address)
    yield service
    service.stop()


def test_an_engine_that_dies_in_the_middle_is_told_and_the_next_run_recovers(own_docker, archive, tmp_path):
    runtime = by_name("docker")
    image = runtime.prepare(Reference("local/python", "sha256:" + "0" * 64, archive))
    folder = tmp_path / "engine"
    folder.mkdir()
    (folder / "toy.py").write_text("import time; time.sleep(600)\nclass Config: pass")
    launcher = Launcher(runtime, image, ImageSpec("archive", "x", "y"), None)
    interpreter = Runtime(Path("/usr/local/bin/python3"), (folder,), launcher=launcher)
    stopping = threading.Timer(2, own_docker.stop)
    stopping.start()
    with pytest.raises(AtlasError) as caught:
        run_probe(interpreter, REQUEST, timeout_s=60)
    stopping.join()
    assert caught.value.exit_code == 5, caught.value
    own_docker.start()
    (folder / "toy.py").write_text("class Config: pass")
    again = Launcher(by_name("docker"), image, ImageSpec("archive", "x", "y"), None)
    by_name("docker").sweep()
    facts = run_probe(Runtime(interpreter.python, (folder,), launcher=again), REQUEST, timeout_s=60)
    assert facts["landmarks"] == {"toy.Config": "ok"}


@pytest.fixture
def slow_project(docker, archive, tmp_path, monkeypatch):
    """A project whose engine hangs at its import, in Docker."""
    root = tmp_path / "project"
    spec = {
        "format_version": 1,
        "engine": "toy",
        "library": {"name": "toy", "current_version": "1.0"},
        "packages": ["toy"],
        "sources": [{"kind": "path", "path": "tree"}],
        "environments": {
            "venv": [{"python": PYTHON}],
            "image": [{"archive": "base.tar", "python": "/usr/local/bin/python3", "overlay": True}],
        },
        "surfaces": {"engine_params": [{"class": "toy.Config"}]},
        "landmarks": ["toy.Config"],
    }
    for name, text in {
        "engine_versions/toy.yaml": json.dumps(spec),
        "envs/toy.txt": "",
        "tree/toy/__init__.py": "import time\ntime.sleep(600)\nclass Config: pass\n",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    (root / "base.tar").symlink_to(archive)
    monkeypatch.chdir(root)
    monkeypatch.setenv("ATLAS_RUNTIME", "docker")
    monkeypatch.setenv("ATLAS_CACHE", str(tmp_path / "cache"))
    subprocess.run(
        [ATLAS, "source", "--engine", "toy", "--version", "1.0", "--output", "source.json"], check=True
    )
    return root


COMMAND = [
    ATLAS,
    "environment",
    "--engine",
    "toy",
    "--version",
    "1.0",
    "--source",
    "source.json",
    "--output",
    "out.json",
]


def _containers() -> list:
    return by_name("docker").client.api.containers(all=True, filters={"label": LABEL})


def _started() -> subprocess.Popen:
    running = subprocess.Popen(COMMAND, stderr=subprocess.PIPE, text=True)
    for _ in range(200):
        if any(one["State"] == "running" for one in _containers()):
            return running
        assert running.poll() is None, running.communicate()
        time.sleep(0.1)
    pytest.fail("no container was started")


def test_ctrl_c_leaves_no_container(slow_project):
    running = _started()
    running.send_signal(signal.SIGINT)
    assert "Traceback" not in running.communicate(timeout=30)[1]
    assert running.returncode == 130
    assert _containers() == []
    assert not Path("out.json").exists()


def test_a_run_that_is_killed_outright_takes_its_engine_along_and_the_next_cleans_up(slow_project):
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


def test_a_failure_is_recorded_until_it_is_over(slow_project, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", NOWHERE)
    done = subprocess.run(COMMAND, capture_output=True, text=True, check=False)
    record = json.loads(Path("logs/failures/environment/toy/1.0.json").read_text())
    assert done.returncode == record["exit_code"] == 5
    assert "no container engine answers" in done.stderr and "Traceback" not in done.stderr
    monkeypatch.setenv("ATLAS_RUNTIME", "venv")
    Path("tree/toy/__init__.py").write_text("class Config: pass\n")
    subprocess.run(
        [ATLAS, "source", "--engine", "toy", "--version", "1.0", "--output", "source.json"], check=True
    )
    assert subprocess.run(COMMAND, check=False).returncode == 0
    assert not Path("logs/failures/environment/toy/1.0.json").exists()


def test_an_engine_without_an_image_is_told_where_to_name_one(slow_project, monkeypatch):
    file = Path("engine_versions/toy.yaml")
    spec = json.loads(file.read_text())
    del spec["environments"]["image"]
    file.write_text(json.dumps(spec))
    done = subprocess.run(COMMAND, capture_output=True, text=True, check=False)
    assert done.returncode == 4
    assert "has no image for docker to run" in done.stderr and "environments.image" in done.stderr


def test_a_container_that_is_removed_meanwhile_is_no_fact_about_the_engine(ready, tmp_path):
    found = ready("docker")
    folder = tmp_path / "engine"
    folder.mkdir()
    (folder / "toy.py").write_text("import time; time.sleep(600)")
    launcher = Launcher(found.runtime, found.image, ImageSpec("archive", "x", "y"), None)

    def remove() -> None:
        for one in _containers():
            by_name("docker").client.api.remove_container(one["Id"], force=True)

    threading.Timer(2, remove).start()
    with pytest.raises(UnavailableError, match=r"(removed|ended) from outside|is lost"):
        run_probe(
            Runtime(Path("/usr/local/bin/python3"), (folder,), launcher=launcher), REQUEST, timeout_s=40
        )


def test_what_belongs_to_a_living_run_is_not_swept(ready):
    from atlas.environment.runtimes.model import Job

    found = ready("docker")
    started = found.runtime.start(found.image, Job(("/bin/sleep", "60")))
    try:
        assert found.runtime.sweep() == 0
        assert len(_containers()) == 1
    finally:
        started.end()
    assert _containers() == []
