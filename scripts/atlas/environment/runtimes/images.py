"""Which image a version's engine is run in, from its YAML; and what each name stood for when it was resolved.

Apart from `atlas.engines.model`, so that nothing that is built from a cell depends on it.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from atlas.canonical import dump_json, write_atomic
from atlas.engines.load import applicable
from atlas.environment.runtimes.model import Limits
from atlas.errors import InputError
from atlas.validation import check
from atlas.yamlfile import load_yaml

LOCK = "envs/images.json"
KINDS = ("dockerfile", "reference", "archive", "sif")
OWN_PYTHON = "/opt/engine/bin/python"
"""Where the project's own images have it."""
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


@dataclass(frozen=True)
class ImageSpec:
    """`name` is a Dockerfile, a reference to a registry or a file, by `kind`."""

    kind: str
    name: str
    where: str
    base: str | None = None
    args: Mapping[str, str] = field(default_factory=dict)
    python: str = OWN_PYTHON
    overlay: bool = True
    gpu: str = "none"
    gpus: int = 1
    network: bool = False
    limits: Limits = field(default_factory=Limits)

    @property
    def resolved(self) -> str | None:
        """The name whose digest the lock has."""
        return self.base if self.kind == "dockerfile" else self.name if self.kind == "reference" else None


@dataclass(frozen=True)
class Locked:
    """What a name stood for: an index (or else a manifest), and this platform's manifest and config."""

    index: str
    manifest: str
    config: str
    bytes: int | None = None
    """To be fetched, as far as that was told."""


def load_image(root: Path, engine: str, version: str) -> ImageSpec | None:
    """The entry that holds for a version; None where the YAML has none. InputError where it is not valid."""
    path = root / "engine_versions" / f"{engine}.yaml"
    shown = f"{path.parent.name}/{path.name}"
    document = load_yaml(path, shown)
    check(document, "engine")
    entry = next(applicable(document, ("environments", "image"), version), None)
    return None if entry is None else image_spec(entry, version, shown)


def image_spec(entry: Mapping[str, Any], version: str, where: str) -> ImageSpec:
    """An entry that is valid, of a file that it is told by."""
    kind = next(kind for kind in KINDS if kind in entry)
    own = kind == "dockerfile"
    limits = Limits(entry.get("memory_mb"), shm_mb=entry.get("shm_mb"), ulimits=entry.get("ulimits", {}))
    return ImageSpec(
        kind=kind,
        name=entry[kind].replace("{version}", version),
        where=where,
        base=entry.get("base"),
        args=entry.get("args", {}),
        python=entry.get("python", OWN_PYTHON if own else "python3"),
        overlay=entry.get("overlay", own),
        gpu=entry.get("gpu", "none"),
        gpus=entry.get("gpus", 1),
        network=entry.get("network", False),
        limits=limits,
    )


def architecture() -> str:
    """This machine's, as images call it."""
    machine = platform.machine()
    return ARCHITECTURES.get(machine, machine)


def read_lock(root: Path) -> dict[str, Any]:
    """By name, what it was resolved to."""
    file = root / LOCK
    if not file.is_file():
        return {}
    try:
        found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))["images"]
        for name, entry in found.items():
            for one in entry["platforms"].values():
                _ = Locked(entry["index"], one["manifest"], one["config"])
            assert isinstance(name, str)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, AssertionError) as error:
        raise InputError(
            f"not a lock of images: {error!r}", where=LOCK, hint="run `atlas images resolve`"
        ) from error
    return found


def write_lock(root: Path, images: Mapping[str, Any]) -> None:
    write_atomic(root / LOCK, dump_json({"format_version": 1, "images": dict(sorted(images.items()))}))


def locked(root: Path, name: str) -> Locked:
    """What a name was resolved to for this platform; InputError where it was not."""
    entry = read_lock(root).get(name)
    if entry is None:
        raise InputError(
            f"{name} was not resolved to a digest yet",
            where=LOCK,
            hint=f"run `atlas images resolve {name}` and commit {LOCK}",
        )
    found = entry["platforms"].get(f"linux/{architecture()}")
    if found is None:
        raise InputError(f"{name} has no image for linux/{architecture()}", where=LOCK)
    return Locked(entry["index"], found["manifest"], found["config"], found.get("bytes"))
