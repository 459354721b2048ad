"""From a cell to something the probe can run in: environment, overlay, variables; and its digest."""

from __future__ import annotations

import platform
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from atlas.canonical import digest, sha256_file
from atlas.engines.model import Cell
from atlas.environment.lane import container_lane
from atlas.environment.overlay import Sources, overlay_digest, prepare_overlay
from atlas.environment.run import Runtime, run_probe
from atlas.environment.venv import prepare_venv, python_of
from atlas.errors import InputError

PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", re.MULTILINE)


@dataclass(frozen=True)
class Prepared:
    """A cell's environment, built."""

    cell: Cell
    runtime: Runtime
    timeout_s: int
    folder: Path
    """Of the packages, where they are in one."""

    def ask(self, parts: dict[str, Any], fixtures: dict[str, Any] | None = None) -> dict[str, Any]:
        """The probe's facts about `parts` of a request."""
        request = {"distribution": self.cell.library_name, "packages": list(self.cell.packages), **parts}
        return run_probe(self.runtime, request, timeout_s=self.timeout_s, fixtures=fixtures)


def prepare(cell: Cell, tree: Sources) -> Prepared:
    """Build what is missing of a cell's environment (environment and overlay are shared and cached)."""
    assert cell.venv is not None
    lane = container_lane(cell)
    if lane is not None:
        runtime = lane.runtime(prepare_overlay(cell, tree).paths)
        return Prepared(cell, runtime, cell.venv.timeout_s, cell.root)
    folder = prepare_venv(cell.root / cell.venv.requirements, cell.venv.python)
    runtime = Runtime(
        python=python_of(folder),
        paths=prepare_overlay(cell, tree).paths,
        env=cell.venv.env,
        bytecode=folder / "bytecode",
    )
    return Prepared(cell, runtime, cell.venv.timeout_s, folder)


def platform_name() -> str:
    return f"{sys.platform}-{platform.machine()}"


def environment_digest(cell: Cell, tree: Sources) -> str:
    """All that decides what the probe sees: lock or image, overlay, variables, Python and platform."""
    assert cell.venv is not None
    lane = container_lane(cell)
    packages = {"image": lane.digest()} if lane else {"requirements": _lock_digest(cell)}
    return digest(
        {
            **packages,
            "overlay": overlay_digest(cell, tree),
            "env": cell.venv.env,
            "python": cell.venv.python,
            "platform": platform_name(),
        }
    )


def requirements_of(cell: Cell) -> dict[str, Any]:
    """The lock, by name, content and the packages it pins."""
    assert cell.venv is not None
    file = cell.root / cell.venv.requirements
    packages = dict(sorted(PIN.findall(file.read_text(encoding="utf-8"))))
    return {"file": cell.venv.requirements, "digest": _lock_digest(cell), "packages": packages}


def _lock_digest(cell: Cell) -> str:
    assert cell.venv is not None
    file = cell.root / cell.venv.requirements
    if not file.is_file():
        raise InputError(
            "there is no such lock", where=cell.venv.requirements, hint=f"run `atlas lock {Path(file).stem}`"
        )
    return sha256_file(file)
