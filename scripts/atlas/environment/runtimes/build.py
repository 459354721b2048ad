"""The project's own images: packages of a lock in an image of Python, built once for all who want the same.

Packages are fetched here and sent along, with uv's settings and hashes: the build itself needs no network,
and no credentials get near it. What decides a build is its key; nothing of an engine and nothing of the
project's code is in the image, so that only dependencies, Dockerfile and base make another one.
"""

from __future__ import annotations

import io
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import docker.errors

from atlas.canonical import digest, sha256_bytes
from atlas.engines.model import Cell
from atlas.environment.lock import PLATFORM
from atlas.environment.runtimes.engine_api import EngineApi, docker_engine
from atlas.environment.runtimes.images import ImageSpec, architecture, locked
from atlas.environment.runtimes.model import Reference, repository
from atlas.environment.runtimes.podman import podman_engine
from atlas.environment.runtimes.said import heard
from atlas.environment.uv import places_of, run_uv
from atlas.environment.venv import waiting_lock
from atlas.errors import BuildError, InputError, UnavailableError
from atlas.paths import cache_dir
from atlas.progress import say

# Raised when images must be built differently from the same inputs.
RECIPE = 1
PACKAGES = "packages"
KEY_LABEL = "engine-atlas.key"
"""What Dockerfiles put the build argument KEY into, so that an image says what it was made from."""
LAST_LINES = 12


def settings_of(cell: Cell, spec: ImageSpec) -> dict[str, str]:
    """What decides an image beside the files that it is made from, by name."""
    assert cell.venv is not None and spec.base is not None
    return {
        "recipe": str(RECIPE),
        "base": locked(cell.root, spec.base).manifest,
        "python": cell.venv.python,
        "platform": f"linux/{architecture()}",
        **{f"arg {name}": value for name, value in sorted(spec.args.items())},
    }


def made_from(cell: Cell, spec: ImageSpec) -> dict[str, str]:
    """All that decides what is in the image, by name."""
    dockerfile = cell.root / spec.name
    if not dockerfile.is_file():
        raise InputError("there is no such Dockerfile", where=spec.name, hint=f"see `image` in {spec.where}")
    files = {"dockerfile": dockerfile, "requirements": _lock(cell)}
    return settings_of(cell, spec) | {name: sha256_bytes(file.read_bytes()) for name, file in files.items()}


def reference_of(cell: Cell, spec: ImageSpec) -> Reference:
    """The image by its key, and the file that it is kept in once it is built."""
    key = digest(made_from(cell, spec))
    name = f"engine-atlas/{Path(spec.name).suffix.lstrip('.') or cell.engine}"
    return Reference(name, key, cache_dir() / "images" / f"{key[7:23]}.tar")


def built(cell: Cell, spec: ImageSpec) -> Reference:
    """The same, built if it is not there yet; jobs that want the same one wait for one build."""
    reference = reference_of(cell, spec)
    assert reference.file is not None
    if not reference.file.is_file():
        reference.file.parent.mkdir(parents=True, exist_ok=True)
        with waiting_lock(reference.file.with_suffix(".building"), f"another job builds {reference.name}"):
            if not reference.file.is_file():
                _build(cell, spec, reference, _builder())
    return reference


def _builder() -> EngineApi:
    reasons = []
    for engine in (docker_engine(), podman_engine()):
        reason = engine.missing()
        if reason is None:
            return engine
        reasons.append(reason.splitlines()[0])
    raise UnavailableError(
        f"an image of the project's own is built by Docker or Podman: {'; '.join(reasons)}",
        hint="build it elsewhere (`atlas images build`), and name the file as `archive` or `sif`",
    )


