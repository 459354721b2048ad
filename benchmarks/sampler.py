"""What the telemetry sampler costs: its processor time, and the share of samples that it makes.

usage: python benchmarks/sampler.py [SECONDS]
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

import psutil

from atlas.perf.telemetry.started import Sampler, read_trace


def main(seconds: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trace.jsonl"
        sampler = Sampler(path, os.getpid())
        while len(read_trace(path).samples) < 2:
            time.sleep(0.1)
        process = psutil.Process(sampler.process.pid)
        before, start = process.cpu_times(), time.monotonic()
        first = len(read_trace(path).samples)
        time.sleep(seconds)
        after, span = process.cpu_times(), time.monotonic() - start
        trace = read_trace(path)
        sampler.end()
    used = after.user + after.system - before.user - before.system
    expected = span / trace.interval
    gpus = len(trace.head["gpus"])
    print(f"{gpus} GPUs each {trace.interval:g} s: {used / span:.2%} of one core", end="; ")
    print(f"{(len(trace.samples) - first) / expected:.1%} of the expected samples")


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 20)
