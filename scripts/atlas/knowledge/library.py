"""Where the committed artefacts are, and which engine versions there are."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from atlas.errors import InputError
from atlas.knowledge.knowledge import SCHEMA, Knowledge

PACKAGED = Path(__file__).resolve().parents[1] / "_results"
"""The artefacts that an installed package brings along."""
RECORDED = "atlas.history.recorded"
"""Named, not imported: what is known of versions that are not kept in full is rarely asked for."""


def results_folder(explicit: Path | None = None) -> Path:
    """`explicit`, else ATLAS_RESULTS, else results/ of the checkout around, else what is installed.

    Raises InputError where there is none.
    """
    named = explicit or (Path(os.environ["ATLAS_RESULTS"]) if os.environ.get("ATLAS_RESULTS") else None)
    if named is not None:
        if not named.is_dir():
            raise InputError(
                "is no folder", where=str(named), hint="name a results/ folder (--results, ATLAS_RESULTS)"
            )
        return named
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "engine_versions").is_dir() and (folder / "results").is_dir():
            return folder / "results"
    if PACKAGED.is_dir():
        return PACKAGED
    beside = Path(__file__).resolve().parents[3] / "results"
    if beside.is_dir():
        return beside
    raise InputError(
        "no artefacts found", hint="run atlas in a checkout, or name its results/ (--results, ATLAS_RESULTS)"
    )


def engines(results: Path | None = None) -> list[str]:
    """Names of the engines that anything is known of, sorted."""
    folder = results_folder(results)
    return sorted({path.parent.parent.name for path in folder.glob(f"*/*/{SCHEMA}")})


def versions(engine: str, results: Path | None = None) -> list[str]:
    """The versions of an engine that have a schema, oldest first (PEP 440)."""
    from packaging.version import Version

    folder = results_folder(results) / engine
    return sorted((path.parent.name for path in folder.glob(f"*/{SCHEMA}")), key=Version)


def load(engine: str, version: str | None = None, results: Path | None = None) -> Knowledge:
    """One engine version, the newest where none is named. InputError with the nearest for unknown names.

    Of a tracked version that is not kept in full (`Knowledge.in_full`), it is what the history says.
    """
    folder = results_folder(results)
    if version is not None and _is_name(engine) and _is_name(version):
        cell = folder / engine / version
        if (cell / SCHEMA).is_file():
            return Knowledge(engine, version, cell)
    known = engines(folder)
    if engine not in known:
        from atlas.validation import nearest

        raise InputError(f"no engine `{engine}`{nearest(engine, known)}", where=str(folder))
    if version is None:
        newest = versions(engine, folder)[-1]
        return Knowledge(engine, newest, folder / engine / newest)
    recorded: Knowledge = import_module(RECORDED).load_recorded(engine, version, folder)
    return recorded


def _is_name(text: str) -> bool:
    """No part of it is a way to another folder."""
    return not set(text) & {"/", "\\", "\0"} and text not in ("", ".", "..")


def neighbours(version: str, tracked: Sequence[str]) -> str:
    """`the nearest tracked are 0.20.0 and 0.32.0`: the ones before and after a version."""
    from packaging.version import InvalidVersion, Version

    try:
        wanted = Version(version)
    except InvalidVersion:
        return f"`{version}` is no version; tracked are {', '.join(tracked)}"
    before = [one for one in tracked if Version(one) <= wanted][-1:]
    after = [one for one in tracked if Version(one) > wanted][:1]
    near = [*before, *after]
    return f"the nearest tracked {'is' if len(near) == 1 else 'are'} {' and '.join(near)}"
