"""The sampler's process: `python -m atlas.perf.telemetry.sampler --output FILE --interval S --pid N`.

Writes one JSON object a line, at once: a head, then samples with a monotonic and a UTC time. What is not
known is null. It ends when its standard input does, so it never outlives who started it.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import sys
import time
from typing import IO, Any

from atlas.perf.telemetry.gpus import open_devices
from atlas.perf.telemetry.host import Host
from atlas.perf.telemetry.rapl import open_rapl

FORMAT_VERSION = 1
HOST_EVERY_S = 0.5
"""The machine's own numbers change slowly, and cost the run that is measured."""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--output", required=True)
    parser.add_argument("--interval", type=float, required=True)
    parser.add_argument("--pid", type=int)
    arguments = parser.parse_args()
    with open(arguments.output, "w", encoding="utf-8", buffering=1) as file:  # noqa: PTH123
        sample(file, arguments.interval, arguments.pid)


def sample(file: IO[str], interval: float, pid: int | None) -> None:
    """Sample until standard input ends. Times that were missed are left out, and not made up for."""
    gpus, rapl, host = open_devices(), open_rapl(), Host(pid)
    interval = max(interval, gpus.every_s if gpus.devices else HOST_EVERY_S)
    head = {
        "format_version": FORMAT_VERSION,
        "interval_s": interval,
        "gpus": gpus.traits,
        "gpus_absent": gpus.reason,
        "driver": gpus.driver,
        "cuda": gpus.cuda,
        "rapl": {"ranges_j": rapl.ranges},
        "rapl_absent": rapl.reason,
    }
    _line(file, head)
    next_host = next_time = time.monotonic()
    while True:
        now = time.monotonic()
        entry: dict[str, Any] = {"gpus": gpus.sample()} if gpus.devices else {}
        if now >= next_host:
            entry |= {"host": host.sample(), "rapl": rapl.sample()}
            next_host = now + HOST_EVERY_S - interval / 2
        after = time.monotonic()
        _line(file, {"t": round((now + after) / 2, 6), "utc": round(time.time(), 3), **entry})
        next_time = max(next_time + interval, after)
        if _ended(max(0.0, next_time - time.monotonic())):
            break
    _line(file, {"end": time.monotonic(), "errors": gpus.errors})
    gpus.close()


def _line(file: IO[str], entry: dict[str, Any]) -> None:
    file.write(json.dumps(entry, separators=(",", ":")) + "\n")


def _ended(seconds: float) -> bool:
    """Wait; whether standard input has ended by then."""
    ready, _, _ = select.select([sys.stdin], [], [], seconds)
    return bool(ready) and not os.read(sys.stdin.fileno(), 1)


if __name__ == "__main__":
    main()
