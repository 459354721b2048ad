"""Whether this node is fit for jobs: memory, GPUs and the errors of their memory, disk, a runtime."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from atlas.errors import AtlasError
from atlas.paths import cache_dir

LEAST_SHARE = 0.9
"""Of the memory that SLURM thinks a node has, as a lost module is more than a tenth."""
RECENT_S = 24 * 3600
STAMP = re.compile(r"^\[\s*(\d+)\.\d+\]\s*(.*)$")
FAULT = re.compile(r"NVRM: Xid|GPU has fallen off the bus|amdgpu.*(GPU reset|ring .* timeout|uncorrectable)")
"""What kernels say of GPUs that are no good until they are reset."""


@dataclass(frozen=True)
class Check:
    """`ok` is None where a node doesn't say, which is no fault of it."""

    name: str
    ok: bool | None
    what: str


def checks(root: Path, *, gpus: int, memory_mb: int, disk_gb: float) -> Iterator[Check]:
    """All checks of this node, which is to have so many GPUs to give and so much memory."""
    yield _memory(memory_mb)
    yield from _gpus(gpus)
    yield _kernel(_said("dmesg"), _uptime())
    for name, folder in (
        ("temporary", Path(tempfile.gettempdir())),
        ("project", root),
        ("cache", cache_dir()),
    ):
        yield _disk(name, folder, disk_gb)
    yield _runtime(root)


def _memory(wanted_mb: int) -> Check:
    here = psutil.virtual_memory().total // 2**20
    return Check("memory", here >= LEAST_SHARE * wanted_mb, f"{here} MiB, and SLURM says {wanted_mb}")


def _gpus(wanted: int) -> Iterator[Check]:
    """GPUs that drivers show, whoever made them, and errors of their memory."""
    if not wanted:
        return
    from atlas.perf.telemetry.gpus import open_devices

    found = open_devices()
    try:
        count = len(found.devices)
        why = f" ({found.reason})" if found.reason else ""
        yield Check("gpus", count >= wanted, f"{count} are shown{why}, and SLURM gives {wanted}")
        for gpu, fields in found.sample().items():
            errors = fields.get("ecc_uncorrected")
            told = "not told" if errors is None else f"{errors} uncorrected errors"
            yield Check(f"ecc of {gpu}", None if errors is None else not errors, told)
    finally:
        found.close()


def _kernel(said: str | None, uptime_s: float) -> Check:
    """What the kernel has said of GPUs since a day."""
    if said is None:
        return Check("kernel", None, "dmesg may not be read")
    stamped = [found for found in map(STAMP.match, said.splitlines()) if found]
    recent = [one[2] for one in stamped if uptime_s - float(one[1]) < RECENT_S]
    faults = [line for line in recent if FAULT.search(line)]
    return Check("kernel", not faults, faults[-1][:200] if faults else "no fault of a GPU since a day")


def _disk(name: str, folder: Path, wanted_gb: float) -> Check:
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    try:
        free = shutil.disk_usage(folder).free / 2**30
    except OSError as error:
        return Check(f"disk of {name}", False, f"{folder}: {error.strerror}")
    writable = os.access(folder, os.W_OK)
    what = f"{free:.1f} GiB are free in {folder}" + ("" if writable else ", which may not be written to")
    return Check(f"disk of {name}", writable and free >= wanted_gb, what)


def _runtime(root: Path) -> Check:
    from atlas.environment.lane import runtime_name
    from atlas.environment.runtimes.known import by_name

    try:
        name = runtime_name(root)
        # Of `auto`, each engine's image decides; what is always there is the first of all.
        missing = None if name == "auto" else by_name(name).missing()
    except AtlasError as error:
        return Check("runtime", False, error.what)
    return Check("runtime", missing is None, missing.splitlines()[0] if missing else f"{name} is there")


def _said(*command: str) -> str | None:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def _uptime() -> float:
    try:
        return float(Path("/proc/uptime").read_text(encoding="ascii").split()[0])
    except (OSError, ValueError, IndexError):
        return 0.0
