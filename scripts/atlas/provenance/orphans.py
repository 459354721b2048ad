"""Artefacts and sidecars that no rule makes any more, as when a version is no longer tracked."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from atlas.provenance.record import SUFFIX, path_of
from atlas.provenance.verdict import Verdict, ask


@dataclass(frozen=True)
class Orphan:
    """A file, relative to the project, that nothing in the default target accounts for."""

    path: str
    why: str


def orphans(root: Path, verdict: Verdict | None = None) -> list[Orphan]:
    """Orphans by path. `verdict` has to be that of the default target, which makes every artefact."""
    verdict = verdict or ask(root)
    made = {output for job in verdict.jobs for output in job.outputs}
    found = [_judged(root, path, made, verdict) for folder in verdict.roots for path in _files(root, folder)]
    return sorted((orphan for orphan in found if orphan), key=lambda orphan: orphan.path)


def run_orphans(root: Path) -> int:
    """List them; 1 if there are any."""
    found = orphans(root)
    print(text(found) if found else "no orphans: a rule makes every artefact")
    return 1 if found else 0


def text(found: list[Orphan]) -> str:
    lines = [f"  {orphan.path}: {orphan.why}" for orphan in found]
    return "\n".join([f"{len(found)} orphan{'s' if len(found) > 1 else ''}, to be removed:", *lines])


def _files(root: Path, folder: str) -> Iterator[str]:
    for parent, _, names in os.walk(root / folder):
        yield from (Path(parent, name).relative_to(root).as_posix() for name in names)


def _judged(root: Path, path: str, made: set[str], verdict: Verdict) -> Orphan | None:
    name = path.rpartition("/")[2]
    if name.startswith("."):
        return Orphan(path, "left by an interrupted write") if name.endswith(".tmp") else None
    if path in made or path.removesuffix(SUFFIX) in made:
        return None
    if path.endswith(SUFFIX):
        return Orphan(path, "sidecar of an artefact that no rule makes")
    if path.startswith(verdict.shared) and not path_of(root / path).exists():
        return None
    return Orphan(path, "no rule makes it")
