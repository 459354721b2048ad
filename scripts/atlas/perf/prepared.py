"""What a run needs before it can start: an environment, a model, a command. Or why it cannot."""

from __future__ import annotations

import json
import os
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
from atlas.perf.bench import bench_request
from atlas.perf.cards import OFFLINE, Card
from atlas.perf.convert import Converted, Converter, NotConverted, converted
from atlas.perf.driver import DRIVER
from atlas.perf.engine import load_perf, request_of
from atlas.perf.environment import converter_environment, own_environment
from atlas.perf.formats import Format, load_formats
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
    form: Format | None = None
    """That of the result of the engine's own tool, where such a one measures."""
    converted_s: float | None = None
    """How long it took to convert the model, if that was done for this run."""


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
    if bare and card.mode != OFFLINE:
        raise InputError(
            f"a bare loop is in the engine's own process: the mode of {card.name} is `{card.mode}`"
        )
    runtime, folder, digest, python, notes = _environment(root, engine, version, spec)
    env = _variables(runtime, scratch, card, spec)
    if card.command:
        words = [word.replace("{python}", str(runtime.python)) for word in card.command]
        cwd = scratch / "work"
        return Ready(tuple(words), env, cwd, None, folder, python, None, digest, notes)
    model, weights = _model(card)
    made = _converted(root, engine, version, card, scratch, spec, model, weights, runtime, digest)
    if made is not None:
        model, notes = str(made.folder), (*notes, made.note)
    if card.mode == OFFLINE:
        request = {**request_of(spec, card, model, engine), "probe": str(PROBE), "bare": bare}
        form = None
    else:
        places = {"python": str(runtime.python), "model": model, "output": str(scratch / "work")}
        request = {"bench": bench_request(spec, card, engine, places)}
        form = load_formats(root)[spec["bench"][card.mode]["format"]]
    (scratch / "request.json").write_text(json.dumps(request), encoding="utf-8")
    journal = scratch / "journal.jsonl"
    command = [str(runtime.python), "-s", str(DRIVER), "--request", str(scratch / "request.json")]
    whole = (*command, "--output", str(journal))
    seconds = made.seconds if made is not None and made.now else None
    return Ready(whole, env, scratch / "work", journal, folder, python, weights, digest, notes, form, seconds)


def _converted(
    root: Path,
    engine: str,
    version: str,
    card: Card,
    scratch: Path,
    spec: dict[str, Any],
    model: str,
    weights: str | None,
    runtime: Runtime,
    digest: str,
) -> Converted | None:
    """The model as the engine's converter makes it; None where it takes it as it is."""
    if "convert" not in spec:
        return None
    own = converter_environment(engine, version, spec)
    try:
        if own is not None:
            runtime, _, digest = own.prepare(root)
        by = Converter(
            tuple(spec["convert"]["command"]),
            runtime.python,
            _variables(runtime, scratch, card, spec),
            digest,
            card.timeout_s or None,
            card.where,
        )
        return converted(model, weights, by, cache_dir(), scratch)
    except NotConverted as error:
        raise NotReady(error.kind, str(error)) from error
    except AtlasError as error:
        raise NotReady("environment", str(error)) from error


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
    tool = spec.get("bench", {}).get(card.mode, {})
    return {**env, **spec.get("env", {}), **tool.get("env", {}), **card.env}