def _build(cell: Cell, spec: ImageSpec, reference: Reference, engine: EngineApi) -> None:
    file = reference.file
    assert file is not None and cell.venv is not None
    for left in file.parent.glob(f"{file.stem}.*.tmp"):
        shutil.rmtree(left) if left.is_dir() else left.unlink()
    parts = made_from(cell, spec)
    tag = f"{reference.name}:{file.stem}"
    with tempfile.TemporaryDirectory(prefix=f"{file.stem}.", suffix=".tmp", dir=file.parent) as name:
        scratch = Path(name)
        say(f"fetching the packages of {_lock(cell).name} for {reference.name}")
        fetch(_lock(cell), cell.venv.python, scratch / PACKAGES)
        arguments = {
            **spec.args,
            "BASE": f"{repository(spec.base or '')}@{parts['base']}",
            "PYTHON": cell.venv.python,
            "KEY": reference.digest,
        }
        say(f"building {tag}")
        with (scratch / "context.tar").open("w+b") as context:
            _context(context, cell.root / spec.name, scratch / PACKAGES)
            context.seek(0)
            _run(engine, context, tag, arguments)
        saving = scratch / "image.tar"
        with heard(f"{tag} cannot be saved", engine.address), saving.open("wb") as out:
            for block in _saved(engine, tag):
                out.write(block)
        saving.rename(file)


def fetch(lock: Path, python: str, folder: Path) -> None:
    """What a lock names, for the images' platform, whatever this machine's is."""
    run_uv(
        ["pip", "install", "--quiet", "--require-hashes", "--only-binary", ":all:", "--no-deps",
         "--python-version", python, "--python-platform", PLATFORM,
         "--target", folder, "--requirements", lock],
        places=places_of(lock.read_text(encoding="utf-8")),
        failed=f"the packages of {lock.name} cannot be fetched",
    )  # fmt: skip


def _context(out: IO[bytes], dockerfile: Path, packages: Path) -> None:
    """Dockerfile and packages: the same bytes for the same content, so that layers are known again."""
    with tarfile.open(fileobj=out, mode="w") as tar:
        text = dockerfile.read_bytes()
        member = tarfile.TarInfo("Dockerfile")
        member.size, member.mode = len(text), 0o644
        tar.addfile(member, io.BytesIO(text))
        packages.mkdir(exist_ok=True)
        for path in sorted([packages, *packages.rglob("*")]):
            if path.name not in (".lock", "bin") or path.parent != packages:
                tar.add(path, arcname=path.relative_to(packages.parent), recursive=False, filter=_plain)


def _plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mtime = 0
    member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
    return member


def _run(engine: EngineApi, context: IO[bytes], tag: str, arguments: dict[str, str]) -> None:
    """Build, with what it says shown; BuildError with the last lines of it when it fails."""
    said: list[str] = []
    with heard(f"{tag} cannot be built", engine.address):
        events = engine.client.api.build(
            fileobj=context, custom_context=True, tag=tag, buildargs=arguments,
            rm=True, forcerm=True, decode=True, timeout=None, network_mode=_network(arguments),
        )  # fmt: skip
        for event in events:
            text = str(event.get("stream", "")).strip()
            if text:
                said.append(text)
                if text.startswith("Step ") or text.startswith("STEP "):
                    say(text[:160])
            if "error" in event:
                shown = "".join(f"\n  | {line[:300]}" for line in said[-LAST_LINES:])
                raise BuildError(
                    f"{' '.join(str(event['error']).split())[:400]}{shown}",
                    where=tag,
                    hint="see the Dockerfile, and `environments.image` in the engine's YAML",
                )


def _network(arguments: dict[str, str]) -> str | None:
    """None but for a part that has to be compiled from what is fetched in the build."""
    return None if arguments.get("FLASH_ATTENTION") == "1" else "none"


def _saved(engine: EngineApi, tag: str) -> Iterator[Any]:
    try:
        # Without the usual limit: an engine takes minutes over a large image before it says anything.
        yield from engine.patient.images.get(tag).save(named=True)
    except docker.errors.ImageNotFound as error:
        raise BuildError("the engine built it, and has it not", where=tag) from error


def _lock(cell: Cell) -> Path:
    assert cell.venv is not None
    file = cell.root / cell.venv.requirements
    if not file.is_file():
        raise InputError(
            "there is no such lock", where=cell.venv.requirements, hint=f"run `atlas lock {file.stem}`"
        )
    return file
