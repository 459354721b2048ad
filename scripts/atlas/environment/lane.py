"""Where an engine's code is run: in a virtual environment of this machine, or in a container.

`runtime` in config/config.yaml says so, and ATLAS_RUNTIME before it: `venv` (where neither says anything),
`docker`, `podman`, `apptainer`, or `auto` for what this machine can run.
"""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import Any, Protocol

from atlas.engines.model import Cell
from atlas.environment.run import Runtime
from atlas.errors import InputError
from atlas.yamlfile import load_yaml

VENV = "venv"
NAMES = (VENV, "docker", "podman", "apptainer", "auto")
# By a name that is no import, as what starts a process decides nothing of what is found: the image's
# digest does, and is recorded. So a change there makes no artefact stale.
CONTAINERS = "atlas.environment.runtimes.lane"


class Lane(Protocol):
    """A cell's image, and what runs it."""

    def runtime(self, paths: tuple[Path, ...]) -> Runtime:
        """Have the image here, and the interpreter in it with the folders `paths` laid over its packages."""

    def digest(self) -> str:
        """What the image is, whatever runs it."""

    def document(self) -> dict[str, Any]:
        """The image, as environment.json tells it."""


def runtime_name(root: Path) -> str:
    """The runtime that is set."""
    where, name = "ATLAS_RUNTIME", os.environ.get("ATLAS_RUNTIME")
    file = root / "config" / "config.yaml"
    if not name and file.is_file():
        where, name = "config/config.yaml", load_yaml(file).value.get("runtime")
    name = name or VENV
    if name not in NAMES:
        raise InputError(f"no runtime `{name}`", where=where, hint=f"one of {', '.join(NAMES)}")
    return name


def container_lane(cell: Cell) -> Lane | None:
    """What a cell's engine is run in, where that is a container."""
    name = runtime_name(cell.root)
    if name == VENV:
        return None
    lane: Lane | None = importlib.import_module(CONTAINERS).lane(cell, name)
    return lane
