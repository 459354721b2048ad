"""Runs in a container: started by the runtime that is set, as a probe is, with what it prints in a file."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

import psutil

from atlas.canonical import digest, dump_json, write_atomic
from atlas.environment.run import Runtime as Interpreter
from atlas.environment.runtimes import build, gpu
from atlas.environment.runtimes.apptainer import Apptainer
from atlas.environment.runtimes.contained import InContainer, Launcher
from atlas.environment.runtimes.engine_api import EngineApi
from atlas.environment.runtimes.images import ImageSpec
from atlas.environment.runtimes.lane import ImageLane
from atlas.environment.runtimes.model import GpuRequest, Job
from atlas.environment.runtimes.protocol import Runtime, run_job
from atlas.environment.runtimes.verdict import devices_in, unfit
from atlas.errors import RunError, UnavailableError
from atlas.paths import cache_dir
from atlas.perf.cards import Card
from atlas.perf.failure import failing
from atlas.perf.processes import MARK, marked
from atlas.perf.supervise import Cancelled
from atlas.perf.tools import programs

# The engine's process prints into the log itself, and runs on the processors that a process of the caller
# would: what a daemon starts has those of the daemon.
ENTER = """
import os, sys
output, processors = sys.argv[1:3]
os.dup2(int(output), 1)
os.dup2(int(output), 2)
os.close(int(output))
os.sched_setaffinity(0, map(int, processors.split(",")))
os.execvp(sys.argv[3], sys.argv[3:])
"""
FACTS = """
import importlib.metadata, json, platform, shutil, sys
found = {one.metadata["Name"]: one.version for one in importlib.metadata.distributions()}
packages = {name: version for name, version in sorted(found.items(), key=str) if name}
programs = [name for name in sys.argv[1:] if shutil.which(name)]
python = ".".join(platform.python_version_tuple()[:2])
print(json.dumps({"python": python, "packages": packages, "programs": programs}))
"""
FACTS_S = 120.0
SHOWN_S = 2.0
"""For the engine's process to be seen on this machine; not all show whose variables are what."""
STEP_S = 0.02


@dataclass(frozen=True)
class Box:
    """An image and what starts it. `facts` is what is in the image, `document` what a record keeps of it."""

    launcher: Launcher
    python: Path
    document: Mapping[str, Any]
    facts: Mapping[str, Any]
    shown: tuple[Path, ...] = ()
    """What the engine's process sees of this machine, and cannot write to."""
    writable: Path = Path()

    def has(self, program: str) -> str | None:
        """The program, if the image has it."""
        return program if program in self.facts["programs"] else None

    def environment(self) -> dict[str, str]:
        """The variables of a container that has these devices, or none."""
        return gpu.shown(self.launcher.gpu) if self.launcher.gpu else {"CUDA_VISIBLE_DEVICES": ""}

    def start(
        self,
        command: Sequence[str],
        env: Mapping[str, str],
        cwd: Path,
        output: IO[bytes],
        cancelled: Cancelled,
        /,
    ) -> InBox:
        """For `supervise`."""
        number = output.fileno()
        processors = ",".join(map(str, sorted(os.sched_getaffinity(0))))
        enter = [str(self.python), "-S", "-c", ENTER, str(number), processors, *command]
        running: InContainer | None = None
        try:
            with cancelled.at_once():
                running = self.launcher.run(
                    self.python, enter, env, self.shown, self.writable, cwd, (number,)
                )
        except BaseException:
            if running is not None:
                running.end()
            raise
        return InBox(running, env[MARK], output)


class InBox:
    """A process in a container, as `supervise` knows processes."""

    def __init__(self, running: InContainer, mark: str, output: IO[bytes]) -> None:
        self._running = running
        self._mark = mark
        self._output = output
        self._status: int | None = None

    def poll(self) -> int | None:
        if self._status is None:
            self._status = self._running.wait(0)
        return self._status

    def pid(self) -> int | None:
        end = time.monotonic() + SHOWN_S
        while time.monotonic() < end and self.poll() is None:
            found = marked(self._mark)
            for pid in found:
                with contextlib.suppress(psutil.Error):
                    if psutil.Process(pid).ppid() not in found:
                        return pid
            time.sleep(STEP_S)
        return None

    def end(self) -> int | None:
        self._running.end()
        for _ in range(100):
            left = marked(self._mark)
            if not left:
                break
            for pid in left:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(STEP_S)
        # What was said before the log was its own: that Python could not be started, for one.
        self._output.write(self._running.log().encode())
        return self._status


