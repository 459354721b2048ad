"""Starting and ending the sampler, and reading back what it wrote, as far as it came."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from atlas.perf.lines import json_lines

INTERVAL_S = 0.1
ENDING_S = 5.0


@dataclass(frozen=True)
class Trace:
    """What a sampler wrote. `reasons` say what is wrong with it as a whole."""

    head: dict[str, Any] = field(default_factory=dict)
    samples: tuple[dict[str, Any], ...] = ()
    errors: dict[str, int] = field(default_factory=dict)
    reasons: tuple[str, ...] = ()

    @property
    def interval(self) -> float:
        return float(self.head.get("interval_s", INTERVAL_S))

    def series(self, kind: str, device: str, name: str) -> list[tuple[float, float | None]]:
        """Times and values of one field of one device (none for the host)."""
        found = []
        for sample in self.samples:
            part = sample.get(kind)
            if part is not None:
                part = part.get(device) if kind == "gpus" else part
                found.append((sample["t"], part.get(name) if part else None))
        return found


class Sampler:
    """A sampler that runs beside a process."""

    def __init__(self, output: Path, pid: int | None, interval_s: float = INTERVAL_S) -> None:
        command = [sys.executable, "-m", "atlas.perf.telemetry.sampler", "--output", str(output)]
        command += ["--interval", str(interval_s), *(["--pid", str(pid)] if pid else [])]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip

    def end(self) -> None:
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        try:
            self.process.wait(ENDING_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def read_trace(path: Path) -> Trace:
    """What is whole of a file that may have been cut off anywhere."""
    head: dict[str, Any] = {}
    samples: list[dict[str, Any]] = []
    errors: dict[str, int] = {}
    reasons = []
    for entry in json_lines(path):
        if "format_version" in entry:
            head = entry
        elif "t" in entry:
            samples.append(entry)
        elif "end" in entry:
            errors = entry.get("errors", {})
            break
    else:
        reasons.append("the sampler did not end by itself")
    if not samples:
        reasons.append("no samples")
    return Trace(head, tuple(samples), errors, tuple(reasons))
