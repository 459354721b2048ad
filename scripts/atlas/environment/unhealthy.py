"""Which tracked cells have static facts alone because their environment is not healthy, and why."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from atlas.engines.load import load_all
from atlas.environment.health import failed


@dataclass(frozen=True)
class Unhealthy:
    """A cell in whose environment the engine cannot be imported; its reasons say what to do, too."""

    artefact: str
    engine: str
    version: str
    reasons: tuple[str, ...]


def unhealthy_cells(root: Path) -> list[Unhealthy]:
    """Those of the tracked cells whose environment.json says so."""
    found = []
    for engine in load_all(root)[0]:
        for version in engine.versions:
            artefact = f"results/{engine.name}/{version}/environment.json"
            reasons = _reasons(root / artefact)
            if reasons:
                found.append(Unhealthy(artefact, engine.name, version, reasons))
    return found


def _reasons(environment_json: Path) -> tuple[str, ...]:
    """Each once; none where it is healthy, absent or unreadable."""
    try:
        document = json.loads(environment_json.read_text(encoding="utf-8"))
        said = [one["reason"] for one in document["limitations"]] if failed(document) else []
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return ()
    return tuple(dict.fromkeys(said))


def text(cells: list[Unhealthy]) -> str:
    """A line for each reason of each cell."""
    return "\n".join(
        f"static facts only: {cell.engine} {cell.version}: {reason}"
        for cell in cells
        for reason in cell.reasons
    )
