"""Folders that a container writes to: lent to the user that it runs as, and taken back."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

NOBODY = 65534
"""Whom jobs of root run as."""


def job_user() -> int:
    """The user of jobs that are no root's: the caller, or else nobody in particular."""
    return os.getuid() or NOBODY


@contextmanager
def lent(folders: Iterable[Path], user: int) -> Iterator[None]:
    folders = list(folders)
    lend(folders, user)
    try:
        yield
    finally:
        take_back(folders)


def lend(folders: Iterable[Path], user: int) -> None:
    """Only root need: all others' jobs run as themselves."""
    if os.getuid() == 0 and user != 0:
        _give(folders, user, user)


def take_back(folders: Iterable[Path]) -> None:
    """Whatever was written there belongs to the caller."""
    if os.getuid() == 0:
        _give(folders, 0, os.getgid())


def _give(folders: Iterable[Path], user: int, group: int) -> None:
    for folder in folders:
        os.chown(folder, user, group, follow_symlinks=False)
        for path, inner, files in os.walk(folder):
            for name in (*inner, *files):
                os.chown(Path(path) / name, user, group, follow_symlinks=False)
