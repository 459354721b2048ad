"""The machine at hand: its hardware key, and what of it a record keeps."""

from __future__ import annotations

import functools
import json
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil

from atlas.canonical import digest
from atlas.perf.redact import Redactor
from atlas.perf.telemetry.gpus import open_devices

FORMAT_VERSION = 1
RUNTIMES = ("docker", "podman", "apptainer", "singularity")
FULL = {
    "topology": ("nvidia-smi", "topo", "-m"),
    "nvlink": ("nvidia-smi", "nvlink", "--status"),
    "pci": ("lspci",),
    "block_devices": ("lsblk", "-J"),
    "amd": ("amd-smi", "static", "--json"),
    "cuda_compiler": ("nvcc", "--version"),
}
FAMILY = ("os", "kernel", "cpu", "memory_gib", "gpus", "driver", "cuda", "python", "variables")
"""What two runs have to share for their numbers to be compared."""
BOX = ("runtime", "limits")
"""The same of runs in containers."""


def hardware_key(gpus: int) -> str:
    """What a run is measured on: the processor, or the GPUs that it may use."""
    if not gpus:
        cpu = _cpu()
        return f"cpu-{_slug(cpu['model'] or cpu['machine'])}-{cpu['usable']}c"
    names = [traits["name"] or "gpu" for traits in _gpus()["gpus"]]
    return f"gpu-{_slug(names[0])}-x{gpus}" if len(names) >= gpus else "none"


def gpus_here() -> int:
    return len(_gpus()["gpus"])


def capture(env: Mapping[str, str], packages: Path | None, *, full: bool = False) -> dict[str, Any]:
    """The environment of a run, as JSON; null what this machine doesn't say.

    `env` are the run's variables, `packages` the folder that its Python's packages are in.
    """
    found: dict[str, Any] = {
        "format_version": FORMAT_VERSION,
        "os": _os(),
        "kernel": platform.release(),
        "libc": " ".join(platform.libc_ver()) or None,
        "cpu": _cpu(),
        "numa_nodes": len(list(Path("/sys/devices/system/node").glob("node[0-9]*"))) or None,
        "memory_gib": round(psutil.virtual_memory().total / 2**30),
        **_gpus(),
        "python": platform.python_version(),
        "container": _container(),
        "runtimes": _runtimes(),
        "packages": _packages(packages) if packages else None,
        "variables": Redactor.of(env).environment(_lasting(env)),
    }
    if full:
        found["full"] = {name: _said(*command) for name, command in FULL.items()}
        found["full"]["cpu_flags"] = _cpuinfo("flags")
        found["full"]["mounts"] = _read(Path("/proc/mounts"))
        found = Redactor.of(env).value(found)
    return found


def family(captured: Mapping[str, Any]) -> str:
    """The digest of what has to be the same for two runs to be compared; packages and images may differ."""
    image = captured.get("image")
    # What starts a container decides how its files are read and what it may take; the image is what an
    # engine's version is.
    box = {"box": {name: image[name] for name in BOX}} if image else {}
    return digest({**{name: captured.get(name) for name in FAMILY}, **box})


def text(captured: Mapping[str, Any]) -> str:
    return json.dumps(captured, indent=1, sort_keys=True, ensure_ascii=False)


def _lasting(env: Mapping[str, str]) -> dict[str, str]:
    """Variables that are the same in the next run too: no folders of this one."""
    return {name: value for name, value in env.items() if "/" not in value and not name.startswith("ATLAS_")}


@functools.cache
def _gpus() -> dict[str, Any]:
    gpus = open_devices()
    traits = [
        {name: value for name, value in one.items() if name not in ("index", "pci")}
        for one in gpus.traits.values()
    ]
    gpus.close()
    return {"gpus": traits, "gpus_absent": gpus.reason, "driver": gpus.driver, "cuda": gpus.cuda}


@functools.cache
def _runtimes() -> dict[str, str | None]:
    return {name: _said(name, "--version") for name in RUNTIMES if shutil.which(name)}


@functools.cache
def _cpu() -> dict[str, Any]:
    governor = _read(Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"))
    return {
        "model": _cpuinfo("model name"),
        "machine": platform.machine(),
        "cores": psutil.cpu_count(logical=False),
        "threads": psutil.cpu_count(),
        "usable": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "governor": governor.strip() if governor else None,
    }


def _cpuinfo(name: str) -> str | None:
    found = re.search(rf"^{name}\s*:\s*(.+)$", _read(Path("/proc/cpuinfo")) or "", re.M)
    return found[1].strip() if found else None


def _os() -> str | None:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME")
    except OSError:
        return platform.system() or None


def _container() -> str | None:
    if Path("/.dockerenv").exists():
        return "docker"
    if "APPTAINER_CONTAINER" in os.environ:
        return "apptainer"
    return "podman" if Path("/run/.containerenv").exists() else None


def _packages(folder: Path) -> dict[str, str]:
    """The distributions below a folder of an environment, or of site-packages."""
    sites = [str(path) for path in folder.glob("lib/python*/site-packages")] or [str(folder)]
    found = {one.metadata["Name"]: one.version for one in metadata.distributions(path=sites)}
    return dict(sorted((name, version) for name, version in found.items() if name))


def _said(*command: str) -> str | None:
    if not shutil.which(command[0]):
        return None
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=10, check=False, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError):
        return None
    return done.stdout.strip()[:50_000] if done.returncode == 0 else None


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None


def _slug(text: str) -> str:
    text = re.sub(r"\((r|tm|c)\)|\bcpu\b|\bprocessor\b|@.*$|\bnvidia\b", " ", text.lower())
    return re.sub(r"[^a-z0-9]+", "-", text).strip("-")[:48] or "unknown"
