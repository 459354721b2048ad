"""The runtimes that there are, by name."""

from __future__ import annotations

from collections.abc import Callable

from atlas.environment.runtimes.apptainer import Apptainer
from atlas.environment.runtimes.engine_api import docker_engine
from atlas.environment.runtimes.images import ImageSpec
from atlas.environment.runtimes.podman import podman_engine
from atlas.environment.runtimes.protocol import Runtime
from atlas.environment.runtimes.venv import Venv

RUNTIMES: dict[str, Callable[[], Runtime]] = {
    "venv": Venv,
    "docker": docker_engine,
    "podman": podman_engine,
    "apptainer": Apptainer,
}


def by_name(name: str) -> Runtime:
    return RUNTIMES[name]()


def first_that_runs(spec: ImageSpec) -> Runtime | None:
    """The first container runtime that this machine can use, and that takes such an image."""
    for name in ("docker", "podman", "apptainer"):
        if spec.kind != "sif" or name == "apptainer":
            runtime = by_name(name)
            if runtime.missing() is None:
                return runtime
    return None
