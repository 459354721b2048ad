"""What a run is measured in, a virtual environment of this machine or a container; or why there is none."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from atlas.engines.load import load_cell
from atlas.engines.model import Cell
from atlas.environment.health import FAILED, examine, explain
from atlas.environment.lane import VENV, container_lane, runtime_name
from atlas.environment.prepare import Prepared, environment_digest, prepare
from atlas.environment.run import Runtime
from atlas.errors import RunError, UnavailableError
from atlas.perf.cards import Card
from atlas.perf.environment import NO_IMAGE, Own, own_environment
from atlas.perf.failure import failing
from atlas.source.tree import SourceTree

if TYPE_CHECKING:
    from atlas.perf.box import Box


@dataclass(frozen=True)
class Place:
    """How an engine is run, and what a record tells of that."""

    runtime: Runtime
    digest: str
    python: str
    packages: Path | None
    """The folder that they are in, where that is one of this machine."""
    notes: tuple[str, ...] = ()
    image: Mapping[str, Any] | None = None
    box: Box | None = None
    """Without one, it is a process of this machine."""


def place_of(root: Path, engine: str, version: str, spec: Mapping[str, Any], card: Card) -> Place:
    """Build or fetch what is missing of it. NotReady where it cannot be had, or is not healthy."""
    own = own_environment(engine, version, dict(spec))
    if own is not None:
        with failing("environment"):
            return _own(root, own, card)
    cell = load_cell(root, engine, version)
    with failing("environment"):
        if cell.venv is None:
            raise UnavailableError("the engine's YAML names no environment")
        lane = container_lane(cell)
        source = root / "results" / engine / version / "source.json"
        tree = SourceTree.load(source, cell)
        if lane is None:
            made, key = prepare(cell, tree), environment_digest(cell, tree)
            require_healthy(cell, made, key, source.with_name("environment.json"))
            return Place(made.runtime, key, cell.venv.python, made.folder)

        from atlas.environment.runtimes.lane import ImageLane
        from atlas.perf.box import boxed, document, fetch

        assert isinstance(lane, ImageLane)
        _require_direct(card)
        fetch(lane)
        made, key = prepare(cell, tree), environment_digest(cell, tree)
        require_healthy(cell, made, key, source.with_name("environment.json"))
        box = boxed(lane, made.runtime, card)
        python = str(box.facts["python"]) if box else cell.venv.python
        return Place(made.runtime, key, python, None, (), box.document if box else document(lane), box)


def _own(root: Path, own: Own, card: Card) -> Place:
    """Of an environment of the engine's own: its image, where it names one and containers are set."""
    own.check(root)
    name, lane = runtime_name(root), None
    if own.image is not None and name != VENV:
        from atlas.perf.image import lane_of

        lane = lane_of(root, own, name)
    if lane is None:
        runtime, folder, key = own.prepare(root)
        return Place(runtime, key, own.python, folder, _notes(own, name))

    from atlas.perf.box import boxed, document, fetch

    _require_direct(card)
    fetch(lane)
    runtime = lane.runtime(())
    box = boxed(lane, runtime, card)
    python = str(box.facts["python"]) if box else own.python
    notes = (own.note,) if own.note else ()
    return Place(runtime, lane.digest(), python, None, notes, box.document if box else document(lane), box)


def _require_direct(card: Card) -> None:
    if card.launched:
        what = f"what `{card.launcher}` starts is not run in containers"
        raise UnavailableError(what, hint="set `runtime: venv`")


def require_healthy(cell: Cell, made: Prepared, key: str, environment_json: Path) -> None:
    """RunError with what is missing where the engine cannot be imported; asked again if that isn't known."""
    try:
        known = json.loads(environment_json.read_text(encoding="utf-8"))
        same, verdict = known["digest"] == key, known["health"]["verdict"]
        said = "; ".join(dict.fromkeys(one["reason"] for one in known["limitations"]))
    except (OSError, ValueError, KeyError, TypeError):
        same, verdict, said = False, None, ""
    if not same:
        health = examine(cell, made)
        verdict, said = health.verdict, explain(health)
    if verdict == FAILED:
        raise RunError(f"the engine cannot be imported there: {said}")


def _notes(own: Own, runtime: str) -> tuple[str, ...]:
    """Of an environment that is a lock, and no image."""
    notes = [own.note] if own.note else []
    if runtime not in (VENV, "auto"):
        notes.append(f"measured in a virtual environment and not in {runtime}: {NO_IMAGE}")
    return tuple(notes)
