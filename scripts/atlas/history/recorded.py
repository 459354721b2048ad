"""Any tracked version as the command line knows it: also those of which only the history is kept."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from atlas.errors import AtlasError, InputError, IntegrityError, UnavailableError
from atlas.history.archive import ARCHIVE, FACTS, unpack
from atlas.history.facts import unpacked
from atlas.history.history import load_history
from atlas.knowledge import Knowledge, engines, load, versions
from atlas.knowledge.library import neighbours, results_folder
from atlas.validation import nearest


class Recorded(Knowledge):
    """A version of which only the static facts are kept: without rules, and without what a live lane saw."""

    in_full = False

    @cached_property
    def schema(self) -> Mapping[str, Any]:
        path = self.folder / FACTS
        try:
            return unpacked(json.loads(_facts(path)))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise IntegrityError(
                f"cannot be read: {error}",
                where=str(path),
                hint="`git restore` it, or build it: `atlas build`",
            ) from error

    @cached_property
    def compact(self) -> Mapping[str, Any]:
        return {"rules": [], "targets": [], "families": {}, "closed": [], "serve": None, "source_url": None}

    @cached_property
    def serve(self) -> Mapping[str, Any] | None:
        """As the engine's YAML says for this version, which the history keeps."""
        history = load_history(self.engine, self.folder.parents[1])
        return history.serve(self.version) if history else None

    @cached_property
    def source_url(self) -> str | None:
        """As the newest version that is kept in full has it: it is a matter of the engine."""
        try:
            return load(self.engine, None, self.folder.parents[1]).source_url
        except AtlasError:
            return None


def _facts(path: Path) -> bytes:
    """A version's own file, or its part of what an installed package brings along."""
    archive = path.parents[1] / ARCHIVE
    if archive.is_file() and not path.is_file():
        return unpack(archive, path.parent.name)
    return path.read_bytes()


def recorded_versions(engine: str, results: Path | None = None) -> list[str]:
    """All tracked versions of an engine, oldest first, whatever is kept of them."""
    from packaging.version import Version

    folder = results_folder(results) / engine
    kept = {path.parent.name for path in folder.glob(f"*/{FACTS}")}
    if (folder / ARCHIVE).is_file() and (history := load_history(engine, folder.parent)) is not None:
        kept |= {*history.versions}
    return sorted({*kept, *versions(engine, results)}, key=Version)


def load_recorded(engine: str, version: str | None = None, results: Path | None = None) -> Knowledge:
    """One tracked version, the newest in full where none is named; InputError with the nearest."""
    folder = results_folder(results)
    known = engines(folder)
    if engine not in known:
        raise InputError(f"no engine `{engine}`{nearest(engine, known)}", where=str(folder))
    if version is None or version in versions(engine, folder):
        return load(engine, version, folder)
    return _from_history(engine, version, folder)


def _from_history(engine: str, version: str, folder: Path) -> Knowledge:
    tracked = recorded_versions(engine, folder)
    if version in tracked:
        return Recorded(engine, version, folder / engine / version)
    history = load_history(engine, folder)
    if history is not None and version in history.versions:
        raise UnavailableError(
            f"what is kept of {engine} {version} is not here",
            hint="name the results/ of a checkout (--results)",
        )
    where = f"{folder.name}/{engine}"
    raise InputError(f"{engine} {version} is not tracked; {neighbours(version, tracked)}", where=where)


def sources_only(knowledge: Knowledge) -> Knowledge:
    """The same version as its sources alone have it, to be compared with one that is not in full."""
    kept = (knowledge.folder / FACTS).is_file() or (knowledge.folder.parent / ARCHIVE).is_file()
    if not knowledge.in_full or not kept:
        return knowledge
    return Recorded(knowledge.engine, knowledge.version, knowledge.folder)


def told(*every: Knowledge) -> str | None:
    """What is to be said where any of the versions is not kept in full."""
    names = list(dict.fromkeys(f"{one.engine} {one.version}" for one in every if not one.in_full))
    if not names:
        return None
    whose = "its" if len(names) == 1 else "their"
    known = f"only parameters, types and defaults are known, from {whose} sources"
    return f"of {' and '.join(names)} {known}, and no invariants"


def pinned(pin: str, results: Path | None = None) -> Knowledge:
    """`ENGINE` or `ENGINE==VERSION`."""
    engine, _, version = pin.partition("==")
    return load_recorded(engine, version or None, results)
