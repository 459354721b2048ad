"""What a run needs before it can start: an environment, a model, a command. Or why it cannot."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from atlas.environment.run import THREADS, Runtime, environment_of
from atlas.errors import InputError
from atlas.paths import cache_dir
from atlas.perf.bench import bench_request
from atlas.perf.cards import OFFLINE, Card
from atlas.perf.convert import Converted, Converter, converted
from atlas.perf.driver import DRIVER
from atlas.perf.engine import load_perf, request_of, revision_of
from atlas.perf.environment import converter_environment
from atlas.perf.failure import NotReady, failing
from atlas.perf.formats import Format, load_formats
from atlas.perf.nodes import launch_command
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
    form: Format | None = None
    """That of the result of the engine's own tool, where such a one measures."""
    converted_s: float | None = None
    """How long it took to convert the model, if that was done for this run."""
    image: Mapping[str, Any] | None = None
    box: Box | None = None
    """The container that it is run in; none for a process of this machine."""
    reads: tuple[Path, ...] = ()
    """What it has to see of this machine, beside the driver and what the engine is made of."""
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
        place = place_of(root, engine, version, spec or {}, card)
        if card.command:
            made = _commanded(place, card, scratch, spec or {})
        else:
            made = _ready(root, place, engine, version, card, scratch, spec or {}, bare)
        return _contained(made, place, card, scratch, spec or {})
    except InputError as error:
        raise NotReady("invalid_card", str(error)) from error


def _commanded(place: Place, card: Card, scratch: Path, spec: Mapping[str, Any]) -> Ready:
    words = tuple(word.replace("{python}", str(place.runtime.python)) for word in card.command)
    env = _variables(place.runtime, scratch, card, spec)
    work, packages, python = scratch / "work", place.packages, place.python
    if not card.launched:
        return Ready(words, env, work, None, packages, python, None, place.digest, place.notes)
    model, weights = _model(card) if card.model else (None, None)
    whole = launch_command(card, list(words), model, scratch)
    made = Ready(whole, env, work, None, packages, python, weights, place.digest, place.notes)
    return replace(made, launch=scratch)


def _ready(
    root: Path,
    place: Place,
    engine: str,
    version: str,
    card: Card,
    scratch: Path,
    spec: dict[str, Any],
    bare: bool,
) -> Ready:
    """What the driver does: it asks the engine itself, or runs what the engine has for that."""
    python, work, journal = str(place.runtime.python), scratch / "work", scratch / "journal.jsonl"
    model, weights = _model(card)
    made = _converted(root, place, engine, version, card, scratch, spec)
    if made is not None:
        model = str(made.folder)
    if card.mode == OFFLINE:
        request = {**request_of(spec, card, model, engine), "probe": str(PROBE), "bare": bare}
    elif bare:
        what = f"the mode of {card.name} is `{card.mode}`, and a bare loop is in the engine's own process"
        raise InputError(what, where=card.where)
    else:
        places = {"python": python, "model": model, "output": str(work)}
        request = {"bench": bench_request(spec, card, engine, places)}
    (scratch / "request.json").write_text(json.dumps(request), encoding="utf-8")
    command = (python, "-s", str(DRIVER), "--request", str(scratch / "request.json"))
    return Ready(
        (*command, "--output", str(journal)),
        _variables(place.runtime, scratch, card, spec),
        work,
        journal,
        place.packages,
        place.python,
        weights,
        place.digest,
        (*place.notes, *([made.note] if made else [])),
        form=None if card.mode == OFFLINE else load_formats(root)[spec["bench"][card.mode]["format"]],
        converted_s=made.seconds if made and made.now else None,
        reads=(Path(model),) if Path(model).is_absolute() else (),
    )


def _converted(
    root: Path, place: Place, engine: str, version: str, card: Card, scratch: Path, spec: dict[str, Any]
) -> Converted | None:
    """The model as the engine's converter makes it; None where it takes it as it is."""
    if "convert" not in spec:
        return None
    runtime, made_of = place.runtime, place.digest
    own = converter_environment(engine, version, spec)
    if own is not None:
        with failing("environment"):
            runtime, _, made_of = own.prepare(root)
    elif place.box is not None:
        raise NotReady("environment", "models are converted in no container, and in what else is not said")
    env = _variables(runtime, scratch, card, spec)
    command, limit = tuple(spec["convert"]["command"]), card.timeout_s or None
    by = Converter(command, runtime.python, env, made_of, limit, card.where, revision_of(card))
    model, weights = _model(card)
    # A hub's model is another one tomorrow.
    known = weights if card.model and "synthetic" in card.model else None
    return converted(model, known, by, cache_dir(), scratch)


def _contained(made: Ready, place: Place, card: Card, scratch: Path, spec: Mapping[str, Any]) -> Ready:
    """The same in its container, if it has one: what it sees there, and the variables that differ."""
    if place.box is None:
        return replace(made, image=place.image)
    shown = [PROBE, DRIVER, *place.runtime.paths, *made.reads]
    shown += [place.runtime.bytecode] if place.runtime.bytecode else []
    devices, said = place.box.environment(), _set(spec, card)
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
    if card.launched:
        # The launch has to find its allocation, its nodes the engine's programs and a folder of their own.
        env |= {name: value for name, value in os.environ.items() if "SLURM" in name}
        env["PATH"] = os.pathsep.join([str(runtime.python.parent), env.get("PATH", "")])
        env["TMPDIR"] = tempfile.gettempdir()
    return env | _set(spec, card)


def _set(spec: Mapping[str, Any], card: Card) -> dict[str, str]:
    """The variables that the engine's YAML and the card set."""
    tool = spec.get("bench", {}).get(card.mode, {})
    return {**spec.get("env", {}), **tool.get("env", {}), **card.env}
