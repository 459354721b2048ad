"""Which engine versions the project tracks, as far as choosing among them goes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from atlas.errors import InputError

Cell = tuple[str, str]
"""Engine and version."""


def choose(root: Path, engine: str | None, version: str | None, everything: bool) -> list[Cell]:
    """Cells by options: current versions, or one version, or all; of one engine, or of every one."""
    libraries = {path.stem: _library(path) for path in sorted((root / "engine_versions").glob("*.yaml"))}
    if engine and engine not in libraries:
        raise InputError(f"no engine {engine}", hint=f"there are: {', '.join(libraries)}")
    if version and not engine:
        raise InputError("--version needs --engine", hint="which engine's version is it?")
    chosen = [engine] if engine else list(libraries)
    if version and version not in _versions(libraries[chosen[0]]):
        tracked = ", ".join(_versions(libraries[chosen[0]]))
        raise InputError(f"{engine} {version} is not tracked", hint=f"there are: {tracked}")
    return [
        (name, each)
        for name in chosen
        for each in _versions(libraries[name])
        if everything or each == (version or str(libraries[name]["current_version"]))
    ]


def _library(path: Path) -> dict[str, Any]:
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    try:
        return dict(document["library"])
    except (KeyError, TypeError, ValueError):
        raise InputError("no library in it", where=str(path)) from None


def _versions(library: dict[str, Any]) -> list[str]:
    return list(dict.fromkeys(map(str, [*library.get("versions", []), library["current_version"]])))
