"""Where things are: the project checkout, and the cache that may be deleted at any time."""

from __future__ import annotations

import os
from pathlib import Path

from atlas.errors import InputError


def cache_dir() -> Path:
    """Folder for fetched sources and environments: ATLAS_CACHE, else the user's cache folder."""
    explicit = os.environ.get("ATLAS_CACHE")
    if explicit:
        return Path(explicit).expanduser().resolve()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "engine-atlas"


def project_root() -> Path:
    """The checkout: ATLAS_ROOT, else the nearest folder upwards that holds engine_versions/."""
    explicit = os.environ.get("ATLAS_ROOT")
    start = Path(explicit) if explicit else Path.cwd()
    for folder in [start, *([] if explicit else start.parents)]:
        if (folder / "engine_versions").is_dir():
            return folder.resolve()
    raise InputError(
        f"no engine_versions/ in {start}" + ("" if explicit else " or above it"),
        hint="run atlas inside a checkout of the project, or set ATLAS_ROOT to one",
    )
