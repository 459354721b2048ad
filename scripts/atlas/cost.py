"""What a stage cost: seconds, bytes and requests, kept beside the logs and never in artefacts."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
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


@contextmanager
def recording(stage: str, engine: str, version: str) -> Iterator[Cost]:
    """Measure a stage; the record is written whether or not it succeeds."""
    cost = Cost()
    start = time.monotonic()
    try:
        yield cost
    finally:
        cost.seconds = round(time.monotonic() - start, 3)
        write_atomic(COST_DIR / stage / engine / f"{version}.json", dump_json(asdict(cost)))
        print(
            f"{stage} {engine} {version}: {cost.seconds:.1f} s, {cost.bytes / 1e6:.1f} MB fetched, "
            f"{cost.requests} requests{' — ' + cost.note if cost.note else ''}",
            file=sys.stderr,
        )
