"""Locks that die with their holder: what tells a running Snakemake from one that was killed."""

from __future__ import annotations

import fcntl
import platform
from pathlib import Path
from typing import IO

_SUFFIX = ".host"


def hold(lock: Path) -> IO[str]:
    """Take `lock` as long as the returned file is open, which ends at the latest with this process."""
    guard = Path(f"{lock}{_SUFFIX}").open("w", encoding="utf-8")  # noqa: SIM115
    guard.write(platform.node())
    guard.flush()
    try:
        fcntl.flock(guard, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        # A file system without locks: nobody will find the guard free, and --unlock works as ever.
        guard.truncate(0)
    return guard


def is_abandoned(lock: Path) -> bool:
    """Whether the holder was on this host and has ended. Of another host's nothing is known."""
    try:
        with Path(f"{lock}{_SUFFIX}").open("r+", encoding="utf-8") as guard:
            if guard.read() != platform.node():
                return False
            fcntl.flock(guard, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
    except OSError:
        return False
