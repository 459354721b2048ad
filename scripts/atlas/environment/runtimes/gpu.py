"""GPUs as data: what a vendor's are called, how runtimes are asked for them, and which a scheduler gave."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from atlas.environment.runtimes.model import GpuRequest
from atlas.errors import InputError


@dataclass(frozen=True)
class Vendor:
    """`{id}` stands for one device."""

    name: str
    present: tuple[str, ...]
    """Globs of device files: all of them are there where a GPU is."""
    visible: tuple[str, ...]
    """Variables by which a scheduler, or a user, says which are to be used; the first that is set counts."""
    device_requests: bool = False
    """Docker knows this vendor by a device request."""
    devices: tuple[str, ...] = ()
    """Device files that are passed, for vendors without requests."""
    groups: tuple[str, ...] = ()
    """Groups that these files belong to."""
    cdi: str | None = None
    """The name of a device in the Container Device Interface, for Podman."""
    apptainer: tuple[str, ...] = ()
    driver: str | None = None
    """A file that has the driver's version."""
    inside: Mapping[str, str] = field(default_factory=dict)
    """Variables that are set in a container that has devices of the vendor."""


VENDORS = {
    "nvidia": Vendor(
        "nvidia",
        present=("/dev/nvidiactl", "/dev/nvidia[0-9]*"),
        visible=("CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES"),
        device_requests=True,
        cdi="nvidia.com/gpu={id}",
        apptainer=("--nv",),
        driver="/proc/driver/nvidia/version",
        inside={"NVIDIA_DRIVER_CAPABILITIES": "compute,utility"},
    ),
    "amd": Vendor(
        "amd",
        present=("/dev/kfd", "/dev/dri/renderD*"),
        visible=("ROCR_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES"),
        devices=("/dev/kfd", "/dev/dri"),
        groups=("video", "render"),
        apptainer=("--rocm",),
        driver="/sys/module/amdgpu/version",
    ),
}
# CDI names and Docker's requests count devices within the container from 0 again: a container that was
# given two devices is not told their numbers on the machine.
RENUMBERED = "CUDA_VISIBLE_DEVICES"


def vendors_here() -> list[Vendor]:
    """Whose devices this machine has."""
    return [vendor for vendor in VENDORS.values() if all(_exists(pattern) for pattern in vendor.present)]


def devices_here(vendor: Vendor) -> list[str]:
    """The device files of a vendor's GPUs."""
    return sorted(str(path) for path in Path("/").glob(vendor.present[-1].lstrip("/")))


def driver_of(vendor: Vendor) -> str | None:
    """The driver's version, as it says it itself."""
    try:
        text = Path(vendor.driver or "").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    return text.splitlines()[0].strip() if text.strip() else None


def request(count: int, vendor: Vendor, environ: Mapping[str, str] = os.environ) -> GpuRequest:
    """`count` devices: of those that a scheduler gave this process, where it gave some.

    InputError where it gave fewer.
    """
    for variable in vendor.visible:
        value = environ.get(variable)
        if value is None or value.strip() in ("all", "void", "none"):
            continue
        given = tuple(
            part.strip() for part in value.split(",") if part.strip() not in ("", "-1", "NoDevFiles")
        )
        if len(given) < count:
            raise InputError(
                f"{count} GPUs are asked for, and {len(given)} given",
                where=f"{variable}={value}",
                hint="ask the scheduler for as many (`resources: gpu=…`), or unset the variable",
            )
        return GpuRequest(vendor.name, count, given[:count])
    return GpuRequest(vendor.name, count)


def shown(wanted: GpuRequest) -> dict[str, str]:
    """The variables of a container with these devices: all that it sees are its own."""
    numbers = ",".join(str(number) for number in range(len(wanted.ids) or wanted.count))
    vendor = VENDORS[wanted.vendor]
    first = RENUMBERED if RENUMBERED in vendor.visible else vendor.visible[0]
    return {first: numbers, **vendor.inside}


def chosen(wanted: GpuRequest) -> dict[str, str]:
    """The variable that says which of this machine's devices are meant, where nothing hides the others."""
    names = wanted.ids or tuple(str(number) for number in range(wanted.count))
    return {VENDORS[wanted.vendor].visible[0]: ",".join(names)}


def _exists(pattern: str) -> bool:
    return any(Path("/").glob(pattern.lstrip("/")))
