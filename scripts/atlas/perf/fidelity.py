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
from atlas.perf.supervise import Cancelled, Here, supervise

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


@dataclass(frozen=True)
class Fidelity:
    """Tokens per second in the bare loop and in the harness, and by how much they differ."""

    bare: float
    measured: float
    batches: int
    wall: Difference
    cpu: Difference

    @property
    def against(self) -> str | None:
        """Why it is not shown that they are within the limit; None where it is.

        Processor time leaves out what else the machine does; what the harness waits for is in the other.
        """
        wall, cpu = self.wall, self.cpu
        if max(abs(wall.change), abs(cpu.change)) > LIMIT and not (wall.low <= 0 <= wall.high):
            return f"differs by more than {LIMIT:.0%}"
        if not cpu.shown:
            return f"not shown to be within {LIMIT:.0%}: take more requests, or a quieter machine"
        return None

    def __str__(self) -> str:
        speeds = f"bare {self.bare:.1f} tok/s, measured {self.measured:.1f} tok/s"
        lines = [
            f"{speeds}, {self.batches} batches, each twice",
            f"tokens per second: {self.wall}",
            f"tokens per second of processor time: {self.cpu}",
            self.against,
        ]
        return "\n".join(line for line in lines if line)


def compare_with_bare(root: Path, engine: str, version: str, word: str, threads: int) -> Fidelity:
    """Both in one process, in turns there and back."""
    found = chosen(load_cards(root), [word])
    if len(found) != 1:
        raise InputError(f"`{word}` means {len(found)} cards", hint="`atlas cards` lists their names")
    card = replace(found[0], resources={**found[0].resources, "threads": threads})
    compared = _compared(root, engine, version, card)
    tokens = int(card.parameters.get("batch_size", 1)) * card.dataset["output_tokens"]
    bare, measured = (
        tokens / median(one["seconds"] for one in compared if one["bare"] is kind) for kind in (True, False)
    )
    wall, cpu = difference(compared, "seconds"), difference(compared, "cpu_s")
    return Fidelity(bare, measured, len(compared) // TURNS, wall, cpu)


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
            made.command,
            env=made.env,
            cwd=made.cwd,
            log=log,
            timeout_s=1800,
            cancelled=cancelled,
            start=made.box.start if made.box else Here,
        )
        assert made.journal is not None
        journal = read_journal(made.journal)
        if ended.exit_code or not journal.compared:
            how = ended.cancelled or journal.error or f"exit status {ended.exit_code}"
            raise RunError(f"the engine failed: {how}\n{log.read_text(errors='replace')[-2000:]}")
        return journal.compared
