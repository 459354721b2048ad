"""AMD's GPUs through the program `amd-smi`: what it says as JSON, and nothing where it says "N/A".

It is a program and no library, and takes a part of a second each time: it is asked once a second at most.
"""

from __future__ import annotations

import json
import math
import shutil
import subprocess
from dataclasses import dataclass, field
from typing import Any

PROGRAM = "amd-smi"
LIMIT_S = 5.0
UNITS = {"W": 1.0, "J": 1.0, "C": 1.0, "%": 0.01, "MHz": 1e6, "MB": 2.0**20, "MiB": 2.0**20, "GB": 2.0**30}
"""What a number is multiplied by. Its megabytes are of 1024 kilobytes."""
FIELDS = {
    "power_w": ("W", ("power", "socket_power")),
    "energy_j": ("J", ("energy", "total_energy_consumption")),
    "utilisation": ("%", ("usage", "gfx_activity")),
    "vram_used_bytes": ("MB", ("mem_usage", "used_vram")),
    "vram_total_bytes": ("MB", ("mem_usage", "total_vram")),
    "temperature_c": ("C", ("temperature", "hotspot")),
    "sm_clock_hz": ("MHz", ("clock", "gfx_0", "clk")),
    "memory_clock_hz": ("MHz", ("clock", "mem_0", "clk")),
    "ecc_uncorrected": ("", ("ecc", "total_uncorrectable_count")),
}
"""Where each number is, and its unit where the program gives none."""


@dataclass
class AmdGpus:
    """The devices: their UUIDs, and the program's numbers. `reason` says why there are none."""

    devices: dict[str, int] = field(default_factory=dict)
    traits: dict[str, dict[str, Any]] = field(default_factory=dict)
    driver: str | None = None
    cuda: str | None = None
    reason: str | None = None
    errors: dict[str, int] = field(default_factory=dict)
    every_s: float = 1.0

    def sample(self) -> dict[str, dict[str, Any]]:
        """All fields of all devices; null what a device does not say now."""
        said, reason = _said("metric")
        if reason:
            self.errors[reason] = self.errors.get(reason, 0) + 1
        by_number = {one.get("gpu"): one for one in said}
        return {
            uuid: {name: _number(by_number.get(number), path, unit) for name, (unit, path) in FIELDS.items()}
            | {"throttle_reasons": None}
            for uuid, number in self.devices.items()
        }

    def close(self) -> None:
        pass


def open_amd() -> AmdGpus:
    """All devices that the program lists."""
    if shutil.which(PROGRAM) is None:
        return AmdGpus(reason=f"{PROGRAM} is not here")
    listed, reason = _said("list")
    found = AmdGpus(reason=reason)
    static = {one.get("gpu"): one for one in _said("static")[0]}
    for one in listed:
        number, uuid = one.get("gpu"), one.get("uuid")
        if not isinstance(number, int) or not isinstance(uuid, str):
            continue
        about = static.get(number, {})
        found.devices[uuid] = number
        found.traits[uuid] = {
            "index": number,
            "name": _word(about, ("asic", "market_name")),
            "power_limit_w": _number(about, ("limit", "socket_power"), "W")
            or _number(about, ("limit", "max_power"), "W"),
            "vram_total_bytes": _number(about, ("vram", "size"), "MB"),
            "compute_capability": _word(about, ("asic", "target_graphics_version")),
            "mig": None,
            "pci": _word(one, ("bdf",)),
        }
        found.driver = found.driver or _word(about, ("driver", "version"))
    if not found.devices and not found.reason:
        found.reason = f"{PROGRAM} shows no device"
    return found


def _said(command: str) -> tuple[list[dict[str, Any]], str | None]:
    """What it says of each device, and why it says nothing."""
    try:
        done = subprocess.run(
            [PROGRAM, command, "--json"],
            capture_output=True,
            timeout=LIMIT_S,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        found = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        return [], f"{PROGRAM} {command}: no answer in {LIMIT_S:g} s"
    except (OSError, ValueError) as error:
        return [], f"{PROGRAM} {command}: {type(error).__name__}"
    if isinstance(found, dict):  # newer ones have the list inside
        found = found.get("gpu_data", found)
    devices = found if isinstance(found, list) else [found]
    if done.returncode or not all(isinstance(one, dict) for one in devices):
        return [], f"{PROGRAM} {command}: exit status {done.returncode}"
    return devices, None


def _at(said: Any, path: tuple[str, ...]) -> Any:
    for part in path:
        said = said.get(part) if isinstance(said, dict) else None
    return said


def _number(said: Any, path: tuple[str, ...], unit: str) -> float | None:
    """A number in our units: `{"value": 1, "unit": "W"}`, or a number alone."""
    found = _at(said, path)
    if isinstance(found, dict):
        unit, found = found.get("unit") or unit, found.get("value")
    scale = UNITS.get(unit) if unit else 1.0
    if scale is None or isinstance(found, bool) or not isinstance(found, int | float):
        return None
    return found * scale if math.isfinite(found) else None


def _word(said: Any, path: tuple[str, ...]) -> str | None:
    found = _at(said, path)
    return found if isinstance(found, str) and found not in ("", "N/A") else None
