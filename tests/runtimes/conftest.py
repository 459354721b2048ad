"""Runtimes as they are on this machine: each is started for the tests, or the reason why not is told."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "infra"))
sys.path.insert(0, str(Path(__file__).parent))

from image import layer, write_image
from services import Docker, Missing, Podman, Registry, apptainer
from toy import PYTHON, RECORDS, Project

from atlas.canonical import sha256_bytes, sha256_file, write_atomic
from atlas.cli import run as atlas
from atlas.environment.runtimes import apptainer as apptainer_module
from atlas.environment.runtimes import pull as pull_module
from atlas.environment.runtimes import registry as registry_module
from atlas.environment.runtimes.known import by_name
from atlas.environment.runtimes.model import Reference
from atlas.environment.runtimes.protocol import Runtime
from atlas.environment.uv import find_uv

CONTAINERS = ("docker", "podman", "apptainer")
ALL = ("venv", *CONTAINERS)
TOOLS = Path(os.environ.get("ATLAS_TEST_TOOLS") or Path.home() / ".cache/engine-atlas-tests")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One worker: engines are started once."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("runtimes"))


@dataclass(frozen=True)
class Ready:
    """A runtime with an image of Python."""

    runtime: Runtime
    image: str
    python: str
    reference: Reference

    @property
    def is_container(self) -> bool:
        return self.runtime.name != "venv"


class Engines:
    """Started when they are first asked for, stopped at the end."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder = folder
        self.stack = stack
        self._found: dict[str, object] = {}

    def get(self, name: str, make: Callable[[], object]) -> object:
        if name not in self._found:
            try:
                self._found[name] = make()
            except Missing as reason:
                self._found[name] = reason
        found = self._found[name]
        if isinstance(found, Missing):
            pytest.skip(f"{name}: {found}")
        return found

    def service(self, name: str, cls: type) -> object:
        def make() -> object:
            service = cls(self.folder / name)
            self.stack.callback(service.stop)
            service.start()
            return service

        return self.get(name, make)


@pytest.fixture(scope="session")
def engines() -> Iterator[Engines]:
    folder = Path(tempfile.mkdtemp(prefix="atlas-t-", dir="/tmp"))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        yield Engines(folder, stack)


@pytest.fixture(scope="session")
def archive() -> Path:
    """The base image; made once for this machine's Python."""
    made = sha256_bytes(
        f"{sys.version} {sys.base_prefix}".encode() + Path(write_image.__code__.co_filename).read_bytes()
    )
    file = TOOLS / f"python-{made[7:19]}.tar"
    if not file.is_file():
        part = file.with_suffix(f".{os.getpid()}.part")
        write_image(part, "local/python:3.11", content=layer())
        part.rename(file)
    return file


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("DOCKER_HOST", "CONTAINER_HOST", "ATLAS_RUNTIME", "CUDA_VISIBLE_DEVICES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker-config"))
    monkeypatch.setenv("ATLAS_UV", str(find_uv()))
    # Images are kept by what they are made of: one conversion for all tests, and for the next run.
    monkeypatch.setenv("ATLAS_CACHE", str(TOOLS / "cache"))


@pytest.fixture
def docker(engines: Engines, monkeypatch: pytest.MonkeyPatch) -> Docker:
    found = engines.service("docker", Docker)
    assert isinstance(found, Docker)
    monkeypatch.setenv("DOCKER_HOST", found.address)
    return found


@pytest.fixture
def podman(engines: Engines, monkeypatch: pytest.MonkeyPatch) -> Podman:
    found = engines.service("podman", Podman)
    assert isinstance(found, Podman)
    monkeypatch.setenv("CONTAINER_HOST", found.address)
    return found


@pytest.fixture
def registry(engines: Engines) -> Registry:
    found = engines.service("registry", Registry)
    assert isinstance(found, Registry)
    return found


@pytest.fixture
def locked_registry(engines: Engines) -> Registry:
    """One that asks for an account."""

    def make() -> object:
        service = Registry(engines.folder / "locked", ("ci", "canary-5d1e"))
        engines.stack.callback(service.stop)
        service.start()
        return service

    found = engines.get("locked registry", make)
    assert isinstance(found, Registry)
    return found


@pytest.fixture
def with_apptainer(engines: Engines, monkeypatch: pytest.MonkeyPatch) -> None:
    env = engines.get("apptainer", lambda: engines.stack.enter_context(apptainer(TOOLS / "apptainer")))
    for name, value in env.items():  # type: ignore[attr-defined]
        monkeypatch.setenv(name, value)


@pytest.fixture
def ready(having: Callable[[str], None], archive: Path) -> Callable[[str], Ready]:
    """A runtime by its name, with an image of Python in it."""

    def get(name: str) -> Ready:
        if name == "venv":
            lock = TOOLS / "nothing.txt"
            write_atomic(lock, "# nothing but Python itself\n")
            reference = Reference(PYTHON, sha256_file(lock), lock)
        else:
            having(name)
            reference = Reference("local/python", sha256_file(archive), archive)
        runtime = by_name(name)
        reason = runtime.missing()
        if reason:
            pytest.skip(reason)
        image = runtime.prepare(reference)
        python = f"{image}/bin/python" if name == "venv" else "/usr/local/bin/python3"
        return Ready(runtime, image, python, reference)

    return get


@pytest.fixture
def pushed(docker, registry, ready, engines):
    """The base image in the registry: its name, with the tag 1, and its digest; pushed once."""

    def push() -> tuple[str, str]:
        client = found.runtime.client
        name = f"{registry.host}/local/python"
        client.images.get(found.image).tag(name, "1")
        digest = None
        for event in client.api.push(name, tag="1", stream=True, decode=True):
            assert "error" not in event, event
            digest = (event.get("aux") or {}).get("Digest") or digest
        client.images.remove(f"{name}:1")
        return name, digest

    found = ready("docker")
    return engines.get("pushed", push)


@pytest.fixture
def having(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Have a runtime here, by its name."""

    def get(name: str) -> None:
        request.getfixturevalue("with_apptainer" if name == "apptainer" else name)

    return get


@pytest.fixture
def project(archive, tmp_path, monkeypatch):
    """A project whose one engine does what it is told, run by Docker if nothing else is set."""
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    monkeypatch.setenv("ATLAS_RUNTIME", "docker")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    for module in (pull_module, registry_module, apptainer_module):
        monkeypatch.setattr(module, "PAUSE_S", 0.05)
    return Project(archive, scratch)


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
