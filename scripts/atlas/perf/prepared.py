"""What a run needs before it can start: an environment, a model, a command. Or why it cannot."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from atlas.engines.load import load_cell
from atlas.environment.lane import container_lane
from atlas.environment.prepare import environment_digest, prepare
from atlas.environment.run import THREADS, Runtime, environment_of
from atlas.errors import AtlasError, InputError, UnavailableError
from atlas.paths import cache_dir
from atlas.perf.cards import Card
from atlas.perf.driver import DRIVER
from atlas.perf.engine import load_perf, request_of
from atlas.perf.environment import own_environment
from atlas.perf.nodes import launch_command
from atlas.perf.synthetic import make_model, weights_digest
from atlas.probe import __main__ as probe
from atlas.source.tree import SourceTree

PROBE = Path(probe.__file__).parent

VISIBLE = ("CUDA_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES")


class NotReady(Exception):
    """A run that cannot start, with the kind of failure."""

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind


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
    launch: Path | None = None
    """Where a launch over nodes leaves what came of it."""


def ready(root: Path, engine: str, version: str, card: Card, scratch: Path, *, bare: bool = False) -> Ready:
    """Prepare all that a card needs on an engine. NotReady says why that is not possible."""
    try:
        spec = load_perf(root, engine, version)
        if spec is None and not card.command:
            raise NotReady("invalid_card", f"the YAML of {engine} does not say how {version} is measured")
        if not card.fits(engine):
            raise NotReady("invalid_card", f"the card is not for {engine}")
        return _ready(root, engine, version, card, scratch, spec or {}, bare)
    except InputError as error:
        raise NotReady("invalid_card", str(error)) from error


def _ready(
    root: Path, engine: str, version: str, card: Card, scratch: Path, spec: dict[str, Any], bare: bool
) -> Ready:
    runtime, folder, digest, python, notes = _environment(root, engine, version, spec)
    env = _variables(runtime, scratch, card, spec)
    if card.command:
        words = [word.replace("{python}", str(runtime.python)) for word in card.command]
        cwd = scratch / "work"
        if card.launched:
            model, weights = _model(card) if card.model else (None, None)
            whole = launch_command(card, words, model, scratch)
            return Ready(whole, env, cwd, None, folder, python, weights, digest, notes, scratch)
        return Ready(tuple(words), env, cwd, None, folder, python, None, digest, notes)
    model, weights = _model(card)
    request = {**request_of(spec, card, model, engine), "probe": str(PROBE), "bare": bare}
    (scratch / "request.json").write_text(json.dumps(request), encoding="utf-8")
    journal = scratch / "journal.jsonl"
    command = [str(runtime.python), "-s", str(DRIVER), "--request", str(scratch / "request.json")]
    driven = (*command, "--output", str(journal))
    return Ready(driven, env, scratch / "work", journal, folder, python, weights, digest, notes)


def _environment(
    root: Path, engine: str, version: str, spec: dict[str, Any]
) -> tuple[Runtime, Path, str, str, tuple[str, ...]]:
    """How it is run, where its packages are, its digest, its Python, and what is to be said of it."""
    own = own_environment(engine, version, spec)
    if own is not None:
        try:
            return *own.prepare(root), own.python, (own.note,) if own.note else ()
        except AtlasError as error:
            raise NotReady("environment", str(error)) from error
    cell = load_cell(root, engine, version)
    try:
        if cell.venv is None:
            raise UnavailableError("the engine's YAML names no environment")
        lane = container_lane(cell)
        if lane is not None:
            raise UnavailableError("runs in containers are not measured yet", hint="ATLAS_RUNTIME=venv")
        tree = SourceTree.load(root / "results" / engine / version / "source.json", cell)
        made = prepare(cell, tree)
        return made.runtime, made.folder, environment_digest(cell, tree), cell.venv.python, ()
    except AtlasError as error:
        raise NotReady("environment", str(error)) from error


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
    if card.launched:
        # The launch has to find its allocation, its nodes the engine's programs and a folder of their own.
        env |= {name: value for name, value in os.environ.items() if "SLURM" in name}
        env["PATH"] = os.pathsep.join([str(runtime.python.parent), env.get("PATH", "")])
        env["TMPDIR"] = tempfile.gettempdir()
    return {**env, **spec.get("env", {}), **card.env}
