"""The environments that engines are measured in, where those are not the ones their parameters are read in.

An engine's own wheel may be built for other machines than those at hand, and what can be run here may be a
build of somebody else's: then its YAML names that, a lock of its own, and what records are to say of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from atlas.canonical import digest, sha256_file
from atlas.environment.lock import PLATFORM, LockSpec
from atlas.environment.prepare import PIN, platform_name
from atlas.environment.run import Runtime
from atlas.environment.venv import prepare_venv, python_of
from atlas.errors import InputError, UnavailableError
from atlas.perf.engine import load_perf, perf_engines, yaml_of

NO_IMAGE = "its `environment` names no image"


@dataclass(frozen=True)
class Own:
    """An environment of this kind. `distribution` is what is installed as the engine."""

    engine: str
    version: str
    python: str
    requirements: str
    distribution: str
    dependencies: tuple[str, ...]
    exclude: tuple[str, ...] = ()
    platform: str = PLATFORM
    note: str | None = None
    image: Mapping[str, Any] | None = None
    """What it is run in where containers are; without one, that is a virtual environment all the same."""

    def lock_spec(self, root: Path) -> LockSpec:
        file = root / self.requirements
        folder = Path(yaml_of(self.engine, root)).parent.as_posix()
        return LockSpec(
            file, self.python, self.dependencies, self.exclude, self.engine, self.platform, folder
        )

    def check(self, root: Path) -> Path:
        """The lock; UnavailableError where it doesn't pin the version that is to be measured."""
        file = root / self.requirements
        if not file.is_file():
            what = f"there is no {self.requirements}"
            raise UnavailableError(what, hint=f"run `atlas lock {file.stem}`")
        pinned = dict(PIN.findall(file.read_text(encoding="utf-8"))).get(self.distribution)
        if pinned != self.version:
            what = (
                f"{self.requirements} pins {self.distribution} {pinned or 'not at all'}, not {self.version}"
            )
            raise UnavailableError(what, hint=f"run `atlas lock {file.stem}`")
        return file

    def prepare(self, root: Path) -> tuple[Runtime, Path, str]:
        """Build it if need be: how it is run, its folder, and its digest."""
        lock = self.check(root)
        folder = prepare_venv(lock, self.python)
        runtime = Runtime(python=python_of(folder), bytecode=folder / "bytecode")
        parts = {"requirements": sha256_file(lock), "python": self.python, "platform": platform_name()}
        return runtime, folder, digest(parts)


def own_environment(engine: str, version: str, spec: dict[str, Any]) -> Own | None:
    """What an entry of an engine's `perf` says of it."""
    found = spec.get("environment")
    if found is None:
        return None
    lists = {name: tuple(found.get(name, ())) for name in ("dependencies", "exclude")}
    return Own(engine, version, **{**found, **lists})


def converter_environment(engine: str, version: str, spec: dict[str, Any]) -> Own | None:
    """What an entry's `convert` says of what that runs in, where it is not what the engine is measured in."""
    return own_environment(engine, version, spec.get("convert", {}))


def own_environments(root: Path) -> list[Own]:
    """Those of all versions; of engines whose YAML cannot be used, none."""
    found = []
    for engine, versions in perf_engines(root).items():
        for version in versions:
            try:
                spec = load_perf(root, engine, version) or {}
            except InputError:
                continue
            both = own_environment(engine, version, spec), converter_environment(engine, version, spec)
            found += [own for own in both if own]
    return found
