"""Inputs of reports while some artefacts can't be built."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

VARIABLE = "ATLAS_LAST_GOOD"
"""Set by `atlas build` for the reports that it makes after failures."""


def active() -> bool:
    return bool(os.environ.get(VARIABLE))


def made_from() -> str:
    """A parameter of reports, so that one made after failures is stale until it is made again."""
    return "the last good artefacts" if active() else "all artefacts"


def available(paths: Iterable[str]) -> list[str]:
    """All of `paths`; or those that exist, while reports are made from the last good artefacts.

    A report made from fewer inputs is stale as soon as all of them count again.
    """
    if active():
        return [path for path in paths if Path(path).exists()]
    return list(paths)
