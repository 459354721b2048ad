"""Having an image in an engine: by digest from a registry, or out of a file; and tried again."""

from __future__ import annotations

import json
import re
import tarfile
import time
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import docker
import docker.errors
import requests

from atlas.environment.runtimes.model import Reference, repository
from atlas.environment.runtimes.said import heard, told
from atlas.environment.venv import waiting_lock
from atlas.errors import InputError, IntegrityError, UnavailableError
from atlas.paths import cache_dir
from atlas.progress import say

TRIES = 4
PAUSE_S = 2.0
PASSING = re.compile(
    r"\b(429|5\d\d)\b|toomanyrequests|timeout|timed out|\bEOF\b|reset|refused|TLS handshake", re.I
)
"""What may be gone at the next try."""
PROGRESS_S = 10


def find(client: docker.DockerClient, reference: Reference, where: str) -> str | None:
    """The engine's own number of an image, if it has it."""
    if reference.file is None:
        image = _image(client, reference.pullable, where)
        return str(image.id) if image else None
    archive = archive_of(reference.file)
    for name in (archive.config, *archive.tags):
        image = _image(client, name, where)
        # Engines number images differently; what their layers hold is the same for all.
        if image and image.attrs.get("RootFS", {}).get("Layers") == archive.layers:
            return str(image.id)
    return None


def _image(client: docker.DockerClient, name: str, where: str) -> Any:
    with heard(f"cannot look for {name}", where):
        try:
            return client.images.get(name)
        except docker.errors.ImageNotFound:
            return None


def have(client: docker.DockerClient, reference: Reference, where: str) -> str:
    """The same, loaded or pulled if need be; jobs that want the same one wait for one pull."""
    found = find(client, reference, where)
    if found:
        return found
    folder = cache_dir() / "images"
    folder.mkdir(parents=True, exist_ok=True)
    key = reference.digest[7:23]
    with waiting_lock(folder / f"{key}.lock", f"another job gets {reference.name}"):
        found = find(client, reference, where)
        if not found:
            _load(client, reference.file, where) if reference.file else _pull(client, reference, where)
            found = find(client, reference, where)
    if not found:
        raise IntegrityError(
            "the engine took the image, and does not have it by its digest",
            where=reference.name,
            hint="the registry or the file has another one than was locked",
        )
    return found


@dataclass(frozen=True)
class Archive:
    """The one image in a file of `docker save`: digest of its config, its names, and its layers' contents."""

    config: str
    tags: list[str]
    layers: list[str]


def archive_of(file: Path) -> Archive:
    """InputError where it is no such file."""
    try:
        with tarfile.open(file) as tar:
            (image,) = json.loads(_member(tar, "manifest.json"))
            config = _member(tar, image["Config"])
            layers = list(json.loads(config)["rootfs"]["diff_ids"])
            return Archive(f"sha256:{sha256(config).hexdigest()}", image.get("RepoTags") or [], layers)
    except FileNotFoundError:
        raise InputError("there is no such file", where=str(file)) from None
    except (tarfile.TarError, KeyError, ValueError, TypeError) as error:
        raise InputError(f"not a file of `docker save` with one image: {error}", where=str(file)) from error


def _member(tar: tarfile.TarFile, name: str) -> bytes:
    member = tar.extractfile(name)
    if member is None:
        raise ValueError(f"{name} is no file")
    return member.read()


def _load(client: docker.DockerClient, archive: Path, where: str) -> None:
    say(f"loading {archive.name} ({archive.stat().st_size >> 20} MiB)")
    with heard(f"{archive.name} cannot be loaded", where), archive.open("rb") as stream:
        # Without the usual limit: an engine takes minutes over a large image.
        answer = requests_session(client).post(
            _url(client, "/images/load"),
            data=stream,
            headers={"Content-Type": "application/x-tar"},
            timeout=None,
        )
    if answer.status_code != 200:
        raise told(f"{archive.name} cannot be loaded", answer.text, where)
    for line in answer.text.splitlines():
        if '"error"' in line:
            raise told(f"{archive.name} cannot be loaded", line, where)


def requests_session(client: docker.DockerClient) -> requests.Session:
    """The SDK's client is one."""
    session: requests.Session = client.api
    return session


def _url(client: docker.DockerClient, path: str) -> str:
    return f"{client.api.base_url}/v{client.api._version}{path}"


def _pull(client: docker.DockerClient, reference: Reference, where: str) -> None:
    """Pull by digest. What passes by itself is tried again, after longer and longer pauses."""
    for attempt in range(1, TRIES + 1):
        said = _try(client, reference, where)
        if said is None:
            return
        if attempt == TRIES or not PASSING.search(said):
            raise told(f"{reference.name} cannot be pulled", said, where)
        pause = PAUSE_S * 2 ** (attempt - 1)
        say(f"{reference.name}: {said[:200]}; trying again in {pause:g} s")
        time.sleep(pause)


def _try(client: docker.DockerClient, reference: Reference, where: str) -> str | None:
    """What went wrong, if anything did."""
    shown = time.monotonic()
    layers: dict[str, tuple[int, int]] = {}
    try:
        with heard("cannot be pulled", where):
            for event in client.api.pull(
                repository(reference.name), tag=reference.digest, stream=True, decode=True
            ):
                if "error" in event:
                    return str(event["error"])
                detail: dict[str, Any] = event.get("progressDetail") or {}
                if event.get("status") == "Downloading" and detail.get("total"):
                    layers[event["id"]] = (detail["current"], detail["total"])
                if time.monotonic() - shown > PROGRESS_S:
                    shown = time.monotonic()
                    done, total = (sum(one[part] for one in layers.values()) for part in (0, 1))
                    say(f"pulling {reference.name}: {done >> 20} of {total >> 20} MiB")
    except UnavailableError as error:
        if "no container engine" in error.what:
            raise
        return error.what
    return None
