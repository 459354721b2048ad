"""Processors and memory: the machine's, and those of a process with all that it started."""

from __future__ import annotations

import time
from typing import Any

import psutil

REFRESH_S = 2.0
"""Between looks for new descendants, which is what takes time."""


class Host:
    """Samples of the machine and of a process tree."""

    def __init__(self, pid: int | None) -> None:
        self.root = _process(pid)
        self.tree: list[psutil.Process] = [self.root] if self.root else []
        self.looked = 0.0
        psutil.cpu_percent()  # the first answer is about no time at all

    def sample(self) -> dict[str, Any]:
        memory = psutil.virtual_memory()
        found: dict[str, Any] = {
            "cpu_utilisation": psutil.cpu_percent() / 100,
            "ram_used_bytes": memory.total - memory.available,
            "processes": None,
            "rss_bytes": None,
        }
        if self.root:
            self._refresh()
            sizes = [size for size in map(_size, self.tree) if size is not None]
            found |= {"processes": len(sizes), "rss_bytes": sum(sizes) if sizes else None}
        return found

    def _refresh(self) -> None:
        if not self.root or time.monotonic() - self.looked < REFRESH_S:
            return
        self.looked = time.monotonic()
        try:
            self.tree = [self.root, *self.root.children(recursive=True)]
        except psutil.Error:
            self.tree = [one for one in self.tree if one.is_running()]


def _process(pid: int | None) -> psutil.Process | None:
    try:
        return psutil.Process(pid) if pid else None
    except psutil.Error:
        return None


def _size(process: psutil.Process) -> int | None:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return None
