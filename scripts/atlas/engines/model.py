"""An engine as its YAML describes it, and one version of it with every range applied."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from atlas.canonical import digest


@dataclass(frozen=True)
class SourceSpec:
    """Where source text may come from: `wheel` or `sdist` of the index, or a local `path`."""

    kind: str
    name: str | None = None
    path: str | None = None


@dataclass(frozen=True)
class Overlay:
    """What is laid over an environment's packages: the engine's own files, and stub modules."""

    version_suffix: str
    stubs: dict[str, str]
    folders: tuple[str, ...] = ()
    """Folders of the engine's that hold none of its Python files, and that it wants to be there."""


@dataclass(frozen=True)
class VenvSpec:
    """A locked CPU environment: `requirements`, relative to the project, is the lock of `dependencies`.

    A lock whose dependencies the YAML does not give is kept by hand.
    """

    python: str
    requirements: str
    dependencies: tuple[str, ...] | None
    exclude: tuple[str, ...]
    """Dependencies of dependencies that are never installed."""
    overlay: Overlay
    env: dict[str, str]
    timeout_s: int


@dataclass(frozen=True)
class Surface:
    """A root of configuration: a class (its name may be a glob) or a function's parameters."""

    kind: str
    target: str
    prefix: str = ""
    nested: bool = True
    assembled_from: tuple[str, ...] = ()
    include_kwargs: bool = True
    skip: tuple[str, ...] = ()


@dataclass(frozen=True)
class CliSpec:
    """A parser of command-line flags: `method` of `cls` (or a dotted function) given a `parser`."""

    method: str
    cls: str | None
    parser: str
    surface: str | None


@dataclass(frozen=True)
class ResolveSpec:
    """A call that computes effective defaults.

    `objects`: `call` is a method of `cls(**kwargs)`, and the tree of objects it returns is read; or
    the mapping that the method `read` returns after it, for an engine that leaves its objects as given.
    `defaults_of`: `call` is a dotted function whose mapping holds the defaults of `cls`.
    """

    call: str
    cls: str | None
    kwargs: dict[str, Any]
    result: str
    surface: str | None
    ignore: tuple[str, ...]
    variants: tuple[dict[str, Any], ...] = ()
    """Keyword values to call it with in turn: what differs between them is no default."""
    read: str | None = None


@dataclass(frozen=True)
class DeepSpec:
    """How steps that need a model are tried, where it is not as usual.

    `limit_s` and `memory_mb` are for one configuration; each of `variants` replaces some of the prepared
    objects by others that are just as good.
    """

    samples: int | None = None
    most_asked: int | None = None
    limit_s: float | None = None
    memory_mb: int | None = None
    variants: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True)
class TargetSpec:
    """How far the configurations of a class are taken when its invariants are proven.

    `given` is always passed; each of `variants` replaces some of it by something else that is just as good
    (another model). `prepare` names objects to be made by call trees; a step is `{depth, call}`. The fields
    in `skip` are never sampled.
    """

    cls: str
    given: dict[str, Any]
    variants: tuple[dict[str, Any], ...]
    prepare: dict[str, Any]
    steps: tuple[dict[str, Any], ...]
    skip: tuple[str, ...]
    samples: int | None = None
    """Of a sample, where it is not the project's usual one: for what takes long."""
    most_asked: int | None = None
    """So many configurations are tried at most before the last measurement."""
    deep: DeepSpec = DeepSpec()
    """The same for the steps at `load` and `generate`."""


@dataclass(frozen=True)
class InvariantSpec:
    """How invariants are mined and proven.

    Every class of the surfaces is a target, but for those that match a glob of `exclude`; `targets` says more
    about some. `platform_modules` hold code for one platform only: what they reject depends on the machine.
    """

    targets: tuple[TargetSpec, ...] = ()
    exclude: tuple[str, ...] = ()
    platform_modules: tuple[str, ...] = ()
    samples: int = 6000
    limit_s: float = 10.0


@dataclass(frozen=True)
class Cell:
    """One engine version, and all that its stages need to know."""

    engine: str
    version: str
    library_name: str
    source_url: str | None
    packages: tuple[str, ...]
    sources: tuple[SourceSpec, ...]
    venv: VenvSpec | None
    surfaces: dict[str, tuple[Surface, ...]]
    cli: tuple[CliSpec, ...]
    fixtures: dict[str, Any]
    resolve: tuple[ResolveSpec, ...]
    landmarks: tuple[str, ...]
    invariants: InvariantSpec
    root: Path

    def pin(self) -> str:
        return f"{self.library_name}=={self.version}"

    def source_spec(self) -> dict[str, Any]:
        """All that decides which sources are read."""
        return {
            "pin": self.pin(),
            "packages": list(self.packages),
            "sources": [asdict(source) for source in self.sources],
        }

    def environment_spec(self) -> dict[str, Any]:
        """All that decides what the live lane runs in (the lock's content is a file of its own)."""
        return {
            "pin": self.pin(),
            "venv": asdict(self.venv) if self.venv else None,
            "landmarks": list(self.landmarks),
        }

    def schema_spec(self) -> dict[str, Any]:
        """All that decides which facts are read, and how."""
        return {
            "packages": list(self.packages),
            "surfaces": {name: [asdict(s) for s in group] for name, group in self.surfaces.items()},
            "cli": [asdict(spec) for spec in self.cli],
            "fixtures": self.fixtures,
            "resolve": [asdict(spec) for spec in self.resolve],
        }

    def invariants_spec(self) -> dict[str, Any]:
        """All that decides what is mined, and how it is proven, beside the schema and the environment."""
        return {
            "packages": list(self.packages),
            "fixtures": self.fixtures,
            "invariants": asdict(self.invariants),
        }

    def params(self, stage: str) -> dict[str, str]:
        """Digests of the parts of the engine's YAML that a stage uses, by their names."""
        spec = {
            "source": self.source_spec,
            "environment": self.environment_spec,
            "schema": self.schema_spec,
            "invariants": self.invariants_spec,
        }[stage]()
        return {name: value if name == "pin" else digest(value)[7:23] for name, value in spec.items()}


@dataclass(frozen=True)
class Engine:
    """One file of engine_versions/."""

    name: str
    file: Path
    library_name: str
    current_version: str
    versions: tuple[str, ...]
    """All tracked versions, the current one among them, oldest first."""
    cells: dict[str, Cell]

    def cell(self, version: str) -> Cell:
        return self.cells[version]
