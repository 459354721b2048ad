"""What a real registry stands for, and what is made of one that fails."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import sys
import tarfile
from pathlib import Path

import pytest

from atlas.environment.runtimes import registry as module
from atlas.environment.runtimes.registry import HUB, Name, resolve
from atlas.errors import AtlasError, InputError, IntegrityError, UnavailableError

sys.path.insert(0, str(Path(__file__).parents[1] / "infra"))
from faulty import faulty
from services import dumps, put, put_blob

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"


def push(registry, name: str, architecture: str = "amd64", tag: str | None = "1", mark: str = "") -> dict:
    """A small image, put there by hand; returns the digests of its parts."""
    layer = f"layer {architecture} {mark}".encode()
    config = dumps(
        {"os": "linux", "architecture": architecture, "rootfs": {"type": "layers", "diff_ids": []}}
    )
    found = {}
    for part, content in (("layer", layer), ("config", config)):
        found[part] = put_blob(registry, name, content)
    manifest = dumps(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": {
                "mediaType": "application/vnd.oci.image.config.v1+json",
                "digest": found["config"],
                "size": len(config),
            },
            "layers": [
                {
                    "mediaType": "application/vnd.oci.image.layer.v1.tar",
                    "digest": found["layer"],
                    "size": len(layer),
                }
            ],
        }
    )
    digest = f"sha256:{hashlib.sha256(manifest).hexdigest()}"
    put(registry.host, f"/v2/{name}/manifests/{tag or digest}", manifest, MANIFEST, registry.account)
    return {**found, "manifest": digest, "size": len(manifest), "bytes": len(config) + len(layer)}


def entry(made: dict) -> dict:
    """Of a platform, in the lock."""
    return {name: made[name] for name in ("manifest", "config", "bytes")}


@pytest.fixture
def pauses():
    return []


def test_a_tag_of_one_image_is_resolved_to_its_digests(registry):
    made = push(registry, "one/image")
    found = resolve(f"{registry.host}/one/image:1")
    assert found == {
        "index": made["manifest"],
        "platforms": {"linux/amd64": entry(made)},
    }


def test_of_an_index_each_platform_is_resolved_and_what_is_no_platform_is_left_out(registry):
    parts = {name: push(registry, "an/index", name, tag=None) for name in ("amd64", "arm64", "s390x")}
    entries = [
        {
            "mediaType": MANIFEST,
            "digest": one["manifest"],
            "size": one["size"],
            "platform": {"os": "linux", "architecture": name},
        }
        for name, one in parts.items()
    ]
    attestation = {**entries[0], "platform": {"os": "unknown", "architecture": "unknown"}}
    index = dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [*entries, attestation]})
    digest = put(registry.host, "/v2/an/index/manifests/2", index, INDEX)
    found = resolve(f"{registry.host}/an/index:2")
    assert found["index"] == digest
    assert found["platforms"] == {f"linux/{name}": entry(parts[name]) for name in ("amd64", "arm64")}


def test_without_an_account_the_registry_refuses_and_it_is_told_what_to_do(locked_registry):
    push(locked_registry, "closed/image")
    with pytest.raises(UnavailableError, match="refuses \\(401\\)") as caught:
        resolve(f"{locked_registry.host}/closed/image:1")
    assert caught.value.exit_code == 5
    assert "docker login --password-stdin" in str(caught.value)


def test_the_account_of_dockers_configuration_is_used(locked_registry, monkeypatch, tmp_path):
    made = push(locked_registry, "closed/image")
    _configure(
        monkeypatch, tmp_path, {"auths": {locked_registry.host: {"auth": _encoded(locked_registry.account)}}}
    )
    assert resolve(f"{locked_registry.host}/closed/image:1")["index"] == made["manifest"]


def test_credential_helpers_are_asked(locked_registry, monkeypatch, tmp_path):
    made = push(locked_registry, "closed/image")
    name, secret = locked_registry.account
    helper = tmp_path / "bin" / "docker-credential-atlastest"
    helper.parent.mkdir()
    helper.write_text(f'#!/bin/sh\necho \'{{"Username": "{name}", "Secret": "{secret}"}}\'\n')
    helper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{helper.parent}:{os.environ['PATH']}")
    _configure(monkeypatch, tmp_path, {"credHelpers": {locked_registry.host: "atlastest"}})
    assert resolve(f"{locked_registry.host}/closed/image:1")["index"] == made["manifest"]


def test_a_wrong_password_is_told_without_showing_it(locked_registry, monkeypatch, tmp_path):
    push(locked_registry, "closed/image")
    _configure(
        monkeypatch, tmp_path, {"auths": {locked_registry.host: {"auth": _encoded(("ci", "canary-wrong"))}}}
    )
    with pytest.raises(UnavailableError, match="refuses") as caught:
        resolve(f"{locked_registry.host}/closed/image:1")
    assert "canary" not in str(caught.value)


def _configure(monkeypatch, tmp_path, content: dict) -> None:
    folder = tmp_path / "docker"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(content))
    monkeypatch.setenv("DOCKER_CONFIG", str(folder))


def _encoded(account: tuple[str, str]) -> str:
    return base64.b64encode(":".join(account).encode()).decode()


@pytest.mark.parametrize("faults", [["429"], ["500", "503"], ["truncated"], ["429", "truncated", "502"]])
def test_what_passes_by_itself_is_tried_again(registry, pauses, faults):
    made = push(registry, "shaky/image")
    with faulty(registry.host, *(("/manifests/", fault) for fault in faults)) as (host, _):
        assert resolve(f"{host}/shaky/image:1", sleep=pauses.append)["index"] == made["manifest"]
    assert len(pauses) == len(faults)
    assert pauses[0] == (1 if faults[0] == "429" else 2)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("always 500", "does not answer (4 tries): 500"),
        ("always 429", "docker login"),
        ("always truncated", "4 tries"),
        ("always 404", "has no such image"),
        ("always 403", "refuses (403)"),
        ("always 418", "answers 418"),
        ("always html", "no JSON"),
    ],
)
def test_what_stays_is_one_paragraph_with_its_remedy(registry, pauses, fault, said):
    push(registry, "broken/image")
    with faulty(registry.host, ("/manifests/", fault)) as (host, asked), pytest.raises(AtlasError) as caught:
        resolve(f"{host}/broken/image:1", sleep=pauses.append)
    assert said in str(caught.value)
    assert "\n\n" not in str(caught.value) and "Traceback" not in str(caught.value)
    assert caught.value.exit_code == 5
    assert sum(asked.values()) == len(pauses) + 1
    assert resolve(f"{registry.host}/broken/image:1")  # and without the fault all is well


def test_a_registry_that_does_not_answer_in_time_is_given_up(registry, pauses, monkeypatch):
    push(registry, "slow/image")
    monkeypatch.setattr(module, "LIMITS_S", (1, 0.3))
    slow = faulty(registry.host, ("/manifests/", "always slow"))
    with slow as (host, _), pytest.raises(UnavailableError, match="no answer in time"):
        resolve(f"{host}/slow/image:1", sleep=pauses.append)
    assert pauses == [2, 4, 8]


def test_nobody_at_the_address_is_told(pauses):
    with pytest.raises(UnavailableError, match="Connection refused"):
        resolve("127.0.0.1:9/no/body:1", sleep=pauses.append)


def test_bytes_that_are_not_those_of_the_digest_are_refused(registry):
    push(registry, "changed/image")
    with (
        faulty(registry.host, ("/blobs/", "always html")) as (host, _),
        pytest.raises(IntegrityError) as caught,
    ):
        resolve(f"{host}/changed/image:1")
    assert caught.value.exit_code == 6


@pytest.mark.parametrize(
    ("text", "host", "path", "tag"),
    [
        ("python", HUB, "library/python", "latest"),
        ("vllm/vllm-openai:v1", HUB, "vllm/vllm-openai", "v1"),
        ("localhost/x:2", "localhost", "x", "2"),
        ("127.0.0.1:5000/a/b", "127.0.0.1:5000", "a/b", "latest"),
        ("ghcr.io/a/b.c_d:x.y-z", "ghcr.io", "a/b.c_d", "x.y-z"),
    ],
)
def test_names_are_read_as_docker_reads_them(text, host, path, tag):
    assert Name.parse(text) == Name(host, path, tag)


@pytest.mark.parametrize(
    "text", ["", "UPPER/case", "a b", "x@sha256:" + "0" * 64, "a/../b", "x:" + "y" * 200, "-a"]
)
def test_what_is_no_name_is_refused(text):
    with pytest.raises(InputError):
        Name.parse(text)


def test_an_archive_of_docker_save_is_read_and_others_are_refused(archive, tmp_path):
    from atlas.environment.runtimes.pull import archive_of

    assert archive_of(archive).config.startswith("sha256:")
    (tmp_path / "no.tar").write_bytes(b"x" * 2000)
    with tarfile.open(tmp_path / "empty.tar", "w"):
        pass
    for name in ("no.tar", "empty.tar", "absent.tar"):
        with pytest.raises(InputError):
            archive_of(tmp_path / name)
