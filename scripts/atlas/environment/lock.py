"""`atlas lock`: hash-pinned lock files made from the `dependencies` of the engines' environments."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from atlas.canonical import write_atomic
from atlas.engines.load import load_all
from atlas.environment.uv import places_of, run_uv
from atlas.errors import InputError
from atlas.progress import say
from atlas.validation import nearest

# Wheels that any Linux since 2018 can install; the engines have none for other platforms.
PLATFORM = "x86_64-manylinux_2_28"
SIZE = ".size.json"
"""Ends the name of what says, beside a lock, what its packages take: made by the rule `sizes`."""


@dataclass(frozen=True)
class LockSpec:
    """One lock file, and what it is made from."""

    file: Path
    python: str
    dependencies: tuple[str, ...]
    exclude: tuple[str, ...]
    engine: str
    platform: str = PLATFORM
    folder: str = "engine_versions"
    """Where the engine's YAML is."""

    @property
    def yaml(self) -> str:
        return f"{self.folder}/{self.engine}.yaml"

    @property
    def name(self) -> str:
        return self.file.stem


def run_lock(root: Path, names: list[str]) -> list[Path]:
    """Make the named locks anew (by lock or engine; all when none is named); returns their files.

    What a lock pins stays pinned as long as the dependencies allow it; delete the file to move to
    the newest of everything.
    """
    specs = lock_specs(root)
    if not names:
        chosen = list(specs.values())
    else:
        chosen = [spec for spec in specs.values() if spec.name in names or spec.engine in names]
        for name in names:
            if not any(name in (spec.name, spec.engine) for spec in chosen):
                _explain_missing(root, name, specs)
    for spec in chosen:
        lock(spec)
    return [spec.file for spec in chosen]


def _explain_missing(root: Path, name: str, specs: dict[str, LockSpec]) -> NoReturn:
    """The lock of an engine whose YAML is broken cannot be known; others can."""
    for engine in load_all(root)[1]:
        if engine.name in (name, name.partition("-")[0]):
            raise InputError(engine.error)
    raise InputError(f"no lock `{name}`{nearest(name, specs)}", where="envs/")


def lock_specs(root: Path) -> dict[str, LockSpec]:
    """The locks that the engines' environments name; InputError where two want one file differently."""
    specs: dict[str, LockSpec] = {}
    for spec in _wanted(root):
        if specs.setdefault(spec.name, spec) != spec:
            raise InputError(
                f"two environments want {spec.file.relative_to(root)} with different dependencies",
                where=spec.yaml,
                hint="give one of them a lock of its own with `requirements`",
            )
    return specs


def _wanted(root: Path) -> Iterator[LockSpec]:
    """Of the environments that parameters are read in, and of those that are only measured in."""
    from atlas.perf.environment import own_environments

    for engine in load_all(root)[0]:
        for cell in engine.cells.values():
            venv = cell.venv
            if venv is not None and venv.dependencies is not None:
                file = root / venv.requirements
                yield LockSpec(file, venv.python, venv.dependencies, venv.exclude, engine.name)
    yield from (own.lock_spec(root) for own in own_environments(root))


def lock(spec: LockSpec) -> None:
    """Make one lock file. The same dependencies, index and former lock give the same bytes."""
    say(f"locking {spec.name}")
    with tempfile.TemporaryDirectory(prefix="atlas-lock-") as scratch:
        wanted, excluded, output = (
            Path(scratch) / name for name in ("wanted.in", "excluded.txt", "lock.txt")
        )
        wanted.write_text("\n".join(spec.dependencies) + "\n", encoding="utf-8")
        excluded.write_text("\n".join(spec.exclude) + "\n", encoding="utf-8")
        if spec.file.is_file():
            output.write_bytes(spec.file.read_bytes())  # uv keeps what is pinned there
        without: list[str | Path] = ["--excludes", excluded] if spec.exclude else []
        run_uv(
            ["pip", "compile", wanted, "--output-file", output, *without,
             "--python-version", spec.python, "--python-platform", spec.platform, "--only-binary", ":all:",
             "--generate-hashes", "--no-annotate", "--no-header",
             "--no-emit-index-url", "--no-emit-find-links"],
            places=places_of("\n".join(spec.dependencies)),
            failed=f"{spec.name} cannot be locked",
            quiet=True,
        )  # fmt: skip
        header = (
            f"# Locked by `atlas lock {spec.name}` for Python {spec.python} on {spec.platform},\n"
            f"# from the dependencies in {spec.yaml}.\n"
        )
        write_atomic(spec.file, header + output.read_text(encoding="utf-8"))