def fetch(lane: ImageLane) -> None:
    """Have a lane's image here. NotReady says whether getting it has failed, or building it."""
    if lane.is_here():
        return
    reason = lane.by.missing()
    if reason:
        with failing("environment"):
            what, _, hint = reason.partition("\nhint: ")
            raise UnavailableError(what, hint=hint or None)
    if lane.spec.kind == "dockerfile":
        with failing("image_build"):
            build.built(lane.cell, lane.spec)
    with failing("image_pull"):
        lane.by.prepare(lane.reference)


def boxed(lane: ImageLane, runtime: Interpreter, card: Card) -> Box | None:
    """The container of a card's runs; None where this very process is in the image, and needs none.

    AtlasError where the devices that the card asks for are not there, or not seen from inside.
    """
    if runtime.launcher is None:
        return None
    assert isinstance(runtime.launcher, Launcher)
    launcher = replace(runtime.launcher, gpu=_devices(lane.spec, card))
    python = str(runtime.python)
    wrong = unfit(devices_in(launcher, python) or {"count": 0, "asked": 0})
    if wrong:
        raise UnavailableError(f"in the container, {wrong}", where=lane.spec.where)
    return Box(launcher, runtime.python, document(lane), _facts(lane, launcher, python))


def document(lane: ImageLane) -> dict[str, Any]:
    """The image and what runs it, as a record keeps them."""
    spec, limits = lane.spec, lane.spec.limits
    own = spec.kind == "dockerfile"
    return {
        "runtime": lane.by.name,
        "runtime_version": _version(lane.by),
        "kind": spec.kind,
        "reference": lane.document()["reference"],
        "digest": lane.digest(),
        "dockerfile": spec.name if own else None,
        "base": spec.base,
        "network": spec.network,
        "limits": {
            "memory_mb": limits.memory_mb,
            "shm_mb": limits.shm_mb,
            "ulimits": dict(sorted(limits.ulimits.items())),
        },
    }


def _version(by: Runtime) -> str | None:
    if isinstance(by, EngineApi):
        return str(by.info().get("ServerVersion") or "") or None
    return by.version() if isinstance(by, Apptainer) else None


def _devices(spec: ImageSpec, card: Card) -> GpuRequest | None:
    """As many as the card says, whatever the image's own probes take."""
    if not card.gpus_per_node:
        if spec.gpu == "required":
            raise UnavailableError("the image needs a GPU, and the card asks for none", where=spec.where)
        return None
    if spec.gpu == "none":
        raise UnavailableError(
            "the card asks for GPUs, and the image is for none", where=spec.where, hint="see `gpu` in it"
        )
    vendors = gpu.vendors_here()
    if not vendors:
        raise UnavailableError("the card asks for GPUs, and this machine shows none")
    return gpu.request(card.gpus_per_node, vendors[0])


def _facts(lane: ImageLane, launcher: Launcher, python: str) -> dict[str, Any]:
    """What an image has: asked once, as it cannot change. RunError where it doesn't say."""
    names = programs()
    key = digest([lane.digest(), python, FACTS, names])[7:23]
    place = cache_dir() / "images" / f"{key}.facts.json"
    with contextlib.suppress(OSError, ValueError):
        return dict(json.loads(place.read_text(encoding="utf-8")))
    job = Job((python, "-c", FACTS, *names), env={"HOME": "/tmp"}, limits=launcher.spec.limits)
    outcome = run_job(launcher.by, launcher.image, job, FACTS_S)
    try:
        found = dict(json.loads(outcome.log.strip().splitlines()[-1]))
    except (ValueError, IndexError) as error:
        said = " ".join(outcome.log.split())[-300:] or "nothing"
        raise RunError(f"the image's Python did not say what is there, but: {said}") from error
    write_atomic(place, dump_json(found))
    return found
