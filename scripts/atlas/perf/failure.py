"""Why a run failed: one kind and one reason, from all that was seen of it."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from atlas.errors import AtlasError
from atlas.perf.scan import Finding

KINDS = (
    "timeout",
    "oom",
    "crash",
    "signal",
    "engine_error",
    "log_pattern",
    "metric_missing",
    "disk_full",
    "image_pull",
    "image_build",
    "environment",
    "scheduler",
    "cancelled",
    "invalid_card",
    "nodes_missing",
)


class NotReady(Exception):
    """A run that cannot start, with the kind of failure."""

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind


FULL = re.compile(r"no space left|disk quota|disk is full|\bErrno (?:28|122)\b", re.IGNORECASE)


@contextmanager
def failing(kind: str) -> Iterator[None]:
    """Turn an AtlasError into a NotReady of a kind; or of `disk_full`, where it says so."""
    try:
        yield
    except AtlasError as error:
        said = str(error)
        raise NotReady("disk_full" if FULL.search(said) else kind, said) from error


@dataclass(frozen=True)
class Seen:
    """What was seen of a run. `setup` is the kind of failure, and its reason, of what goes before it."""

    exit_code: int | None = None
    """Negative: that of a signal."""
    timed_out: float | None = None
    """The limit in seconds, where that ended it."""
    cancelled: str | None = None
    oom_kills: int = 0
    """Of the kernel's, while it ran."""
    findings: Sequence[Finding] = ()
    engine_error: str | None = None
    """What the engine raised, told by the driver."""
    requests: tuple[int, int] | None = None
    """Succeeded and failed."""
    bad_results: Sequence[str] = field(default_factory=tuple)
    results: int = 0
    nodes: str | None = None
    """What is missing of what the nodes of a run were to report; `degraded` where some have."""
    degraded: bool = False
    setup: tuple[str, str] | None = None


def classify(seen: Seen) -> tuple[str, str] | None:
    """The kind of failure and its reason; None for a success."""
    if seen.setup:
        return seen.setup
    if seen.cancelled:
        return "cancelled", seen.cancelled
    if seen.timed_out is not None:
        return "timeout", f"not done after {seen.timed_out:g} s"
    return _ended(seen) or _said(seen)


def _ended(seen: Seen) -> tuple[str, str] | None:
    """From the exit status, and what the log says of it."""
    code = seen.exit_code
    if not code:
        return None
    number = -code if code < 0 else code - 128 if 128 < code <= 128 + signal.NSIG else 0
    if number == signal.SIGKILL and seen.oom_kills:
        return "oom", f"killed by the kernel for want of memory (exit {_shown(code)})"
    for category in ("disk_full", "oom"):
        found = next((one for one in seen.findings if one.category == category), None)
        if found:
            return category, f"line {found.line}: {found.excerpt}"
    if seen.engine_error:
        return "engine_error", seen.engine_error
    if number:
        return "signal", f"ended by {_signal(number)}"
    why = next((f": line {one.line}: {one.excerpt}" for one in reversed(seen.findings)), "")
    return "crash", f"exit status {code}{why}"


def _said(seen: Seen) -> tuple[str, str] | None:
    """Of a run that ended as if all were well."""
    if seen.engine_error:
        return "engine_error", seen.engine_error
    for one in seen.findings:
        kind = one.category if one.category in ("oom", "disk_full") else "log_pattern"
        return kind, f"line {one.line} ({one.category}): {one.excerpt}"
    if seen.requests is not None and seen.requests[0] == 0:
        return "engine_error", f"all {seen.requests[1]} requests failed"
    if seen.requests is not None and seen.requests[1]:
        return "engine_error", f"{seen.requests[1]} of {sum(seen.requests)} requests failed"
    if seen.nodes:
        return "nodes_missing", seen.nodes
    if seen.bad_results:
        return "metric_missing", "; ".join(seen.bad_results)[:500]
    return None if seen.results else ("metric_missing", "nothing was measured")


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _shown(code: int) -> str:
    return _signal(-code) if code < 0 else str(code)
