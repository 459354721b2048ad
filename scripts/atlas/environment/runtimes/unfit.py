"""Cells that this machine cannot run: a run leaves them as they are, and says why."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from atlas.engines.model import Cell
from atlas.environment.lane import VENV, container_lane, runtime_name
from atlas.environment.runtimes.gpu import vendors_here
from atlas.environment.runtimes.images import load_image
from atlas.errors import AtlasError

REASON = "it needs a GPU, and this machine shows none"


def without_gpu(root: Path, cells: Iterable[Cell]) -> list[Cell]:
    """Those of the cells that need a GPU, as things are set; none where one is here."""
    try:
        if vendors_here() or runtime_name(root) == VENV:
            return []
    except AtlasError:  # what is built will say so
        return []
    return [cell for cell in cells if _needs_gpu(cell)]


def _needs_gpu(cell: Cell) -> bool:
    try:
        if cell.venv is None or container_lane(cell) is None:
            return False
        spec = load_image(cell.root, cell.engine, cell.version)
    except AtlasError:
        return False
    return spec is not None and spec.gpu == "required"
