"""What a container engine said, in one paragraph with what to do about it, and the right kind of error."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import docker.errors
import requests

from atlas.errors import AtlasError, InputError, IntegrityError, UnavailableError

ADVICE: tuple[tuple[str, type[AtlasError], str], ...] = (
    (
        "could not select device driver|unresolvable CDI|nvidia-container",
        UnavailableError,
        "install the vendor's container toolkit; `atlas doctor` says which",
    ),
    (
        "executable file not found|exec format error|no such file or directory: unknown|failed to exec pid1",
        InputError,
        "the image has no such program; see `python` in the engine's YAML",
    ),
    (
        "container-init|docker-init|catatonit",
        UnavailableError,
        "install the program that reaps a container's processes (`tini` for Docker, `catatonit` for Podman)",
    ),
    (
        "cgroups",
        UnavailableError,
        "it may set no limits here: leave out `memory_mb`, or see `systemd cgroups` in apptainer.conf",
    ),
    (
        "no space left|disk quota|disk is full",
        UnavailableError,
        "make room where images are kept (`docker system df`), or point ATLAS_CACHE elsewhere",
    ),
    (
        r"toomanyrequests|\b429\b|rate limit",
        UnavailableError,
        "wait a while, or log in: the registry limits pulls",
    ),
    (
        r"unauthorized|authentication required|\b401\b|access denied|denied: |no basic auth",
        UnavailableError,
        "log in with `docker login --password-stdin REGISTRY`: its configuration is used",
    ),
    (
        r"manifest unknown|no such image|not found: manifest|\b404\b|name unknown|does not exist",
        UnavailableError,
        "the registry has no such image; see `environments.image` in the engine's YAML",
    ),
    (
        "invalid mount|bind source path|mount.*denied",
        UnavailableError,
        "the engine must run on this very machine, and see its folders",
    ),
    (
        r"mismatch|(does|did) not match|verification failed",
        IntegrityError,
        "the registry serves other bytes than were locked: do not use them",
    ),
    (
        r"server gave HTTP response|certificate|x509|\btls\b",
        UnavailableError,
        "see the registry's certificate, and `insecure-registries` of the engine",
    ),
)

MOST = 400
"""Characters that are shown of what was said."""


def told(what: str, text: str, where: str | None = None) -> AtlasError:
    """An error of the kind that fits what was said."""
    said = " ".join(text.split())
    found = _known(said)
    if found is None:
        hint = "try again; `atlas doctor` looks for what is missing"
        return UnavailableError(f"{what}: {said[:MOST]}", where=where, hint=hint)
    match, kind, hint = found
    # Of much, the part that it is about.
    start = max(match.end() - MOST, 0) and max(match.start() - MOST // 2, 0)
    shown = f"{'…' if start else ''}{said[start : start + MOST]}"
    return kind(f"{what}: {shown}", where=where, hint=hint)


def advice(said: str) -> tuple[type[AtlasError], str] | None:
    """What kind of error it is, and what to do, where that is known."""
    found = _known(said)
    return found and found[1:]


def _known(said: str) -> tuple[re.Match[str], type[AtlasError], str] | None:
    for pattern, kind, hint in ADVICE:
        match = re.search(pattern, said, re.IGNORECASE)
        if match:
            return match, kind, hint
    return None


@contextmanager
def heard(what: str, where: str) -> Iterator[None]:
    """Turn what the SDK raises into an AtlasError; `where` is the engine's address."""
    try:
        yield
    except docker.errors.APIError as error:
        raise told(what, str(error.explanation or error), where) from error
    except (requests.exceptions.RequestException, docker.errors.DockerException, OSError) as error:
        raise no_answer(where, error) from error


def no_answer(where: str, error: BaseException | None = None) -> UnavailableError:
    """The engine is not there, or is gone."""
    text = str(error or "")
    if "Permission denied" in text or "PermissionError" in text:
        return UnavailableError(
            "this user may not use the container engine", where=where, hint="add the user to its group"
        )
    return UnavailableError(
        "no container engine answers there" + (f" ({_short(text)})" if text else ""),
        where=where,
        hint="start it, or set `runtime: venv` in config/config.yaml (or ATLAS_RUNTIME)",
    )


def _short(text: str) -> str:
    inner = re.findall(
        r"(FileNotFoundError|ConnectionRefusedError|ConnectionResetError|Read timed out)", text
    )
    return inner[0] if inner else " ".join(text.split())[:120]
