"""Which cells of engine, version, card and hardware can be measured here, and why others cannot."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from atlas.canonical import digest
from atlas.cluster import placement
from atlas.cluster.allocation import nodes_here
from atlas.cluster.settings import Site
from atlas.engines.load import load_all
from atlas.environment.lane import VENV, runtime_name
from atlas.errors import AtlasError, InputError
from atlas.perf.aggregate import find_records, own_record
from atlas.perf.cards import Card, load_cards
from atlas.perf.engine import load_perf, perf_engines, relevant, translated
from atlas.perf.environment import NO_IMAGE, converter_environment, own_environment, own_environments
from atlas.perf.machine import gpus_here, hardware_key
from atlas.perf.record import RESULTS, hardware_in, path_of, place_of_runs, read
from atlas.perf.select import chosen, select
from atlas.yamlfile import load_yaml


@dataclass(frozen=True)
class Cell:
    """One card on one version of an engine; `skipped` says why it cannot be measured here."""

    engine: str
    version: str
    card: Card
    hardware: str
    skipped: str | None = None
    runtime: str = VENV

    @property
    def place(self) -> str:
        return place_of_runs(self.hardware, self.runtime)

    def path(self, root: Path, repeat: int) -> Path:
        return path_of(root, self.engine, self.version, self.place, self.card.name, repeat)


@dataclass(frozen=True)
class PerfPlan:
    """All cells of the versions that are kept in full, or that have an environment to be measured in."""

    root: Path
    words: tuple[str, ...] = ("all",)
    confirm: bool = False
    """Whether as many runs again are wanted, that confirm what the first ones have shown."""
    site: Site | None = None
    """The cluster whose nodes measure, where it isn't this machine."""

    def chosen(self) -> list[Card]:
        return [choice.card for choice in select(load_cards(self.root), self.words) if choice.chosen]

    @cached_property
    def cells(self) -> list[Cell]:
        """Cells of the chosen cards; versions that no entry of their engine's `perf` is for have none."""
        found = []
        chosen = self.chosen()
        in_full = {engine.name: engine.versions for engine in load_all(self.root)[0]}
        for engine, versions in perf_engines(self.root).items():
            for version in versions:
                spec = load_perf(self.root, engine, version)
                # Without an environment of its own, it is the one that a version kept in full has.
                if spec is not None and ("environment" in spec or version in in_full.get(engine, ())):
                    runtime = _runtime_of(self.root, spec)
                    found += [cell(engine, version, card, spec, self.site, runtime) for card in chosen]
        return found

    def beside(self) -> list[str]:
        """What is measured in virtual environments here though containers are set; none where that fails."""
        try:
            set_to = runtime_name(self.root)
            found = {(one.engine, one.version): None for one in self.here if one.runtime != set_to}
        except AtlasError:
            return []
        why = f"in a virtual environment, and not in {set_to}: {NO_IMAGE}"
        return [f"{engine} {version}: {why}" for engine, version in found] if set_to != "auto" else []

    @cached_property
    def here(self) -> list[Cell]:
        return [one for one in self.cells if one.skipped is None]

    @cached_property
    def hardware(self) -> list[str]:
        """The hardware keys that are here; none where the cards cannot be read, which `inputs` tells."""
        return sorted({hardware_in(place) for place in self.places})

    @cached_property
    def places(self) -> list[str]:
        """The same with what starts the engines, as records' folders are named."""
        try:
            return sorted({one.place for one in self.here})
        except AtlasError:
            return []

    def records(self) -> list[str]:
        """The records that measuring here makes, relative to the project."""
        return [
            one.path(self.root, repeat).relative_to(self.root).as_posix()
            for one in self.here
            for repeat in range(1, one.card.repeats * (1 + self.confirm) + 1)
        ]

    def kept(self) -> list[str]:
        """The records that the project keeps: of hardware that config.yaml names, kept or measured here."""
        settings = load_yaml(self.root / "config/config.yaml", "config/config.yaml").value
        names = (settings.get("perf") or {}).get("hardware", [])
        found = [
            path
            for path in find_records(self.root)
            if hardware_in(path.relative_to(self.root).parts[4]) in names and path.stem.isdigit()
        ]
        places = {Path(RESULTS, *path.relative_to(self.root).parts[1:]).as_posix() for path in found}
        return sorted(places)

    def elsewhere(self) -> list[str]:
        """What the project keeps of hardware that is not here, and that is not measured again on this."""
        counts: dict[tuple[str, ...], int] = {}
        for path in find_records(self.root, (RESULTS,)):
            engine, version, _, hardware, card = path.relative_to(self.root).parts[1:6]
            if hardware_in(hardware) not in self.hardware:
                key = (engine, version, card, hardware)
                counts[key] = counts.get(key, 0) + 1
        here = ", ".join(self.hardware) or "nothing that a card can be measured on"
        return [
            f"{engine} {version} {card}: {count} runs on {hardware} are kept, and here is {here}"
            for (engine, version, card, hardware), count in sorted(counts.items())
        ]

    def failed(self) -> list[str]:
        """Records of failures that are on disk, with their kind; none where the cards cannot be read."""
        try:
            return [f"{path}: {kind}" for path, kind in self._failures()]
        except AtlasError:
            return []

    def to_retry(self) -> list[str]:
        return [path for path, _ in self._failures()]

    def _failures(self) -> Iterable[tuple[str, str]]:
        for path in self.records():
            if (self.root / path).is_file():
                try:
                    record = read(self.root / path)
                except InputError:
                    yield path, "no record"
                    continue
                if record["status"] != "SUCCESS":
                    yield path, f"{record['failure_kind']}: {str(record['failure_reason'])[:120]}"

    def inputs(self, workflow: Any, retry: str | None) -> Callable[[Any], list[str]]:
        """An input function: the records that are measured here, and all others as they are.

        Failed ones are made again if `retry` is `failed`, as --forcerun would; settings of that kind are
        not there yet when a Snakefile is read.
        """
        if retry not in (None, "failed"):
            raise InputError(f"--config retry={retry}: it can only be `failed`")

        def records(_: Any) -> list[str]:
            if retry:
                workflow.dag.forcefiles.update(self.to_retry())
            here = set(self.records())
            others = [path.relative_to(self.root) for path in find_records(self.root)]
            # What tells of a run that was ended goes when the run gets a record of its own.
            return sorted(here | {one.as_posix() for one in others if own_record(one).as_posix() not in here})

        return records

    def locks(self) -> list[str]:
        """The locks of the environments that some engines are measured in, relative to the project."""
        return sorted({own.requirements for own in own_environments(self.root)})

    def needs(self, wildcards: Any) -> list[str]:
        """An input function: what an engine is measured in is made from."""
        engine, version = wildcards.engine, wildcards.version
        try:
            spec = load_perf(self.root, engine, version) or {}
        except AtlasError:
            spec = {}
        own, converter = own_environment(engine, version, spec), converter_environment(engine, version, spec)
        built = [f"results/{engine}/{version}/{name}.json" for name in ("source", "environment")]
        return [*([own.requirements] if own else built), *([converter.requirements] if converter else [])]

    def card_of(self, wildcards: Any) -> str:
        """A params function: the digest of what a run measures."""
        try:
            (card,) = chosen(load_cards(self.root), [wildcards.card])
        except (AtlasError, ValueError):
            return "no such card"
        return card.digest()[7:23]

    def spec_of(self, wildcards: Any) -> str:
        """A params function: the digest of how the engine's YAML says that it is measured."""
        try:
            spec = load_perf(self.root, wildcards.engine, wildcards.version)
            (card,) = chosen(load_cards(self.root), [wildcards.card])
            return digest(relevant(spec, card.mode))[7:23] if spec else "not measured"
        except (AtlasError, ValueError) as error:
            return f"not valid: {error}"

    def runtime_of(self, wildcards: Any) -> str:
        """A params function: what starts the engine, as numbers of different ones are not comparable."""
        try:
            return runtime_for(self.root, wildcards.engine, wildcards.version)
        except AtlasError as error:
            return f"not valid: {error}"


