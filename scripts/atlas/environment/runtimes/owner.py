"""Who started a container: so that what a killed run has left can be told from what is in use."""

from __future__ import annotations

import os
import socket
from pathlib import Path

LABEL = "engine-atlas.owner"


def owner() -> str:
    """This process, on this machine, since it was started."""
    return f"{socket.gethostname()}/{os.getpid()}/{_started(os.getpid())}"


def is_gone(text: str) -> bool:
    """Whether an owner on this machine has ended; one of another machine counts as there."""
    host, _, rest = text.partition("/")
    pid, _, started = rest.partition("/")
    if host != socket.gethostname() or not pid.isdigit():
        return False
    return _started(int(pid)) != started


def _started(pid: int) -> str:
    """When a process was started, in the kernel's own clock; empty where there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return stat.rpartition(")")[2].split()[19]
