"""What this machine can run engines with, and what each needs: facts for `environments` and `doctor`."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from atlas.engines.load import load_all
from atlas.engines.model import Cell
from atlas.environment.lane import runtime_name
from atlas.environment.runtimes import disk, gpu
from atlas.environment.runtimes.apptainer import Apptainer
from atlas.environment.runtimes.engine_api import EngineApi
from atlas.environment.runtimes.images import ImageSpec, load_image
from atlas.environment.runtimes.known import RUNTIMES, by_name
from atlas.environment.runtimes.lane import ImageLane
from atlas.environment.runtimes.model import Reference
from atlas.environment.runtimes.podman import Podman, cdi_devices
from atlas.environment.runtimes.protocol import Runtime
from atlas.environment.runtimes.within import image_here
from atlas.environment.venv import is_complete, venv_key
from atlas.errors import AtlasError
from atlas.paths import cache_dir

CONTAINERS = ("docker", "podman", "apptainer")


@dataclass(frozen=True)
class RuntimeHere:
    """`reason` says why it cannot be used, and what to do; `images` is where it keeps them."""

    name: str
    version: str | None
    reason: str | None
    images: str
    free_bytes: int | None
    gpus: tuple[str, ...]
    """Vendors whose devices it can be asked for."""


@dataclass(frozen=True)
class GpusHere:
    vendor: str
    devices: tuple[str, ...]
    driver: str | None


@dataclass(frozen=True)
class Needs:
    """What a version of an engine is run in, and what keeps it from being run here."""

    engine: str
    version: str
    runtime: str
    """The one that would be used; `none` where the engine has no environment."""
    image: str | None
    digest: str | None
    gpu: str
    present: bool
    fetch_bytes: int | None
    """What there is to fetch for it, if nothing of it is here; None where that is not known, as below."""
    disk_bytes: int | None
    """What it takes: measured where it is here. Of an image that is to be built, at least."""
    reason: str | None


def runtimes_here() -> list[RuntimeHere]:
    return [_runtime(name, by_name(name)) for name in RUNTIMES]


def _runtime(name: str, runtime: Runtime) -> RuntimeHere:
    reason = runtime.missing()
    vendors: tuple[str, ...] = tuple(gpu.VENDORS)
    place, version = cache_dir() / "images", None
    if isinstance(runtime, EngineApi) and reason is None:
        info = runtime.info()
        place, version = Path(str(info.get("DockerRootDir") or "/")), str(info.get("ServerVersion") or "")
        vendors = tuple(vendor for vendor in vendors if _can_ask(runtime, info, vendor))
    elif isinstance(runtime, Apptainer) and reason is None:
        version = runtime.version()
    elif name == "venv":
        place = cache_dir() / "venvs"
    return RuntimeHere(
        name, version or None, reason, str(place), _free(place), vendors if reason is None else ()
    )


def _can_ask(runtime: EngineApi, info: dict[str, Any], vendor: str) -> bool:
    known = gpu.VENDORS[vendor]
    if isinstance(runtime, Podman):
        return known.cdi is None or any(known.cdi.split("=")[0] in name for name in cdi_devices())
    if not known.device_requests:
        return True
    return vendor in (info.get("Runtimes") or {}) or shutil.which("nvidia-container-runtime-hook") is not None


def gpus_here() -> list[GpusHere]:
    return [
        GpusHere(vendor.name, tuple(gpu.devices_here(vendor)), gpu.driver_of(vendor))
        for vendor in gpu.vendors_here()
    ]


def needs(root: Path) -> Iterator[Needs]:
    """Of every version in full, with the runtime that is set."""
    name = runtime_name(root)
    for engine in load_all(root)[0]:
        for version in engine.versions:
            yield _needs(engine.cell(version), name)


def _needs(cell: Cell, name: str) -> Needs:
    try:
        spec = load_image(cell.root, cell.engine, cell.version)
        if cell.venv is None:
            return _none(cell, spec, "the engine has no environment: static facts only")
        from atlas.environment.runtimes.lane import lane

        found = lane(cell, name) if name != "venv" else None
        if found is None:
            return _venv(cell, spec)
        return _image(cell, found)
    except AtlasError as error:
        return _none(cell, None, error.what + (f" ({error.hint})" if error.hint else ""), name)


def _none(cell: Cell, spec: ImageSpec | None, reason: str, runtime: str = "none") -> Needs:
    gpus = spec.gpu if spec else "none"
    return Needs(cell.engine, cell.version, runtime, None, None, gpus, False, None, None, reason)


def _venv(cell: Cell, spec: ImageSpec | None) -> Needs:
    assert cell.venv is not None
    file = cell.root / cell.venv.requirements
    folder = cache_dir() / "venvs"
    here, digest, size = False, None, disk.Size()
    if file.is_file():
        key = venv_key(file.read_bytes(), cell.venv.python)
        here, digest = is_complete(folder / key), key
        size = disk.installed(folder / key) if here else disk.of_lock(cell.root, cell.venv)
    reason = None if file.is_file() else f"there is no {cell.venv.requirements}: run `atlas lock {file.stem}`"
    gpus = spec.gpu if spec else "none"
    lock = cell.venv.requirements
    return Needs(cell.engine, cell.version, "venv", lock, digest, gpus, here, size.fetch, size.disk, reason)


def _image(cell: Cell, found: ImageLane) -> Needs:
    reason = found.by.missing()
    reference: Reference = found.reference
    if found.spec.gpu == "required" and not gpu.vendors_here():
        reason = reason or "it needs a GPU, and this machine shows none: what was built before stays"
    present = reason is None and _present(found, reference)
    size = disk.of_image(found, present=present)
    return Needs(
        cell.engine,
        cell.version,
        found.by.name,
        reference.name,
        reference.digest,
        found.spec.gpu,
        present,
        size.fetch,
        size.disk,
        reason,
    )


def _present(found: ImageLane, reference: Reference) -> bool:
    if found.spec.kind == "dockerfile" and not (reference.file and reference.file.is_file()):
        return False
    return found.by.present(reference)


def takes(one: Needs) -> str:
    """What it takes, in words; empty where nothing is known of that."""
    size = disk.Size(one.fetch_bytes, one.disk_bytes)
    return disk.told(size, present=one.present, at_least=one.runtime != "venv")


def _free(place: Path) -> int | None:
    while not place.exists() and place != place.parent:
        place = place.parent
    try:
        return shutil.disk_usage(place).free
    except OSError:
        return None


def inside_apptainer() -> bool:
    """Whether this process is in such a container itself: it cannot start another one there."""
    return image_here() is not None
