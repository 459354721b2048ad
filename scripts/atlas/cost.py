"""What a stage cost: seconds, bytes and requests, kept beside the logs and never in artefacts."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from atlas.canonical import dump_json, write_atomic

COST_DIR = Path("logs/cost")


@dataclass
class Cost:
    """Running totals of one stage of one cell."""

    seconds: float = 0.0
    bytes: int = 0
    requests: int = 0
    note: str = ""
    counted: bool = True
    """False where another program fetches, and does not tell how much."""

    def record(self) -> dict[str, float | int | str | None]:
        fetched = (self.bytes, self.requests) if self.counted else (None, None)
        return {"seconds": self.seconds, "bytes": fetched[0], "requests": fetched[1], "note": self.note}

    def __str__(self) -> str:
        parts = [f"{self.seconds:.1f} s"]
        if self.counted:
            parts += [f"{self.bytes / 1e6:.1f} MB fetched", f"{self.requests} requests"]
        return ", ".join([*parts, *([self.note] if self.note else [])])


@contextmanager
def recording(stage: str, engine: str, version: str) -> Iterator[Cost]:
    """Measure a stage; the record is written whether or not it succeeds."""
    cost = Cost()
    start = time.monotonic()
    try:
        yield cost
    finally:
        cost.seconds = round(time.monotonic() - start, 3)
        write_atomic(COST_DIR / stage / engine / f"{version}.json", dump_json(cost.record()))
        print(f"{stage} {engine} {version}: {cost}", file=sys.stderr)
