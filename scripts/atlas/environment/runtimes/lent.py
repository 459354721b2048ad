"""Folders that a container writes to: lent to the user that it runs as, and taken back."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from atlas.errors import UnavailableError

NOBODY = 65534
"""Whom jobs of root run as."""


def job_user() -> int:
    """The user of jobs that are no root's: the caller, or else nobody in particular."""
    return os.getuid() or NOBODY


def require_readable(folders: Iterable[Path]) -> None:
    """UnavailableError where jobs of root, which are nobody's, could not read what they are shown."""
    if os.getuid() != 0:
        return
    for folder in folders:
        if folder.exists() and not folder.stat().st_mode & stat.S_IROTH:
            raise UnavailableError(
                "only its owner may read it, and containers of root run as nobody",
                where=str(folder),
                hint=f"run `chmod -R o+rX {folder}`, or atlas as another user than root",
            )


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
