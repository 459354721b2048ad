"""Containers of engines that are measured in an environment of their own, where that names an image."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from atlas.engines.model import Cell, InvariantSpec, Overlay, VenvSpec
from atlas.environment.lock import PLATFORM
from atlas.environment.runtimes.images import image_spec
from atlas.environment.runtimes.known import by_name, first_that_runs
from atlas.environment.runtimes.lane import ImageLane, fits
from atlas.errors import InputError
from atlas.perf.engine import yaml_of
from atlas.perf.environment import Own


def lane_of(root: Path, own: Own, name: str) -> ImageLane | None:
    """Its image and the runtime of that name; None where `auto` finds none that takes it.

    InputError where the runtime cannot take it, or it cannot be built.
    """
    assert own.image is not None
    # The image has all of the lock, the engine too: nothing is laid over it.
    spec = replace(image_spec(own.image, own.version, yaml_of(own.engine, root)), overlay=False)
    if spec.kind == "dockerfile" and own.platform != PLATFORM:
        what = f"{own.requirements} is for {own.platform}, and images are built for {PLATFORM}"
        raise InputError(
            what, where=spec.where, hint="name an image that has them as `reference` or `archive`"
        )
    if name == "auto":
        runtime = first_that_runs(spec)
        return ImageLane(_cell(root, own), spec, runtime) if runtime else None
    fits(spec, name)
    return ImageLane(_cell(root, own), spec, by_name(name))


def _cell(root: Path, own: Own) -> Cell:
    """As much of a cell as an image is built and run from."""
    venv = VenvSpec(
        python=own.python,
        requirements=own.requirements,
        dependencies=own.dependencies,
        exclude=own.exclude,
        overlay=Overlay("", {}),
        env={},
        timeout_s=0,
    )
    return Cell(
        engine=own.engine,
        version=own.version,
        library_name=own.distribution,
        source_url=None,
        packages=(),
        sources=(),
        venv=venv,
        surfaces={},
        cli=(),
        fixtures={},
        resolve=(),
        landmarks=(),
        invariants=InvariantSpec(),
        root=root,
    )
