"""Keeping what an engine prints apart from everything else."""

from __future__ import annotations

import os
import sys


def silence(log: str) -> None:
    """Send descriptors 1 and 2, and so what C code and children print, to a file."""
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    sys.stdout.flush()
    sys.stderr.flush()
    os.dup2(handle, 1)
    os.dup2(handle, 2)
    os.close(handle)
