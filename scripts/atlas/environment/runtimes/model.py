"""What is asked of a runtime, in words that are no runtime's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

TMPFS_MB = 1024
"""Of a container's own /tmp, which is gone with it."""


@dataclass(frozen=True)
class Mount:
    """A file or folder of this machine, at the same or another place in the container; read only or not."""

    source: Path
    target: Path
    writable: bool = False

    @classmethod
    def same(cls, path: Path, *, writable: bool = False) -> Mount:
        return cls(path, path, writable)


@dataclass(frozen=True)
class GpuRequest:
    """Devices by their names (UUID or number), or else so many of them."""

    vendor: str
    count: int = 1
    ids: tuple[str, ...] = ()


@dataclass(frozen=True)
class Limits:
    """What a container may take; None where that is up to the machine."""

    memory_mb: int | None = None
    processes: int = 4096
    shm_mb: int | None = None
    ulimits: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Job:
    """A command, run in an image instead of what the image itself would start."""

    command: tuple[str, ...]
    mounts: tuple[Mount, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    workdir: Path = Path("/")
    gpu: GpuRequest | None = None
    limits: Limits = Limits()
    network: bool = False
    drops_rights: bool = False
    """Whether the command itself gives up the rights of root before it starts anything."""


@dataclass(frozen=True)
class Reference:
    """An image that cannot change any more: its name, its digest, and its file if it is in one."""

    name: str
    digest: str
    file: Path | None = None

    @property
    def pullable(self) -> str:
        """`repository@digest`, for what comes from a registry."""
        return f"{repository(self.name)}@{self.digest}"


def repository(name: str) -> str:
    """A name without tag and digest; a port is no tag."""
    name = name.partition("@")[0]
    head, _, last = name.rpartition("/")
    last = last.partition(":")[0]
    return f"{head}/{last}" if head else last


@dataclass(frozen=True)
class Outcome:
    """How a job ended: exit status (negative: a signal; None: no time left), and what it printed last."""

    status: int | None
    log: str
    out_of_memory: bool = False
