"""The live lane in a container: the probe, put into an engine's image by the runtime that is set."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from atlas.canonical import digest, sha256_file
from atlas.engines.model import Cell
from atlas.environment.run import Runtime as Interpreter
from atlas.environment.runtimes import build, gpu, within
from atlas.environment.runtimes.contained import Launcher
from atlas.environment.runtimes.images import ImageSpec, load_image, locked
from atlas.environment.runtimes.known import by_name, first_that_runs
from atlas.environment.runtimes.model import GpuRequest, Reference, repository
from atlas.environment.runtimes.protocol import Runtime
from atlas.environment.runtimes.pull import archive_of
from atlas.environment.runtimes.warm import bytecode
from atlas.errors import InputError, UnavailableError
from atlas.progress import say

WITHIN = "apptainer"
"""The only runtime whose containers Snakemake puts whole jobs into."""
_swept: set[str] = set()


def lane(cell: Cell, name: str) -> ImageLane | None:
    """A cell's image and the runtime of that name; None where `auto` finds no way but the venv's.

    InputError where the engine has no image, or the runtime cannot take it.
    """
    spec = load_image(cell.root, cell.engine, cell.version)
    if name == "auto":
        found = ImageLane(cell, spec, by_name(WITHIN)) if spec and within.image_here() else None
        if found and found.is_here():
            return found
        runtime = first_that_runs(spec) if spec else None
        return ImageLane(cell, spec, runtime) if spec and runtime else None
    if spec is None:
        raise InputError(
            f"{cell.engine} {cell.version} has no image for {name} to run",
            where=f"engine_versions/{cell.engine}.yaml",
            hint="name one in `environments.image`, or set `runtime: venv` or `auto`",
        )
    fits(spec, name)
    return ImageLane(cell, spec, by_name(name))


def fits(spec: ImageSpec, name: str) -> None:
    """InputError where a runtime cannot take such an image."""
    if spec.kind == "sif" and name != "apptainer":
        raise InputError(
            f"{spec.name} is for apptainer, not {name}",
            where=spec.where,
            hint="set `runtime: apptainer`, or name an `archive` or a `reference`",
        )


@dataclass(frozen=True)
class ImageLane:
    """What `atlas.environment.lane` asks for."""

    cell: Cell
    spec: ImageSpec
    by: Runtime

    @cached_property
    def reference(self) -> Reference:
        """The image, as one that cannot change; nothing is fetched or built for it."""
        spec, root = self.spec, self.cell.root
        if spec.kind == "dockerfile":
            return build.reference_of(self.cell, spec)
        if spec.kind == "reference":
            return Reference(spec.name, locked(root, spec.name).manifest)
        file = root / spec.name
        if not file.is_file():
            raise InputError("there is no such file", where=spec.name, hint=f"see `image` in {spec.where}")
        return Reference(
            file.name, archive_of(file).config if spec.kind == "archive" else sha256_file(file), file
        )

    def digest(self) -> str:
        return self.reference.digest

    def planned(self) -> str:
        """The same as far as it is known before anything is built: files that jobs make do not count."""
        if self.spec.kind == "dockerfile":
            return digest(build.settings_of(self.cell, self.spec))
        return self.reference.digest

    @property
    def container(self) -> str:
        """The image, as a rule's `container:` names it; known before anything is built, too."""
        spec, cell = self.spec, self.cell
        if spec.kind == "reference":
            return f"docker://{self.reference.pullable}"
        name = f"{cell.engine}-{cell.version}" if spec.kind == "dockerfile" else self.reference.digest[7:23]
        return spec.name if spec.kind == "sif" else f"{within.FILES}/{name}.sif"

    def is_here(self) -> bool:
        """Whether this very process is in the image."""
        if within.image_here() is None:
            return False
        if self.spec.kind == "dockerfile":
            return within.label(build.KEY_LABEL) == self.reference.digest
        return within.is_within(self.container, self.reference)

    def document(self) -> dict[str, Any]:
        reference, spec = self.reference, self.spec
        own = spec.kind == "dockerfile"
        name = repository(reference.name) if spec.kind == "reference" else reference.name
        made_from = build.made_from(self.cell, spec) if own else {}
        return {"digest": reference.digest, "reference": name, "made_from": made_from}

    def runtime(self, paths: tuple[Path, ...]) -> Interpreter:
        wanted = self._gpu()
        env = dict(self.cell.venv.env) if self.cell.venv else {}
        paths = paths if self.spec.overlay else ()
        if self.is_here():
            return within.interpreter(self.spec, self.reference, env, paths, wanted)
        here = within.image_here()
        if here:
            raise UnavailableError(
                f"this job is in {Path(here).name}, which is not the image of {self.cell.pin()}",
                where=self.spec.where,
                hint="run `atlas images apptainer` outside, and then the same again",
            )
        reason = self.by.missing()
        if reason:
            raise UnavailableError(
                reason.partition("\nhint: ")[0], hint=reason.partition("\nhint: ")[2] or None
            )
        if self.by.name not in _swept:
            _swept.add(self.by.name)
            left = self.by.sweep()
            if left:
                say(f"removed {left} containers that killed runs had left")
        if self.spec.kind == "dockerfile":
            build.built(self.cell, self.spec)
        image = self.by.prepare(self.reference)
        launcher = Launcher(self.by, image, self.spec, wanted)
        return Interpreter(
            python=Path(self.spec.python),
            paths=paths,
            bytecode=bytecode(launcher, self.reference, self.cell, paths) if paths else None,
            env={**env, **(gpu.shown(wanted) if wanted else {})},
            launcher=launcher,
        )

    def _gpu(self) -> GpuRequest | None:
        """Devices, where the engine wants some and there are some; UnavailableError where it needs them."""
        vendors = gpu.vendors_here() if self.spec.gpu != "none" else []
        if self.spec.gpu == "required" and not vendors:
            raise UnavailableError(
                f"{self.cell.engine} {self.cell.version} needs a GPU, and this machine shows none",
                where=self.spec.where,
                hint="run it on a machine with one (`resources: gpu=1`); what was built before stays",
            )
        return gpu.request(self.spec.gpus, vendors[0]) if vendors else None
