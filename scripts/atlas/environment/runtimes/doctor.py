"""`atlas doctor`: what this machine lacks to run the engines as is set, and how to get it."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from atlas.environment.lane import runtime_name
from atlas.environment.runtimes.disk import text
from atlas.environment.runtimes.hosts import (
    Needs,
    RuntimeHere,
    gpus_here,
    inside_apptainer,
    needs,
    runtimes_here,
    takes,
)
from atlas.environment.runtimes.images import LOCK, read_lock
from atlas.errors import AtlasError

ROOM_BYTES = 10 << 30
GET = {
    "docker": "Debian: `apt-get install docker.io tini`; others: https://docs.docker.com/engine/install",
    "podman": "Debian: `apt-get install podman catatonit`, then `systemctl --user start podman.socket`",
    "apptainer": "https://apptainer.org/docs/admin/latest/installation.html, or `module load apptainer`",
    "venv": "run `make`, or set ATLAS_UV to a uv",
}
TOOLKIT = {
    "docker": "install the NVIDIA Container Toolkit, then `nvidia-ctk runtime configure --runtime=docker`",
    "podman": "`nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml`",
}


@dataclass(frozen=True)
class Finding:
    """`level` is `ok`, `note` (nothing that is set needs it) or `missing`."""

    level: str
    subject: str
    what: str
    remedy: str | None = None


def examine_host(root: Path) -> list[Finding]:
    try:
        name = runtime_name(root)
    except AtlasError as error:
        return [Finding("missing", "runtime", error.what, error.hint)]
    runtimes = runtimes_here()
    return [
        Finding("ok", "runtime", f"`{name}` is set"),
        *_machine(name),
        *(_runtime(one, name) for one in runtimes),
        *_gpus(runtimes),
        *_lock(root),
        *(_engine(one, runtimes) for one in needs(root)),
    ]


def _machine(name: str) -> Iterator[Finding]:
    if sys.platform != "linux":
        what = (
            f"this is {platform.system()}: containers of engines share sockets with atlas, which needs Linux"
        )
        yield Finding("note" if name == "venv" else "missing", "machine", what, "use `runtime: venv`")
    if inside_apptainer():
        yield Finding(
            "note" if name == "venv" else "missing",
            "machine",
            "atlas itself runs in a container of Apptainer's, and starts none in there",
            "use `runtime: venv`, or run atlas outside",
        )


def _runtime(one: RuntimeHere, name: str) -> Finding:
    if one.reason is not None:
        what = one.reason.partition("\n")[0]
        return Finding("missing" if one.name == name else "note", one.name, what, GET[one.name])
    version = f" {one.version}" if one.version else ""
    if one.free_bytes is not None and one.free_bytes < ROOM_BYTES:
        return Finding(
            "note",
            one.name,
            f"works{version}; {one.free_bytes >> 30} GiB are free at {one.images}",
            "an image of an engine takes 1 to 30 GiB: make room",
        )
    return Finding("ok", one.name, f"works{version}")


def _gpus(runtimes: list[RuntimeHere]) -> Iterator[Finding]:
    found = gpus_here()
    if not found:
        yield Finding("note", "gpu", "this machine shows none: only what needs none is run")
    for one in found:
        driver = f", driver {one.driver}" if one.driver else ", no driver is told"
        yield Finding("ok", "gpu", f"{len(one.devices)} of {one.vendor}{driver}")
        for runtime in runtimes:
            if runtime.reason is None and one.vendor not in runtime.gpus:
                what = f"{runtime.name} cannot pass them on"
                yield Finding("note", "gpu", what, TOOLKIT.get(runtime.name))


def _lock(root: Path) -> Iterator[Finding]:
    try:
        yield Finding("ok", LOCK, f"{len(read_lock(root))} names of images are locked")
    except AtlasError as error:
        yield Finding("missing", LOCK, error.what, error.hint)


def _engine(one: Needs, runtimes: list[RuntimeHere]) -> Finding:
    subject = f"{one.engine} {one.version}"
    if one.runtime == "none":
        return Finding("note", subject, str(one.reason))
    if one.reason:
        return Finding("missing", subject, one.reason.partition("\n")[0], None)
    what, size = f"{one.runtime}: {one.image}", takes(one)
    if one.present:
        return Finding("ok", subject, f"{what} is here" + (f", and takes {size}" if size else ""))
    what += " will be made when it is needed" + (f": {size}" if size else "")
    place = next(runtime for runtime in runtimes if runtime.name == one.runtime)
    free = place.free_bytes
    if one.disk_bytes is not None and free is not None and one.disk_bytes > free:
        room = f"{what}; {text(free)} are free at {place.images}"
        return Finding("missing", subject, room, "make room, or point ATLAS_CACHE elsewhere")
    return Finding("ok", subject, what)
