"""The GPUs of this machine, whoever made them."""

from __future__ import annotations

from atlas.perf.telemetry.amd import AmdGpus, open_amd
from atlas.perf.telemetry.nvml import Gpus, open_gpus


def open_devices() -> Gpus | AmdGpus:
    """NVIDIA's where there are some, else AMD's; without any, why there are none."""
    nvidia = open_gpus()
    if nvidia.devices:
        return nvidia
    amd = open_amd()
    if amd.devices:
        nvidia.close()
        return amd
    nvidia.reason = "; ".join(filter(None, (nvidia.reason, amd.reason)))
    return nvidia
