"""How far the harness is from a bare loop that calls the engine: both in one process, batch by batch.

Each batch is run four times, there and back again (bare, measured, measured, bare, and the next the other way
round), so that a machine that gets slower meanwhile does so for both. One thread is what it is done with
unless more are asked for: threads that wait for each other on a busy machine spin, and differ from themselves
by more than any harness costs.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

from atlas.errors import InputError, RunError
from atlas.perf.cards import load_cards
from atlas.perf.metrics import read_journal
from atlas.perf.prepared import NotReady, ready
from atlas.perf.select import chosen
from atlas.perf.stats import interval_of_median
from atlas.perf.supervise import Cancelled, supervise

LIMIT = 0.03
TURNS = 4
"""How often each batch is run: twice bare, twice as it is measured."""


@dataclass(frozen=True)
class Difference:
    """Of a cost of both, in what the measured loop is better (above 0) or worse than the bare one."""

    change: float
    low: float
    high: float
    itself: float
    """By how much one bare loop differs from the other, in the middle."""

    @property
    def shown(self) -> bool:
        """Whether it is known to be within the limit."""
        return self.low >= -LIMIT and self.high <= LIMIT

    def __str__(self) -> str:
        interval = f"[{self.low:+.2%}, {self.high:+.2%}]"
        return f"{self.change:+.2%} {interval}, bare against itself {self.itself:.2%}"


def compare_with_bare(root: Path, engine: str, version: str, word: str, threads: int) -> int:
    """Print by how much both differ; 1 unless it is shown that it is less than three in a hundred."""
    found = chosen(load_cards(root), [word])
    if len(found) != 1:
        raise InputError(f"`{word}` means {len(found)} cards", hint="`atlas cards` lists their names")
    card = replace(found[0], resources={**found[0].resources, "threads": threads})
    compared = _compared(root, engine, version, card)
    wall, cpu = difference(compared, "seconds"), difference(compared, "cpu_s")
    tokens = int(card.parameters.get("batch_size", 1)) * card.dataset["output_tokens"]
    speeds = {
        bare: tokens / median(one["seconds"] for one in compared if one["bare"] is bare)
        for bare in (True, False)
    }
    batches = len(compared) // TURNS
    print(f"bare {speeds[True]:.1f} tok/s, measured {speeds[False]:.1f} tok/s, {batches} batches, each twice")
    print(f"tokens per second: {wall}")
    print(f"tokens per second of processor time: {cpu}")
    # Processor time leaves out what else the machine does; what the harness waits for is in the other.
    if max(abs(wall.change), abs(cpu.change)) > LIMIT and not (wall.low <= 0 <= wall.high):
        print(f"differs by more than {LIMIT:.0%}")
        return 1
    if not cpu.shown:
        print(f"not shown to be within {LIMIT:.0%}: take more requests, or a quieter machine")
        return 1
    return 0


def difference(compared: Sequence[Mapping[str, Any]], cost: str) -> Difference:
    """Of what the driver has compared; a cost is `seconds` or `cpu_s`."""
    ratios, itself = [], []
    for start in range(0, len(compared), TURNS):
        turns = compared[start : start + TURNS]
        bare, measured = ([one[cost] for one in turns if one["bare"] is kind] for kind in (True, False))
        ratios.append(sum(bare) / sum(measured) - 1)
        itself.append(abs(bare[0] / bare[1] - 1))
    return Difference(median(ratios), *interval_of_median(ratios), median(itself))


def _compared(root: Path, engine: str, version: str, card: Any) -> list[dict[str, Any]]:
    with Cancelled() as cancelled, tempfile.TemporaryDirectory(prefix="atlas-perf-") as name:
        scratch = Path(name).resolve()
        for folder in ("home", "tmp", "work", "fixtures"):
            (scratch / folder).mkdir()
        try:
            made = ready(root, engine, version, card, scratch, bare=True)
        except NotReady as error:
            raise RunError(str(error)) from error
        log = scratch / "log"
        ended = supervise(
            made.command, env=made.env, cwd=made.cwd, log=log, timeout_s=1800, cancelled=cancelled
        )
        assert made.journal is not None
        journal = read_journal(made.journal)
        if ended.exit_code or not journal.compared:
            raise RunError(f"the engine failed: {journal.error}\n{log.read_text(errors='replace')[-2000:]}")
        return journal.compared
