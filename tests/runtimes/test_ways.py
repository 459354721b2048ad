"""Ways to an image, in every runtime: with an account, an ENTRYPOINT, as a SIF; and by slow engines."""

from __future__ import annotations

import base64
import io
import json
import os
import sys
import tarfile
from hashlib import sha256
from pathlib import Path

import pytest

from atlas.canonical import sha256_file
from atlas.cli import run as atlas
from atlas.environment.runtimes import engine_api
from atlas.environment.runtimes.known import by_name
from atlas.environment.runtimes.model import Job, Reference
from atlas.environment.runtimes.protocol import run_job
from atlas.environment.runtimes.pull import archive_of
from atlas.errors import UnavailableError

sys.path.insert(0, str(Path(__file__).parents[1] / "infra"))
sys.path.insert(0, str(Path(__file__).parent))
from conftest import CONTAINERS
from faulty import slow_socket
from image import write_image
from services import dumps, put, put_blob
from toy import CELL, ENVIRONMENT, OF_ENVIRONMENT

contained = pytest.mark.parametrize("name", CONTAINERS)
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
SOCKETS = {"docker": "DOCKER_HOST", "podman": "CONTAINER_HOST"}


def small_image(registry, name: str) -> str:
    """An image with one file in it; its digest."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        member = tarfile.TarInfo("file")
        member.size = len(name)
        tar.addfile(member, io.BytesIO(name.encode()))
    layer = packed.getvalue()
    rootfs = {"type": "layers", "diff_ids": [f"sha256:{sha256(layer).hexdigest()}"]}
    config = dumps({"os": "linux", "architecture": "amd64", "config": {}, "rootfs": rootfs})
    parts = {"config": config, "layer": layer}
    known = {
        part: {
            "mediaType": f"application/vnd.docker.{kind}",
            "size": len(parts[part]),
            "digest": put_blob(registry, name, parts[part]),
        }
        for part, kind in (("config", "container.image.v1+json"), ("layer", "image.rootfs.diff.tar"))
    }
    manifest = dumps(
        {"schemaVersion": 2, "mediaType": MANIFEST, "config": known["config"], "layers": [known["layer"]]}
    )
    return put(registry.host, f"/v2/{name}/manifests/1", manifest, MANIFEST, registry.account)


def settings_of_docker(registry, how: str, folder: Path, monkeypatch) -> None:
    """Docker's configuration with the registry's account: in it, or by a credential helper."""
    user, secret = registry.account
    content = {"auths": {registry.host: {"auth": base64.b64encode(f"{user}:{secret}".encode()).decode()}}}
    if how == "helper":
        helper = folder / "bin/docker-credential-atlastest"
        helper.parent.mkdir()
        helper.write_text(f'#!/bin/sh\necho \'{{"Username": "{user}", "Secret": "{secret}"}}\'\n')
        helper.chmod(0o755)
        monkeypatch.setenv("PATH", f"{helper.parent}:{os.environ['PATH']}")
        content = {"credHelpers": {registry.host: "atlastest"}}
    (folder / "config.json").write_text(json.dumps(content))
    monkeypatch.setenv("DOCKER_CONFIG", str(folder))


@contained
@pytest.mark.parametrize("how", ["configuration", "helper"])
def test_an_image_is_pulled_with_the_account_that_docker_knows(
    having, locked_registry, tmp_path, monkeypatch, name, how
):
    having(name)
    monkeypatch.setenv("ATLAS_CACHE", str(tmp_path / "cache"))
    path = f"closed/{name}-{how}"
    reference = Reference(f"{locked_registry.host}/{path}:1", small_image(locked_registry, path))
    with pytest.raises(UnavailableError, match="cannot be pulled") as caught:
        by_name(name).prepare(reference)
    assert "docker login --password-stdin" in str(caught.value)
    settings_of_docker(locked_registry, how, tmp_path, monkeypatch)
    runtime = by_name(name)
    assert runtime.prepare(reference) and runtime.present(reference)


@contained
def test_an_image_with_an_entrypoint_runs_the_command_and_not_that(ready, archive, tmp_path, name):
    found = ready(name)
    with tarfile.open(archive) as tar:
        layer = next(tar.extractfile(one).read() for one in tar if one.name.endswith("layer.tar"))
    file = tmp_path / "entry.tar"
    write_image(file, "local/entry:1", content=layer, Entrypoint=["/bin/false", "first"], Cmd=["second"])
    image = found.runtime.prepare(Reference("local/entry", archive_of(file).config, file))
    outcome = run_job(found.runtime, image, Job((found.python, "-c", "import sys; print(sys.argv)")), 60)
    assert outcome.status == 0 and "['-c']" in outcome.log


def test_an_engine_is_run_in_a_file_of_apptainers_that_its_yaml_names(
    ready, archive, project, works, monkeypatch
):
    file = Path("toy.sif")
    file.symlink_to(ready("apptainer").image)
    project.set(image={"sif": file.name})
    monkeypatch.setenv("ATLAS_RUNTIME", "apptainer")
    works(ENVIRONMENT, *OF_ENVIRONMENT)
    image = json.loads(Path("out.json").read_text())["image"]
    assert image == {"digest": sha256_file(file), "reference": "toy.sif", "made_from": {}}
    schema = ["schema", *CELL, "--source", "source.json", "--environment", "out.json"]
    assert atlas([*schema, "--output", "schema.json", "--config-schema", "config.json"]) == 0


def test_a_file_of_apptainers_is_for_nothing_else(project, docker, ready, fails):
    Path("toy.sif").symlink_to(ready("apptainer").image)
    project.set(image={"sif": "toy.sif"})
    assert "toy.sif is for apptainer, not docker" in fails(ENVIRONMENT, 4, *OF_ENVIRONMENT)


@pytest.mark.parametrize("name", SOCKETS)
def test_work_that_takes_an_engine_longer_than_an_answer_is_waited_for(
    request, registry, archive, tmp_path, monkeypatch, name
):
    service = request.getfixturevalue(name)
    monkeypatch.setattr(engine_api, "ANSWER_S", 5)
    place = service.folder / "slow.sock"
    work = "/images/load|/images/create|/containers/create|/images/[^ ]*/get"
    with slow_socket(service.socket, place, work, 7) as slow:
        monkeypatch.setenv(SOCKETS[name], f"unix://{place}")
        runtime = by_name(name)
        file = tmp_path / "slow.tar"
        with tarfile.open(archive) as tar:
            layer = next(tar.extractfile(one).read() for one in tar if one.name.endswith("layer.tar"))
        write_image(file, f"local/slow-{os.getpid()}:1", content=layer, Labels={"slow": name})
        image = runtime.prepare(Reference("local/slow", archive_of(file).config, file))
        assert run_job(runtime, image, Job(("/bin/true",)), 60).status == 0
        path = f"slow/{name}"
        digest = small_image(registry, path)
        assert runtime.prepare(Reference(f"{registry.host}/{path}:1", digest))
        assert len(next(iter(runtime.patient.images.get(image).save()))) > 0
    place.unlink()
    assert len(slow) == 4


def test_an_answer_that_does_not_come_is_given_up(docker, monkeypatch):
    monkeypatch.setattr(engine_api, "ANSWER_S", 1)
    place = docker.folder / "mute.sock"
    with slow_socket(docker.socket, place, "/(_ping|version)", 4):
        monkeypatch.setenv("DOCKER_HOST", f"unix://{place}")
        assert "no container engine answers there" in (by_name("docker").missing() or "")
    place.unlink()
