"""`atlas lock`: hash-pinned lock files made from the `dependencies` of the engines' environments."""

from __future__ import annotations

import tempfile
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


@dataclass(frozen=True)
class LockSpec:
    """One lock file, and what it is made from."""

    file: Path
    python: str
    dependencies: tuple[str, ...]
    exclude: tuple[str, ...]
    engine: str

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
    engines, _ = load_all(root)
    specs: dict[str, LockSpec] = {}
    for engine in engines:
        for cell in engine.cells.values():
            venv = cell.venv
            if venv is None or venv.dependencies is None:
                continue
            spec = LockSpec(
                root / venv.requirements, venv.python, venv.dependencies, venv.exclude, engine.name
            )
            if specs.setdefault(spec.name, spec) != spec:
                raise InputError(
                    f"two environments want {venv.requirements} with different dependencies",
                    where=f"engine_versions/{engine.name}.yaml",
                    hint="give one of them a lock of its own with `requirements`",
                )
    return specs


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
             "--python-version", spec.python, "--python-platform", PLATFORM, "--only-binary", ":all:",
             "--generate-hashes", "--no-annotate", "--no-header",
             "--no-emit-index-url", "--no-emit-find-links"],
            places=places_of("\n".join(spec.dependencies)),
            failed=f"{spec.name} cannot be locked",
            quiet=True,
        )  # fmt: skip
        header = (
            f"# Locked by `atlas lock {spec.name}` for Python {spec.python} on {PLATFORM},\n"
            f"# from the dependencies in engine_versions/{spec.engine}.yaml.\n"
        )
        write_atomic(spec.file, header + output.read_text(encoding="utf-8"))
