"""What the telemetry sampler costs: its processor time, and what of an engine's speed it takes.

usage: python benchmarks/sampler.py [SECONDS]
       python benchmarks/sampler.py ENGINE VERSION CARD [TIMES [FILE]]
       such as `transformers 5.23.0 tiny-batch:requests=24000:output_tokens=16`: some minutes of short batches

The first runs the sampler alone: its processor time, and the share of samples that it makes. The second runs
a card beside a sampler that is stopped and continued in turns, there and back again, and compares the tokens
per second of the batches that lie wholly in a turn with it and without it; TIMES as often as a run is
sampled, as what a rate ten times as high costs, ten times as much, is easier told from noise. A turn with it
starts with a sample, so that it has rather more of them than a run has. What FILE has of runs before counts
too, and what is measured is added to it, so that some short runs make one interval.

The interval is Wilcoxon's: of many short turns there and back some are disturbed, and a mean of all of them
would follow those, and the plain median wastes a third of them.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import replace
from itertools import pairwise
from math import sqrt
from pathlib import Path
from statistics import fmean, median
from typing import Any

import psutil

from atlas.paths import project_root
from atlas.perf.cards import load_cards
from atlas.perf.metrics import read_journal
from atlas.perf.prepared import ready
from atlas.perf.select import chosen
from atlas.perf.supervise import Cancelled, supervise
from atlas.perf.telemetry.started import Sampler, read_trace

TURN_S = 0.7
"""Longer than what is between two samples; when those are more frequent, turns are shorter."""
FASTER_TURN_S = 0.4
ORDER = (True, False, False, True)
"""There and back again: a machine that gets slower meanwhile does so with and without."""


class Faster(Sampler):
    """A sampler that samples the machine so many times as often."""

    def __init__(self, output: Path, pid: int, times: int) -> None:
        code = f"from atlas.perf.telemetry import sampler; sampler.HOST_EVERY_S /= {times}; sampler.main()"
        command = [sys.executable, "-c", code, "--output", str(output), "--interval", "0.01"]
        self.process = subprocess.Popen(
            [*command, "--pid", str(pid)], stdin=subprocess.PIPE, start_new_session=True
        )


def alone(seconds: float) -> str:
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
    share = (len(trace.samples) - first) / (span / trace.interval)
    return (
        f"{len(trace.head['gpus'])} GPUs each {trace.interval:g} s: {used / span:.2%} of one core; "
        f"{share:.1%} of the expected samples"
    )


def beside(engine: str, version: str, word: str, times: int, file: Path | None = None) -> str:
    (card,) = chosen(load_cards(project_root()), [word])
    turns: list[tuple[float, bool]] = []
    ended = threading.Event()

    def take_turns(sampler: Sampler) -> None:
        while not ended.is_set():
            on = ORDER[len(turns) % len(ORDER)]
            os.kill(sampler.process.pid, signal.SIGCONT if on else signal.SIGSTOP)
            turns.append((time.monotonic(), on))
            ended.wait(TURN_S if times == 1 else FASTER_TURN_S)
        os.kill(sampler.process.pid, signal.SIGCONT)
        sampler.end()

    with Cancelled() as cancelled, tempfile.TemporaryDirectory() as name:
        scratch = Path(name).resolve()
        for folder in ("home", "tmp", "work", "fixtures"):
            (scratch / folder).mkdir()
        made = ready(project_root(), engine, version, replace(card, timeout_s=3600), scratch)
        thread = None

        def started(pid: int) -> None:
            nonlocal thread
            path = scratch / "trace.jsonl"
            sampler = Sampler(path, pid) if times == 1 else Faster(path, pid, times)
            thread = threading.Thread(target=take_turns, args=(sampler,))
            thread.start()

        run = supervise(
            made.command, env=made.env, cwd=made.cwd, log=scratch / "log", timeout_s=3600,
            cancelled=cancelled, started=started,
        )  # fmt: skip
        ended.set()
        if thread:
            thread.join()
        assert made.journal is not None
        journal = read_journal(made.journal)
        if run.exit_code or journal.window is None:
            sys.exit((scratch / "log").read_text(errors="replace")[-2000:])
    ratios = changes(turns, batches(journal.requests))
    if file is not None:
        with file.open("a", encoding="utf-8") as out:
            out.writelines(f"{ratio!r}\n" for ratio in ratios)
        ratios = [float(line) for line in file.read_text(encoding="utf-8").split()]
    middle, low, high = signed_ranks(ratios)
    shown = f"{middle:+.2%} [{low:+.2%}, {high:+.2%}] tokens per second"
    if times > 1:
        shown += f", a {times}th of which is {middle / times:+.3%} [{low / times:+.3%}, {high / times:+.3%}]"
    return (
        f"{engine} {version} {word}: {shown}, beside the sampler at {times} times its rate, "
        f"{len(ratios)} times there and back"
    )


def signed_ranks(values: list[float], z: float = 1.96) -> tuple[float, float, float]:
    """The median of the means of all pairs, and its interval at 95 % by Wilcoxon's signed ranks."""
    n = len(values)
    means = sorted((one + two) / 2 for at, one in enumerate(values) for two in values[at:])
    out = max(0, int(n * (n + 1) / 4 - z * sqrt(n * (n + 1) * (2 * n + 1) / 24)))
    return median(means), means[out], means[-1 - out]


def batches(requests: list[dict[str, Any]]) -> list[tuple[float, float, int]]:
    """Start, end and tokens of each batch."""
    found: dict[int, list[dict[str, Any]]] = {}
    for one in requests:
        found.setdefault(one["batch"], []).append(one)
    return [
        (min(r["sent"] for r in rs), max(r["done"] for r in rs), sum(len(r["tokens"]) for r in rs))
        for rs in found.values()
    ]


def changes(turns: list[tuple[float, bool]], done: list[tuple[float, float, int]]) -> list[float]:
    """Of each time there and back that has whole batches in all turns, by how much it is faster with."""
    found, spans = [], list(pairwise(turns))
    for group in (spans[at : at + len(ORDER)] for at in range(0, len(spans), len(ORDER))):
        speeds: dict[bool, list[float]] = {True: [], False: []}
        for (start, on), (end, _) in group:
            inside = [one for one in done if start <= one[0] and one[1] <= end]
            if inside:
                speeds[on].append(sum(one[2] for one in inside) / sum(one[1] - one[0] for one in inside))
        if len(speeds[True]) == len(speeds[False]) == len(ORDER) // 2:
            found.append(fmean(speeds[True]) / fmean(speeds[False]) - 1)
    return found


if __name__ == "__main__":
    arguments = sys.argv[1:]
    if len(arguments) >= 3:
        pooled = Path(arguments[4]) if len(arguments) > 4 else None
        print(beside(*arguments[:3], times=int((*arguments, "1")[3]), file=pooled))
    else:
        print(alone(float(arguments[0]) if arguments else 20))
