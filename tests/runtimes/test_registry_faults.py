"""Registries that fail while an image is fetched, for every runtime: told, recorded, and got over."""

from __future__ import annotations

import contextlib
import io
import json
import sys
import tarfile
import threading
import uuid
from hashlib import sha256
from pathlib import Path

import docker.errors
import pytest

from atlas.environment.runtimes import apptainer, pull
from atlas.environment.runtimes.apptainer import Apptainer
from atlas.environment.runtimes.images import LOCK
from atlas.environment.runtimes.known import by_name
from atlas.environment.runtimes.model import Reference
from atlas.errors import AtlasError

sys.path.insert(0, str(Path(__file__).parents[1] / "infra"))
sys.path.insert(0, str(Path(__file__).parent))
from conftest import CONTAINERS
from faulty import faulty
from services import dumps, get, put, put_blob
from toy import ENVIRONMENT, OF_ENVIRONMENT

OF_RESOLVE = ("images", "resolve", "all.json")
HALF = "half a layer"
FAULTS = {
    "404": (5, "/manifests/", "has no such image"),
    "401": (5, "/manifests/", "docker login"),
    "429": (5, "/manifests/", "limits pulls"),
    "500": (5, "/manifests/", "cannot be pulled"),
    "truncated": (5, "/manifests/", "cannot be pulled"),
    HALF: (5, "/blobs/", "cannot be pulled"),
    "other": (6, "/manifests/", "do not use them"),
}
"""What fails, with exit code, the requests that do, and a part of what is said."""


@pytest.fixture
def fresh(pushed, registry):
    """The base image with a file more, so that no engine has any of what is new; its name and digest."""
    name, digest = pushed
    path = name.partition("/")[2]
    kinds = "application/vnd.docker.distribution.manifest.v2+json"
    manifest = json.loads(get(registry.host, f"/v2/{path}/manifests/{digest}", kinds))
    config = json.loads(get(registry.host, f"/v2/{path}/blobs/{manifest['config']['digest']}", "*/*"))
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        text = uuid.uuid4().hex.encode() * 4096
        member = tarfile.TarInfo("mark")
        member.size = len(text)
        tar.addfile(member, io.BytesIO(text))
    layer = packed.getvalue()
    config["rootfs"]["diff_ids"].append(f"sha256:{sha256(layer).hexdigest()}")
    config.get("history", []).append({"created_by": "a test"})
    kind = "application/vnd.docker.image.rootfs.diff.tar"
    manifest["layers"].append(
        {"mediaType": kind, "size": len(layer), "digest": put_blob(registry, path, layer)}
    )
    body = dumps(config)
    manifest["config"] |= {"size": len(body), "digest": put_blob(registry, path, body)}
    content = dumps(manifest)
    digest = f"sha256:{sha256(content).hexdigest()}"
    put(registry.host, f"/v2/{path}/manifests/{digest}", content, kinds)
    return name, digest


@pytest.fixture
def by(project, having, monkeypatch, tmp_path):
    """Have the project's engine run by a runtime, in an image that it gets from a registry."""
    gone = []

    def set(name: str, image: str, digest: str) -> None:
        having(name)
        monkeypatch.setenv("ATLAS_RUNTIME", name)
        if name == "apptainer":  # whose files are kept there
            monkeypatch.setenv("ATLAS_CACHE", str(tmp_path / "cache"))
        project.set(image={"reference": f"{image}:1"})
        platform = {"linux/amd64": {"manifest": digest, "config": digest}}
        images = {f"{image}:1": {"index": digest, "platforms": platform}}
        Path(LOCK).write_text(json.dumps({"format_version": 1, "images": images}))
        gone.append((name, f"{image}@{digest}"))

    yield set
    for name, image in gone:
        if name != "apptainer":
            with contextlib.suppress(docker.errors.APIError):
                by_name(name).client.images.remove(image, force=True)


@pytest.mark.parametrize("name", CONTAINERS)
def test_a_registry_that_fails_an_engine(fresh, registry, by, fails, works, name, monkeypatch):
    image, digest = fresh
    for module in (pull, apptainer):
        monkeypatch.setattr(module, "TRIES", 2)  # Podman and Apptainer have tries of their own within each
    now: list[tuple[str, str]] = []
    with faulty(registry.host, changing=now) as (host, _):
        by(name, image.replace(registry.host, host), digest)
        for fault, (code, requests, said) in FAULTS.items():
            now[:] = [(requests, f"always {'truncated' if fault == HALF else fault}")]
            told = fails(ENVIRONMENT, code, *OF_ENVIRONMENT)
            assert said in told, (fault, told)
        now.clear()
        works(ENVIRONMENT, *OF_ENVIRONMENT)


@pytest.mark.parametrize("name", CONTAINERS)
def test_a_registry_that_is_slow_or_fails_at_first_is_waited_for(fresh, registry, by, works, name):
    image, digest = fresh
    faults = [("/manifests/", "500"), ("/manifests/", "slow"), ("/blobs/", "slow")]
    with faulty(registry.host, *faults) as (host, asked):
        by(name, image.replace(registry.host, host), digest)
        works(ENVIRONMENT, *OF_ENVIRONMENT)
        assert not [path for path in asked if "/manifests/1" in path]  # by digest alone
        assert json.loads(Path("out.json").read_text())["image"]["digest"] == digest


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
