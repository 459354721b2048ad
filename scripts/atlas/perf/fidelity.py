"""How far the harness is from a bare loop that calls the engine: both in one process, batch by batch."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from atlas.errors import InputError, RunError
from atlas.perf.cards import load_cards
from atlas.perf.metrics import read_journal
from atlas.perf.prepared import NotReady, ready
from atlas.perf.select import chosen
from atlas.perf.supervise import Cancelled, supervise

LIMIT = 0.03
"""How far both may be apart."""


@dataclass(frozen=True)
class Fidelity:
    """Tokens per second in the bare loop and in the harness, and by how much pairs of batches differ."""

    bare: float
    measured: float
    pairs: int
    difference: float

    def __str__(self) -> str:
        return (
            f"bare {self.bare:.1f} tok/s, measured {self.measured:.1f} tok/s,"
            f" {self.pairs} pairs: {self.difference:+.2%}"
        )


def compare_with_bare(root: Path, engine: str, version: str, word: str) -> Fidelity:
    """Both, one batch after the other in one process."""
    found = chosen(load_cards(root), [word])
    if len(found) != 1:
        raise InputError(f"`{word}` means {len(found)} cards", hint="`atlas cards` lists their names")
    with Cancelled() as cancelled, tempfile.TemporaryDirectory(prefix="atlas-perf-") as name:
        scratch = Path(name).resolve()
        for folder in ("home", "tmp", "work", "fixtures"):
            (scratch / folder).mkdir()
        try:
            made = ready(root, engine, version, found[0], scratch, bare=True)
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
    spans = {
        bare: [one["end"] - one["start"] for one in journal.compared if one["bare"] is bare]
        for bare in (True, False)
    }
    ratios = [bare / measured for bare, measured in zip(spans[True], spans[False], strict=True)]
    size = int(found[0].parameters.get("batch_size", 1)) * found[0].dataset["output_tokens"]
    bare, measured = (size / median(spans[one]) for one in (True, False))
    return Fidelity(bare, measured, len(ratios), median(ratios) - 1)