RULE = "measure"
"""The rule that runs cards."""


def runtime_for(root: Path, engine: str, version: str) -> str:
    """What starts an engine, as it is set; an environment of its own without an image is a virtual one."""
    return _runtime_of(root, load_perf(root, engine, version) or {})


def _runtime_of(root: Path, spec: dict[str, Any]) -> str:
    own = spec.get("environment")
    return VENV if own is not None and "image" not in own else runtime_name(root)


def cell(
    engine: str,
    version: str,
    card: Card,
    spec: dict[str, Any],
    site: Site | None = None,
    runtime: str = VENV,
) -> Cell:
    if site is None:
        hardware = hardware_key(card.gpus_per_node)
    else:
        hardware = placement.hardware_of(site, RULE, card) or "none"
    skipped = _why_not(engine, card, spec, site)
    if skipped is None and card.launched and runtime not in (VENV, "auto"):
        skipped = f"what `{card.launcher}` starts is not run in containers, and `runtime` is {runtime}"
    return Cell(engine, version, card, hardware, skipped, runtime)


def _why_not(engine: str, card: Card, spec: dict[str, Any], site: Site | None) -> str | None:
    if not card.fits(engine):
        return f"the card is for {', '.join(card.engines or ())}"
    if site is not None:
        reason = placement.why_not(site, RULE, card)
        if reason:
            return reason
    elif card.launched and nodes_here() < card.nnodes:
        return f"is for {card.nnodes} nodes of a cluster, and here are {nodes_here() or 'none'} (docs/hpc.md)"
    elif card.gpus_per_node > gpus_here():
        return f"needs {card.gpus_per_node} GPUs, and here are {gpus_here()}"
    if spec.get("gpu") == "required" and not card.gpus_per_node:
        return f"{engine} needs a GPU, and the card asks for none"
    if spec.get("gpu") == "none" and card.gpus_per_node:
        return f"what {engine} is measured with here uses no GPU, and the card asks for one"
    if card.launched:
        return None
    try:
        translated(spec, card, engine)
    except InputError as error:
        return error.what
    return None
