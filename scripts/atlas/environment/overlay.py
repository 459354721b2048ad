"""The engine's own Python files laid over an environment, with stubs for what they import in vain."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from atlas.canonical import digest
from atlas.engines.model import Cell
from atlas.environment.venv import waiting_lock
from atlas.errors import InputError
from atlas.paths import cache_dir

RECIPE = 1
MARKER = ".complete"
VERSION_LINE = re.compile(r"^Version:[ \t]*(\S+)[ \t]*$", re.MULTILINE)


class Sources(Protocol):
    """The part of a SourceTree that is used here."""

    def digest(self, path: str) -> str: ...

    def files(self) -> list[str]: ...

    def materialise(self, folder: Path) -> None: ...


@dataclass(frozen=True)
class OverlayFolder:
    """Folders for PYTHONPATH: the engine's files go before the stubs."""

    engine: Path
    stubs: Path

    @property
    def paths(self) -> tuple[Path, ...]:
        return self.engine, self.stubs


def overlay_digest(cell: Cell, tree: Sources) -> str:
    """What an overlay is made of."""
    assert cell.venv is not None
    spec: dict[str, Any] = {
        "recipe": RECIPE,
        "pin": cell.pin(),
        "files": {path: tree.digest(path) for path in tree.files()},
        "version_suffix": cell.venv.overlay.version_suffix,
        "stubs": cell.venv.overlay.stubs,
        "folders": cell.venv.overlay.folders,
    }
    return digest(spec)


def prepare_overlay(cell: Cell, tree: Sources) -> OverlayFolder:
    """The folders of a cell's overlay, written if need be; complete or absent."""
    assert cell.venv is not None
    key = overlay_digest(cell, tree)[7:23]
    folder = cache_dir() / "overlays" / key
    if not (folder / MARKER).is_file():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with waiting_lock(folder.with_name(f"{key}.lock"), f"another job lays out {cell.pin()}"):
            if not (folder / MARKER).is_file():
                _write(folder, cell, tree)
    return OverlayFolder(folder / "engine", folder / "stubs")


def _write(folder: Path, cell: Cell, tree: Sources) -> None:
    assert cell.venv is not None
    writing = folder.with_name(f"{folder.name}.new.tmp")
    for left in (writing, folder):
        shutil.rmtree(left, ignore_errors=True)
    try:
        tree.materialise(writing / "engine")
        _distribution(writing / "engine", cell, cell.venv.overlay.version_suffix)
        for name in cell.venv.overlay.folders:
            (writing / "engine" / name).mkdir(parents=True, exist_ok=True)
        for module, text in cell.venv.overlay.stubs.items():
            _stub(writing / "stubs", module, text)
        (writing / MARKER).touch()
        writing.rename(folder)
    except BaseException:
        shutil.rmtree(writing, ignore_errors=True)
        raise


def _distribution(folder: Path, cell: Cell, suffix: str) -> None:
    """The metadata that tells the engine its own version; made where the sources have none."""
    name = cell.library_name.replace("-", "_")
    found = [file for file in folder.glob("*.dist-info/METADATA") if _same(file.parent.name, name)]
    file = found[0] if found else folder / f"{name}-{cell.version}.dist-info" / "METADATA"
    if not found:
        file.parent.mkdir(parents=True)
        header = f"Metadata-Version: 2.1\nName: {cell.library_name}\nVersion: {cell.version}\n"
        file.write_text(header, encoding="utf-8")
    if suffix:
        text = file.read_text(encoding="utf-8")
        if not VERSION_LINE.search(text):
            raise InputError("its METADATA has no version", where=f"{cell.pin()}: {file.parent.name}")
        file.write_text(
            VERSION_LINE.sub(lambda m: f"Version: {suffixed(m[1], suffix)}", text, 1), encoding="utf-8"
        )


def _same(folder: str, name: str) -> bool:
    return re.sub(r"[-_.]+", "_", folder.split("-")[0]).lower() == name.lower()


def suffixed(version: str, suffix: str) -> str:
    """A version with one more local part (`1.0+cpu`, `1.0+git.cpu`)."""
    return version + (suffix.replace("+", ".", 1) if "+" in version else suffix)


def stripped(version: str, suffix: str) -> str:
    """The version that `suffixed` made this one from."""
    for ending in (suffix, suffix.replace("+", ".", 1)):
        if ending and version.endswith(ending):
            return version[: -len(ending)]
    return version


def _stub(folder: Path, module: str, text: str) -> None:
    package = folder.joinpath(*module.split("."))
    package.mkdir(parents=True, exist_ok=True)
    for parent in package.relative_to(folder).parents:
        if parent != Path():
            (folder / parent / "__init__.py").touch()
    (package / "__init__.py").write_text(text, encoding="utf-8")
