"""The live lane in a container: the probe, put into an engine's image by the runtime that is set."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from atlas.canonical import sha256_file
from atlas.engines.model import Cell
from atlas.environment.run import PROBE, Running, environment_of
from atlas.environment.run import Runtime as Interpreter
from atlas.environment.runtimes import build, gpu
from atlas.environment.runtimes.channel import FOLDER, Channel
from atlas.environment.runtimes.images import ImageSpec, load_image, locked
from atlas.environment.runtimes.known import by_name, first_that_runs
from atlas.environment.runtimes.lent import job_user, lend, take_back
from atlas.environment.runtimes.model import GpuRequest, Job, Mount, Reference, repository
from atlas.environment.runtimes.protocol import Runtime, Started
from atlas.environment.runtimes.pull import archive_of
from atlas.errors import InputError, RunError, UnavailableError
from atlas.progress import say

START_S = 120.0
"""For a container to come up and connect; a runtime may have to unpack its image first."""
GONE_S = 10.0
_swept: set[str] = set()


def lane(cell: Cell, name: str) -> ImageLane | None:
    """A cell's image and the runtime of that name; None where `auto` finds no way but the venv's.

    InputError where the engine has no image, or the runtime cannot take it.
    """
    spec = load_image(cell.root, cell.engine, cell.version)
    if name == "auto":
        runtime = first_that_runs(spec) if spec else None
        return ImageLane(cell, spec, runtime) if spec and runtime else None
    if spec is None:
        raise InputError(
            f"{cell.engine} {cell.version} has no image for {name} to run",
            where=f"engine_versions/{cell.engine}.yaml",
            hint="name one in `environments.image`, or set `runtime: venv` or `auto`",
        )
    if spec.kind == "sif" and name != "apptainer":
        raise InputError(f"{spec.name} is for apptainer, not {name}", where=spec.where)
    return ImageLane(cell, spec, by_name(name))


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

    def document(self) -> dict[str, Any]:
        reference, spec = self.reference, self.spec
        own = spec.kind == "dockerfile"
        name = repository(reference.name) if spec.kind == "reference" else reference.name
        made_from = build.made_from(self.cell, spec) if own else {}
        return {"digest": reference.digest, "reference": name, "made_from": made_from}

    def runtime(self, paths: tuple[Path, ...]) -> Interpreter:
        wanted = self._gpu()
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
        env = dict(self.cell.venv.env) if self.cell.venv else {}
        return Interpreter(
            python=Path(self.spec.python),
            paths=paths if self.spec.overlay else (),
            env={**env, **(gpu.shown(wanted) if wanted else {})},
            launcher=Launcher(self.by, image, self.spec, wanted),
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


@dataclass(frozen=True)
class Launcher:
    """Starts the probe in a container: it sees what the probe is, and may write to scratch alone."""

    by: Runtime
    image: str
    spec: ImageSpec
    gpu: GpuRequest | None

    def start(
        self, runtime: Interpreter, scratch: Path, command: Sequence[str], descriptors: Sequence[int]
    ) -> Running:
        channel = Channel()
        started: Started | None = None
        try:
            mounts = [Mount.same(path) for path in (PROBE, *runtime.paths) if path.exists()]
            mounts += [Mount.same(scratch, writable=True), Mount(channel.folder, FOLDER)]
            job = Job(
                channel.command(str(runtime.python)),
                tuple(mounts),
                gpu=self.gpu,
                limits=self.spec.limits,
                network=self.spec.network,
                drops_rights=True,
            )
            lend([scratch], job_user())
            started = self.by.start(self.image, job)
            if not channel.accept(started.is_running, START_S):
                said = " ".join(started.log().split())[-600:]
                raise RunError(
                    f"the container did not start the engine's Python: {said or 'it said nothing'}",
                    where=self.by.name,
                    hint=f"the image needs {runtime.python}, Python 3.9 or newer; the machine must be Linux",
                )
            channel.order(command, environment_of(runtime, scratch), scratch / "work", descriptors)
            return InContainer(channel, started, scratch, self.by.name)
        except BaseException:
            channel.hang_up()
            if started is not None:
                started.end()
            channel.close()
            take_back([scratch])
            raise


class InContainer:
    """The engine's process in a container."""

    def __init__(self, channel: Channel, started: Started, scratch: Path, name: str) -> None:
        self._channel = channel
        self._started = started
        self._scratch = scratch
        self._name = name
        self._over = False

    def wait(self, timeout_s: float) -> int | None:
        status = self._channel.wait(timeout_s)
        if status is None and self._channel.failed:
            raise RunError(f"the engine's Python cannot be started: {self._channel.failed}", where=self._name)
        return self._gone() if status is None and self._channel.ended else status

    def _gone(self) -> int:
        """Why the container ended without a word: for want of memory, or it is no fault of the engine's."""
        status = self._started.wait(GONE_S)
        if self._started.out_of_memory():
            return -signal.SIGKILL
        raise UnavailableError(
            f"the container was ended from outside (exit status {status})",
            where=self._name,
            hint="was it removed, or the container engine restarted? Run the same again",
        )

    def log(self) -> str:
        if not self._over and self._channel.wait(0) is None and self._channel.ended:
            self._gone()
        return self._channel.log()

    def kill(self, process: int) -> None:
        self._channel.kill(process)

    def end(self) -> None:
        self._over = True
        self._channel.hang_up()
        self._started.end()
        self._channel.close()
        take_back([self._scratch])
