"""NVIDIA's GPUs through NVML: what a device says, and nothing where it says nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

FIELDS: dict[str, Callable[[Any, Any], Any]] = {
    "power_w": lambda nvml, device: nvml.nvmlDeviceGetPowerUsage(device) / 1000,
    "energy_j": lambda nvml, device: nvml.nvmlDeviceGetTotalEnergyConsumption(device) / 1000,
    "utilisation": lambda nvml, device: nvml.nvmlDeviceGetUtilizationRates(device).gpu / 100,
    "vram_used_bytes": lambda nvml, device: nvml.nvmlDeviceGetMemoryInfo(device).used,
    "vram_total_bytes": lambda nvml, device: nvml.nvmlDeviceGetMemoryInfo(device).total,
    "temperature_c": lambda nvml, device: nvml.nvmlDeviceGetTemperature(device, nvml.NVML_TEMPERATURE_GPU),
    "sm_clock_hz": lambda nvml, device: nvml.nvmlDeviceGetClockInfo(device, nvml.NVML_CLOCK_SM) * 1_000_000,
    "memory_clock_hz": lambda nvml, device: (
        nvml.nvmlDeviceGetClockInfo(device, nvml.NVML_CLOCK_MEM) * 1_000_000
    ),
    "throttle_reasons": lambda nvml, device: nvml.nvmlDeviceGetCurrentClocksThrottleReasons(device),
    "ecc_uncorrected": lambda nvml, device: nvml.nvmlDeviceGetTotalEccErrors(
        device, nvml.NVML_MEMORY_ERROR_TYPE_UNCORRECTED, nvml.NVML_VOLATILE_ECC
    ),
}
TRAITS: dict[str, Callable[[Any, Any], Any]] = {
    "name": lambda nvml, device: _text(nvml.nvmlDeviceGetName(device)),
    "power_limit_w": lambda nvml, device: nvml.nvmlDeviceGetEnforcedPowerLimit(device) / 1000,
    "vram_total_bytes": lambda nvml, device: nvml.nvmlDeviceGetMemoryInfo(device).total,
    "compute_capability": lambda nvml, device: ".".join(
        map(str, nvml.nvmlDeviceGetCudaComputeCapability(device))
    ),
    "mig": lambda nvml, device: bool(nvml.nvmlDeviceGetMigMode(device)[0]),
    "pci": lambda nvml, device: _text(nvml.nvmlDeviceGetPciInfo(device).busId),
}
PERMANENT = ("NVMLError_NotSupported", "NVMLError_FunctionNotFound", "NVMLError_NoPermission")
"""Errors of a field that will come each time."""


@dataclass
class Gpus:
    """The devices, by UUID. `reason` says why there are none."""

    nvml: Any = None
    devices: dict[str, Any] = field(default_factory=dict)
    traits: dict[str, dict[str, Any]] = field(default_factory=dict)
    driver: str | None = None
    cuda: str | None = None
    reason: str | None = None
    errors: dict[str, int] = field(default_factory=dict)
    """How often each field of each device failed, as `uuid field: error`."""
    every_s: float = 0.0
    """How often it can be asked at most."""
    _absent: set[tuple[str, str]] = field(default_factory=set)

    def sample(self) -> dict[str, dict[str, Any]]:
        """All fields of all devices; null what a device does not say now."""
        return {
            uuid: {name: self._field(uuid, device, name) for name in FIELDS}
            for uuid, device in self.devices.items()
        }

    def _field(self, uuid: str, device: Any, name: str) -> Any:
        if (uuid, name) in self._absent:
            return None
        try:
            return FIELDS[name](self.nvml, device)
        except self.nvml.NVMLError as error:
            kind = type(error).__name__
            key = f"{uuid} {name}: {kind}"
            self.errors[key] = self.errors.get(key, 0) + 1
            if kind in PERMANENT:
                self._absent.add((uuid, name))
            return None

    def close(self) -> None:
        if self.nvml is not None:
            try:
                self.nvml.nvmlShutdown()
            except self.nvml.NVMLError:
                self.errors["shutdown"] = 1


def open_gpus() -> Gpus:
    """All devices that the driver shows."""
    try:
        import pynvml
    except ImportError:
        return Gpus(reason="nvidia-ml-py is not installed")
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        return Gpus(reason=f"NVML: {error}")
    found = Gpus(pynvml)
    driver, cuda = (
        _asked(found, "nvmlSystemGetDriverVersion"),
        _asked(found, "nvmlSystemGetCudaDriverVersion_v2"),
    )
    found.driver = _text(driver) if driver else None
    found.cuda = f"{cuda // 1000}.{cuda % 1000 // 10}" if cuda else None
    try:
        for index in range(pynvml.nvmlDeviceGetCount()):
            _add(found, index)
    except pynvml.NVMLError as error:
        found.reason = f"NVML: {error}"
    if not found.devices and not found.reason:
        found.reason = "NVML shows no device"
    return found


def _asked(found: Gpus, function: str) -> Any:
    try:
        return getattr(found.nvml, function)()
    except found.nvml.NVMLError:
        return None


def _add(found: Gpus, index: int) -> None:
    device = found.nvml.nvmlDeviceGetHandleByIndex(index)
    uuid = _text(found.nvml.nvmlDeviceGetUUID(device))
    found.devices[uuid] = device
    traits: dict[str, Any] = {"index": index}
    for name, read in TRAITS.items():
        try:
            traits[name] = read(found.nvml, device)
        except found.nvml.NVMLError:
            traits[name] = None
    found.traits[uuid] = traits


def _text(value: str | bytes) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else value
