"""What the telemetry sampler costs: its processor time, and what of an engine's speed it takes.

usage: python benchmarks/sampler.py [SECONDS]
       python benchmarks/sampler.py ENGINE VERSION CARD [TIMES]
       such as `transformers 5.23.0 tiny-batch:requests=32000:output_tokens=16`: some minutes of short batches

The first runs the sampler alone: its processor time, and the share of samples that it makes. The second runs
a card beside a sampler that is stopped and continued in turns, there and back again, and compares the tokens
per second of the batches that lie wholly in a turn with it and without it; TIMES as often as a run is
sampled, as what a rate ten times as high costs, ten times as much, is easier told from noise.
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
from pathlib import Path
from statistics import fmean, median
from typing import Any

import psutil

from atlas.paths import project_root
from atlas.perf.cards import load_cards
from atlas.perf.metrics import read_journal
from atlas.perf.prepared import ready
from atlas.perf.select import chosen
from atlas.perf.stats import interval_of_median
from atlas.perf.supervise import Cancelled, supervise
from atlas.perf.telemetry.started import Sampler, read_trace

TURN_S = 0.7
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


def beside(engine: str, version: str, word: str, times: int) -> str:
    (card,) = chosen(load_cards(project_root()), [word])
    turns: list[tuple[float, bool]] = []
    ended = threading.Event()

    def take_turns(sampler: Sampler) -> None:
        while not ended.is_set():
            on = ORDER[len(turns) % len(ORDER)]
            os.kill(sampler.process.pid, signal.SIGCONT if on else signal.SIGSTOP)
            turns.append((time.monotonic(), on))
            ended.wait(TURN_S)
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
    low, high = interval_of_median(ratios)
    return (
        f"{engine} {version} {word}: {median(ratios):+.2%} [{low:+.2%}, {high:+.2%}] tokens per second "
        f"beside the sampler at {times} times its rate, {len(ratios)} times there and back"
    )


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
        print(beside(*arguments[:3], times=int((*arguments, "1")[3])))
    else:
        print(alone(float(arguments[0]) if arguments else 20))
