"""The verdict about an environment, as data: `pass`, `fail` (a fact about the engine) or `infra_error`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from atlas.canonical import digest
from atlas.engines.model import Cell
from atlas.environment.health import examine
from atlas.environment.prepare import environment_digest, platform_name, prepare
from atlas.environment.runtimes import gpu, seen
from atlas.environment.runtimes.contained import Launcher
from atlas.environment.runtimes.model import Job, Mount
from atlas.environment.runtimes.protocol import run_job
from atlas.errors import AtlasError
from atlas.source.tree import SourceTree

PASS, FAIL, INFRA = "pass", "fail", "infra_error"
PROGRAM = Path("/run/atlas/seen.py")
SEEN_S = 120.0


@dataclass(frozen=True)
class Verdict:
    """`misses` are landmarks, or `gpu`, with what is wrong; `fingerprint` is what the verdict is about."""

    engine: str
    version: str
    verdict: str
    misses: Mapping[str, str] = field(default_factory=dict)
    reason: str | None = None
    fingerprint: str | None = None
    gpu: Mapping[str, Any] | None = None


def judge(cell: Cell, source_json: Path) -> Verdict:
    """Import the landmarks in the environment that is set, and look for GPUs where it asks for some."""
    try:
        tree = SourceTree.load(source_json, cell)
        prepared = prepare(cell, tree)
        launcher = prepared.runtime.launcher
        devices = (
            devices_in(launcher, str(prepared.runtime.python)) if isinstance(launcher, Launcher) else None
        )
        health = examine(cell, prepared)
        about = {"environment": environment_digest(cell, tree), "platform": platform_name(), "gpu": devices}
    except AtlasError as error:
        reason = " ".join(str(error).split())
        return Verdict(cell.engine, cell.version, INFRA, reason=reason)
    misses = dict(health.misses)
    if health.ended and not misses:
        misses[cell.engine] = health.ended
    if devices is not None and (wrong := unfit(devices)):
        misses["gpu"] = wrong
    return Verdict(cell.engine, cell.version, FAIL if misses else PASS, misses, None, digest(about), devices)


def devices_in(launcher: Launcher, python: str) -> dict[str, Any] | None:
    """What a container of an image sees of the GPUs that it asks for; None where it asks for none."""
    if launcher.gpu is None:
        return None
    job = Job(
        (python, str(PROGRAM), launcher.gpu.vendor),
        (Mount(Path(seen.__file__), PROGRAM),),
        gpu.shown(launcher.gpu),
        gpu=launcher.gpu,
        limits=launcher.spec.limits,
    )
    outcome = run_job(launcher.by, launcher.image, job, SEEN_S)
    try:
        found: dict[str, Any] = json.loads(outcome.log.strip().splitlines()[-1])
    except (ValueError, IndexError):
        return {"vendor": launcher.gpu.vendor, "count": 0, "reason": outcome.log[-300:] or "nothing was said"}
    return {**found, "asked": len(launcher.gpu.ids) or launcher.gpu.count}


def unfit(devices: Mapping[str, Any]) -> str | None:
    """Why an engine cannot use the devices that its container sees."""
    if devices["count"] < devices.get("asked", 1):
        reason = devices.get("reason")
        return f"{devices['count']} devices are seen" + (f": {reason}" if reason else "")
    torch, toolkit = devices.get("torch"), devices.get("toolkit")
    if torch and toolkit and int(torch.split(".")[0]) > int(toolkit.split(".")[0]):
        return f"torch is made for CUDA {torch}, and the driver {devices['driver']} serves up to {toolkit}"
    return None
