"""What the Snakefile asks: which artefacts there should be, and what each depends on in the YAML."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from atlas.canonical import digest
from atlas.engines.load import history_cells, load_all
from atlas.engines.model import Cell, Engine
from atlas.engines.serve import load_serve, load_serves
from atlas.environment.lane import container_lane
from atlas.environment.lock import PLATFORM, SIZE
from atlas.environment.runtimes.gpu import vendors_here
from atlas.environment.runtimes.images import LOCK, load_image
from atlas.environment.runtimes.unfit import REASON, without_gpu
from atlas.errors import AtlasError
from atlas.perf.environment import own_environments
from atlas.provenance.codeprint import code
from atlas.provenance.lastgood import available
from atlas.validation import check
from atlas.yamlfile import load_yaml

if TYPE_CHECKING:  # imported where containers are set, and only there: it takes a second
    from atlas.environment.runtimes.lane import ImageLane

HISTORY = "history.facts.json"
INVARIANTS = ("invariants.yaml", "invariants.quarantine.yaml", "invariants.coverage.json")
PROJECT_IMAGE = "containers/engine-atlas.sif"
"""What jobs are put into by `--sdm apptainer`; made by `make container`."""
Key: TypeAlias = tuple[str, str]
"""Engine and version."""
Wildcards: TypeAlias = Any


@dataclass(frozen=True)
class Plan:
    """All cells of the project.

    The cells of an engine whose YAML cannot be used stay in the plan as far as they were built, with the
    error as a parameter: they are stale, their jobs fail with that error, and no other engine suffers.
    """

    root: Path
    engines: tuple[Engine, ...]
    cells: dict[Key, Cell]
    broken: dict[Key, str]
    tracked: dict[Key, Cell]
    """All tracked versions: those of `cells`, and those of which only the history is kept."""
    unread: dict[Key, str]
    """Versions whose history was built, of engines whose YAML cannot be used, with the error."""
    _trees: dict[Key, str] = field(default_factory=dict)

    @classmethod
    def load(cls, root: Path) -> Plan:
        settings = "config/config.yaml"
        check(load_yaml(root / settings, settings), "project")
        engines, broken = load_all(root)
        return cls(
            root,
            tuple(engines),
            {
                (engine.name, version): engine.cell(version)
                for engine in engines
                for version in engine.versions
            },
            {(engine.name, version): engine.error for engine in broken for version in engine.versions},
            {
                (engine.name, version): cell
                for engine in engines
                for version, cell in history_cells(engine).items()
            },
            {
                (engine.name, path.parent.name): engine.error
                for engine in broken
                for path in (root / "results" / engine.name).glob(f"*/{HISTORY}")
            },
        )

    # Artefacts.

    @cached_property
    def schemas(self) -> list[str]:
        return self._artefacts("schema.discovered.json", self.is_published)

    @cached_property
    def invariants(self) -> list[str]:
        return [path for name in INVARIANTS for path in self._artefacts(name, self.is_published)]

    @cached_property
    def knowledge(self) -> list[str]:
        """What the command line reads: of versions whose command line takes a file, its schema too."""
        found = self._artefacts("knowledge.json", self.is_published)
        return [*found, *self._artefacts("cli.schema.json", self._takes_file)]

    def _takes_file(self, key: Key) -> bool:
        if key in self.broken or not self.is_published(key):
            return False
        return bool((load_serve(self.root, *key) or {}).get("config_flag"))

    @cached_property
    def cell_artefacts(self) -> list[str]:
        sources = self._artefacts("source.json", lambda _: True)
        environments = self._artefacts("environment.json", self.has_environment)
        return [*sources, *environments, *self.schemas, *self.invariants]

    @cached_property
    def history(self) -> list[str]:
        """The facts of every version that has sources, and what they come to for each engine."""
        keys = [key for key in sorted({*self.tracked, *self.unread}) if self._has_history(key)]
        facts = [artefact(key, HISTORY) for key in keys]
        return [*facts, *(f"results/{engine}/history.json" for engine in sorted({key[0] for key in keys}))]

    def _has_history(self, key: Key) -> bool:
        return key not in self.cells or self.is_published(key)

    def _artefacts(self, name: str, condition: Callable[[Key], bool]) -> list[str]:
        return [artefact(key, name) for key in sorted({*self.cells, *self.broken}) if condition(key)]

    def is_published(self, key: Key) -> bool:
        """A cell has a schema unless it is known that there are no sources for the pin as it is now."""
        if key in self.broken:
            return True
        known = self._built(key, "source.json")
        return (
            known.get("status") != "unavailable"
            or known.get("spec_digest") != digest(self.cells[key].source_spec())
            or self._local_tree(key) != "none"
        )

    def has_environment(self, key: Key) -> bool:
        if key in self.broken:
            return bool(self._built(key, "environment.json"))
        return self.cells[key].venv is not None

    def _built(self, key: Key, name: str) -> dict[str, Any]:
        """An artefact as it is on disk; empty where there is none that can be read."""
        try:
            return dict(json.loads((self.root / artefact(key, name)).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return {}

    # Input functions.

    def lock_of(self, wildcards: Wildcards) -> list[str]:
        """The lock of a cell's environment."""
        key = _key(wildcards)
        if not self.has_environment(key):
            return []
        if key in self.broken:
            file = (self._built(key, "environment.json").get("requirements") or {}).get("file")
            return [file] if file else []
        venv = self.cells[key].venv
        return [venv.requirements] if venv else []

    def source_of(self, wildcards: Wildcards) -> list[str]:
        """The sources that are pinned already; of versions without one, the pin alone leads to them."""
        key = _key(wildcards)
        return [artefact(key, "source.json")] if key in self.cells else []

    def facts_of(self, wildcards: Wildcards) -> list[str]:
        """What the history of an engine is made from."""
        start = f"results/{wildcards.engine}/"
        mine = [path for path in self.history if path.startswith(start) and path.endswith(f"/{HISTORY}")]
        return available(mine)

    def environment_of(self, wildcards: Wildcards) -> list[str]:
        key = _key(wildcards)
        return [artefact(key, "environment.json")] if self.has_environment(key) else []

    def image_of(self, wildcards: Wildcards) -> list[str]:
        """The record of a cell's image, where containers are set and it is one that the project builds."""
        return [artefact(_key(wildcards), "image.json")] if self.image_inputs(wildcards) else []

    def image_inputs(self, wildcards: Wildcards) -> list[str]:
        """The files that it is built from."""
        cell = self.cells.get(_key(wildcards))
        try:
            if cell is None or cell.venv is None or container_lane(cell) is None:
                return []
            spec = load_image(self.root, cell.engine, cell.version)
        except AtlasError:
            return []
        return [spec.name, LOCK, cell.venv.requirements] if spec and spec.kind == "dockerfile" else []

    # Parameters.

    def image(self, wildcards: Wildcards) -> str:
        """What a cell's engine is run in, whatever runs it; none where that is no container.

        Of an image that is built, without the files that it is made from: they are inputs, and may be made
        anew in the very run that builds it.
        """
        cell = self.cells.get(_key(wildcards))
        try:
            lane = container_lane(cell) if cell and cell.venv else None
            return cast("ImageLane", lane).planned() if lane else "none"
        except AtlasError as error:
            return f"not known: {error.what}"

    def container(self, wildcards: Wildcards) -> str:
        """What a live job is put into by `--sdm apptainer`: the image of its engine, else the project's."""
        cell = self.cells.get(_key(wildcards))
        try:
            lane = container_lane(cell) if cell and cell.venv else None
            return cast("ImageLane", lane).container if lane else PROJECT_IMAGE
        except AtlasError:  # the job will say so
            return PROJECT_IMAGE

    def gpus(self, wildcards: Wildcards) -> int | None:
        """How many a live job asks for: what its engine cannot do without, or uses where there is one."""
        key = _key(wildcards)
        cell = self.cells.get(key)
        try:
            if cell is None or cell.venv is None or container_lane(cell) is None:
                return None
            spec = load_image(self.root, *key)
        except AtlasError:  # the job will say so
            return None
        if spec is None or spec.gpu == "none" or (spec.gpu == "optional" and not vendors_here()):
            return None
        return spec.gpus

    def unfit(self) -> dict[str, str]:
        """The environments that this machine cannot run, with the reason."""
        cells = without_gpu(self.root, self.cells.values())
        return {artefact((cell.engine, cell.version), "environment.json"): REASON for cell in cells}

    def spec(self, stage: str, part: str) -> Callable[[Wildcards], str]:
        """A params function: the digest of a part of the engine's YAML, as far as `stage` uses it."""

        def of_cell(wildcards: Wildcards) -> str:
            key = _key(wildcards)
            return (
                f"not valid: {self.broken[key]}"
                if key in self.broken
                else self.cells[key].params(stage)[part]
            )

        return of_cell

    def history_spec(self, stage: str, part: str) -> Callable[[Wildcards], str]:
        """The same of any tracked version."""

        def of_version(wildcards: Wildcards) -> str:
            key = _key(wildcards)
            if key in self.unread:
                return f"not valid: {self.unread[key]}"
            return self.tracked[key].params(stage)[part]

        return of_version

    def serve_of(self, wildcards: Wildcards) -> str:
        """A params function: the digest of what the YAML says of how the engine is started, and of links."""
        key = _key(wildcards)
        if key in self.broken:
            return f"not valid: {self.broken[key]}"
        return digest([load_serve(self.root, *key), self.cells[key].source_url])[7:23]

    def serves_of(self, wildcards: Wildcards) -> str:
        """A params function: the digest of the same for all tracked versions of an engine."""
        engine = wildcards.engine
        versions = sorted(version for name, version in self.tracked if name == engine)
        if not versions:
            return "not valid"
        return digest(load_serves(self.root, engine, versions))[7:23]

    def dependencies_of(self, wildcards: Wildcards) -> list[str]:
        """What a lock is made from."""
        return self.locks[wildcards.lock]

    @cached_property
    def locks(self) -> dict[str, list[str]]:
        """The locks that are made (others are kept by hand): what is wanted, and what is not."""
        found = {}
        for key in self.broken:
            for lock in self.lock_of(_Named(*key)):
                found[Path(lock).stem] = [f"not valid: {self.broken[key]}"]
        for cell in self.cells.values():
            if cell.venv and cell.venv.dependencies is not None:
                excluded = [f"not {name}" for name in cell.venv.exclude]
                found[Path(cell.venv.requirements).stem] = [*cell.venv.dependencies, *excluded]
        for own in own_environments(self.root):
            excluded = [f"not {name}" for name in own.exclude]
            found[Path(own.requirements).stem] = [*own.dependencies, *excluded, own.platform]
        return found

    @cached_property
    def sizes(self) -> list[str]:
        """What the environments of cells take, beside the locks that are made for them."""
        return [f"envs/{lock}{SIZE}" for lock in self.sized]

    def made_for(self, wildcards: Wildcards) -> list[str]:
        """A params function: which wheels of a lock are taken."""
        return self.sized[wildcards.lock]

    @cached_property
    def sized(self) -> dict[str, list[str]]:
        """Of locks that are made for cells, Python and platform; those of broken YAMLs stay as they were."""
        found = {}
        for key, error in self.broken.items():
            for lock in map(Path, self.lock_of(_Named(*key))):
                if (self.root / lock).with_name(f"{lock.stem}{SIZE}").is_file():
                    found[lock.stem] = [f"not valid: {error}"]
        for cell in self.cells.values():
            if cell.venv and cell.venv.dependencies is not None:
                found[Path(cell.venv.requirements).stem] = [cell.venv.python, PLATFORM]
        return found

    def tree_of(self, wildcards: Wildcards) -> str:
        key = _key(wildcards)
        return "none" if key in self.broken else self._local_tree(key)

    def _local_tree(self, key: Key) -> str:
        """The digest of the local tree a cell is read from; the one on record where it isn't here."""
        if key not in self._trees:
            self._trees[key] = self._find_tree(key)
        return self._trees[key]

    def _find_tree(self, key: Key) -> str:
        cell = self.cells[key]
        trees = [source.path for source in cell.sources if source.kind == "path" and source.path]
        origin = self._built(key, "source.json").get("origin") or {}
        if not trees or origin.get("kind") in ("wheel", "sdist"):
            return "none"
        from atlas.source.localtree import tree_digest  # late: few projects need it at every load

        found = (tree_digest(tree, cell.root, cell.packages) for tree in trees)
        return next(filter(None, found), origin.get("digest", "none"))

    def code(self, entry: str, *data: str) -> Sequence[str]:
        """Digests of the code that a stage runs: the entry module and all that it imports."""
        return code(entry, data, base=self.root)


@dataclass(frozen=True)
class _Named:
    engine: str
    version: str


def environment_option(_: Wildcards, input: Any) -> str:
    """`schema` is asked about an environment only where there is one."""
    return f"--environment {input.environment}" if input.environment else ""


def source_option(_: Wildcards, input: Any) -> str:
    """Where the sources are pinned, they are taken from there."""
    return f"--source {input.source}" if input.source else ""


def artefact(key: Key, name: str) -> str:
    return f"results/{key[0]}/{key[1]}/{name}"


def _key(wildcards: Wildcards) -> Key:
    return wildcards.engine, wildcards.version
