"""Cells that this machine cannot run: a build leaves them as they are, and says why."""

from __future__ import annotations

from pathlib import Path

from atlas.engines.load import load_all
from atlas.engines.model import Cell
from atlas.environment.lane import VENV, container_lane, runtime_name
from atlas.environment.runtimes.gpu import vendors_here
from atlas.environment.runtimes.images import load_image
from atlas.errors import AtlasError


def environments_without_gpu(root: Path) -> dict[str, str]:
    """The environments of engines that need a GPU, by artefact, with the reason; none where one is here."""
    if vendors_here():
        return {}
    try:
        if runtime_name(root) == VENV:
            return {}
        engines = load_all(root)[0]
    except AtlasError:  # what is built will say so
        return {}
    cells = [engine.cell(version) for engine in engines for version in engine.versions]
    reason = "it needs a GPU, and this machine shows none"
    return {
        f"results/{cell.engine}/{cell.version}/environment.json": reason for cell in cells if _needs_gpu(cell)
    }


def _needs_gpu(cell: Cell) -> bool:
    try:
        if cell.venv is None or container_lane(cell) is None:
            return False
        spec = load_image(cell.root, cell.engine, cell.version)
    except AtlasError:
        return False
    return spec is not None and spec.gpu == "required"
