"""What a run needs before it can start: an environment, a model, a command. Or why it cannot."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from atlas.environment.run import THREADS, Runtime, environment_of
from atlas.errors import InputError
from atlas.paths import cache_dir
from atlas.perf.cards import Card
from atlas.perf.driver import DRIVER
from atlas.perf.engine import load_perf, request_of
from atlas.perf.failure import NotReady
from atlas.perf.place import Place, place_of
from atlas.perf.synthetic import make_model, weights_digest
from atlas.probe import __main__ as probe

if TYPE_CHECKING:
    from atlas.perf.box import Box

__all__ = ["PROBE", "NotReady", "Ready", "ready"]

PROBE = Path(probe.__file__).parent

VISIBLE = ("CUDA_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES")


@dataclass(frozen=True)
class Ready:
    """A command that measures, in its scratch folder."""

    command: tuple[str, ...]
    env: dict[str, str]
    cwd: Path
    journal: Path | None
    packages: Path | None = None
    python: str | None = None
    model_digest: str | None = None
    runtime_digest: str | None = None
    notes: tuple[str, ...] = field(default_factory=tuple)
    image: Mapping[str, Any] | None = None
    box: Box | None = None
    """The container that it is run in; none for a process of this machine."""
    reads: tuple[Path, ...] = ()
    """What it has to see of this machine, beside the driver and what the engine is made of."""


def ready(root: Path, engine: str, version: str, card: Card, scratch: Path, *, bare: bool = False) -> Ready:
    """Prepare all that a card needs on an engine. NotReady says why that is not possible."""
    try:
        spec = load_perf(root, engine, version)
        if spec is None and not card.command:
            raise NotReady("invalid_card", f"the YAML of {engine} does not say how {version} is measured")
        if not card.fits(engine):
            raise NotReady("invalid_card", f"the card is not for {engine}")
        place = place_of(root, engine, version, spec or {}, card)
        made = _ready(place, engine, card, scratch, spec or {}, bare)
        return _contained(made, place, card, scratch, spec or {})
    except InputError as error:
        raise NotReady("invalid_card", str(error)) from error


def _ready(place: Place, engine: str, card: Card, scratch: Path, spec: dict[str, Any], bare: bool) -> Ready:
    runtime, folder, digest = place.runtime, place.packages, place.digest
    python, notes = place.python, place.notes
    env = _variables(runtime, scratch, card, spec)
    if card.command:
        words = [word.replace("{python}", str(runtime.python)) for word in card.command]
        cwd = scratch / "work"
        return Ready(tuple(words), env, cwd, None, folder, python, None, digest, notes)
    model, weights = _model(card)
    request = {**request_of(spec, card, model, engine), "probe": str(PROBE), "bare": bare}
    (scratch / "request.json").write_text(json.dumps(request), encoding="utf-8")
    journal = scratch / "journal.jsonl"
    command = [str(runtime.python), "-s", str(DRIVER), "--request", str(scratch / "request.json")]
    whole = (*command, "--output", str(journal))
    made = Ready(whole, env, scratch / "work", journal, folder, python, weights, digest, notes)
    return replace(made, reads=(Path(model),) if Path(model).is_absolute() else ())


def _contained(made: Ready, place: Place, card: Card, scratch: Path, spec: Mapping[str, Any]) -> Ready:
    """The same in its container, if it has one: what it sees there, and the variables that differ."""
    if place.box is None:
        return replace(made, image=place.image)
    shown = [PROBE, DRIVER, *place.runtime.paths, *made.reads]
    shown += [place.runtime.bytecode] if place.runtime.bytecode else []
    devices, said = place.box.environment(), {*spec.get("env", {}), *card.env}
    env = {name: value for name, value in made.env.items() if name not in VISIBLE or name in said}
    env |= {name: value for name, value in devices.items() if name not in said}
    if card.model and "hub" in card.model:
        if "HF_HOME" in os.environ:
            # Read only, so that nothing can be fetched into it.
            shown.append(Path(os.environ["HF_HOME"]))
            env["HF_HUB_OFFLINE"] = "1"
        elif not place.box.launcher.spec.network:
            what = f"{card.model['hub']} is of a hub, and the container has no network"
            raise NotReady("environment", f"{what}\nhint: set HF_HOME to a folder that has it")
    box = replace(place.box, shown=tuple(shown), writable=scratch)
    return replace(made, env=env, image=place.image, box=box)


def _model(card: Card) -> tuple[str, str | None]:
    assert card.model is not None
    if "hub" in card.model:
        return str(card.model["hub"]), card.model.get("revision")
    folder = make_model(card.model["synthetic"], cache_dir())
    return str(folder), weights_digest(folder)


def _variables(runtime: Runtime, scratch: Path, card: Card, spec: Mapping[str, Any]) -> dict[str, str]:
    """As for a probe, but with all the processors, the GPUs, and what the card and the engine's YAML set."""
    env = environment_of(runtime, scratch)
    threads = str(card.resources.get("threads") or len(os.sched_getaffinity(0)))
    env |= dict.fromkeys(THREADS, threads)
    if card.gpus_per_node:
        del env["CUDA_VISIBLE_DEVICES"]
        # A scheduler has given this job some of the node's GPUs.
        env |= {name: os.environ[name] for name in VISIBLE if name in os.environ}
    if card.model and "hub" in card.model:
        env |= {name: os.environ[name] for name in ("HF_HOME", "HF_TOKEN") if name in os.environ}
        env["HF_HUB_OFFLINE"] = os.environ.get("HF_HUB_OFFLINE", "0")
    return {**env, **spec.get("env", {}), **card.env}
