"""What happened and when, one JSON object a line; times are of the monotonic clock, in seconds."""

from __future__ import annotations

import json
import time


class Journal:
    """An open journal. Each line is on its way to the disk when `add` returns."""

    def __init__(self, path: str) -> None:
        self.file = open(path, "w", encoding="utf-8", buffering=1)
        self.phase = "start"

    def add(self, event: str, **facts: object) -> None:
        self.file.write(json.dumps({"event": event, "t": time.monotonic(), **facts}) + "\n")

    def enter(self, phase: str) -> None:
        """The start of a phase, which lasts until the next."""
        self.phase = phase
        self.add("phase", name=phase, utc=time.time())
