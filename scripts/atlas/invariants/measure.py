"""`atlas invariants measure`: rules against the real engine, on fresh configurations of any seed."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from atlas.environment.prepare import prepare
from atlas.errors import UnavailableError
from atlas.invariants.artefact import Published, load_published
from atlas.invariants.bench import seed_of
from atlas.invariants.corpus import Corpus, Tally
from atlas.invariants.effective import agrees
from atlas.invariants.evaluate import up_to
from atlas.invariants.live import Session
from atlas.invariants.model import DEPTHS, Json, Target
from atlas.invariants.publish import rates
from atlas.invariants.sampling import hints_of, pools, random_configs, related_fields
from atlas.source.tree import SourceTree


@dataclass(frozen=True)
class Measured:
    """One target's row."""

    target: str
    rules: int
    tally: Tally
    states: int
    states_found: int
    seconds: float


def measure(
    root: Path, pin: str, names: Sequence[str], *, n: int, seed: int, depth: str, workers: int
) -> list[Measured]:
    """Ask rules and engine about n configurations of each target (all that were proven, if none is named)."""
    published = load_published(root, pin)
    cell = published.cell
    proven = {one["class"] for one in published.document["targets"] if one["status"] == "gated"}
    if not proven or cell.venv is None:
        raise UnavailableError(
            f"{pin} has no environment to compare with", hint="only its sources could be read"
        )
    classes = [one.cls for one in published.targets if one.cls in proven]
    chosen = [published.target(name) for name in names or classes]
    source = root / "results" / cell.engine / cell.version / "source.json"
    prepared = prepare(cell, SourceTree.load(source, cell))
    targets = [up_to(target, depth) for target in chosen]
    with Session(prepared, targets, limit_s=cell.invariants.limit_s, workers=workers) as session:
        return [_row(published, target, session, n, seed, depth) for target in targets]


def _row(published: Published, target: Target, session: Session, n: int, seed: int, depth: str) -> Measured:
    rules = [rule for _, rule in published.rules(target) if DEPTHS.index(rule.depth) <= DEPTHS.index(depth)]
    corpus = Corpus(target, rules)
    exprs = [rule.when for rule in rules]
    drawn = random_configs(
        target,
        pools(target, hints_of(exprs)),
        n,
        seed_of("measure", seed, target.cls),
        related=related_fields(exprs),
    )
    configs = [{**published.base(target), **config} for config in drawn]
    start = time.monotonic()
    answers = session.observe(target.cls, configs, base=published.base(target) or None)
    seconds = time.monotonic() - start
    observed = list(zip(configs, answers, strict=True))
    changed = [one for one in observed if one[1].outcome == "ok" and one[1].changed]
    found = sum(agrees(corpus, config, observation) for config, observation in changed)
    return Measured(target.cls, len(rules), corpus.review(observed).tally, len(changed), found, seconds)


def total(rows: Sequence[Measured]) -> Measured:
    tally = Tally()
    for row in rows:
        tally.add(row.tally)
    return Measured(
        "all",
        sum(row.rules for row in rows),
        tally,
        sum(row.states for row in rows),
        sum(row.states_found for row in rows),
        sum(row.seconds for row in rows),
    )


COLUMNS = (
    "target", "rules", "configs", "rejected", "false rejections", "error recall", "warn recall",
    "dormant recall", "states equal", "crashes", "configs/s",
)  # fmt: skip


def table(rows: Sequence[Measured]) -> list[list[str]]:
    """Cells of the table, the header first; the last row sums up."""
    every = [*rows, total(rows)] if len(rows) > 1 else list(rows)
    return [list(COLUMNS), *map(_cells, every)]


def _cells(row: Measured) -> list[str]:
    share = rates(vars(row.tally))

    def percent(value: float | None) -> str:
        return "-" if value is None else f"{100 * value:.1f} %"

    states = row.states_found / row.states if row.states else None
    return [
        row.target.rpartition(".")[2],
        str(row.rules),
        str(row.tally.n),
        str(row.tally.rejected),
        str(row.tally.false_rejections),
        percent(share["error_recall"]),
        percent(share["warn_recall"]),
        percent(share["dormant_recall"]),
        percent(states),
        str(row.tally.crashes),
        f"{row.tally.n / row.seconds:.0f}" if row.seconds else "-",
    ]


def as_json(rows: Sequence[Measured]) -> list[dict[str, Json]]:
    return [
        {
            "target": row.target,
            "rules": row.rules,
            **vars(row.tally),
            **rates(vars(row.tally)),
            "states": row.states,
            "states_found": row.states_found,
            "seconds": round(row.seconds, 3),
        }
        for row in rows
    ]


def text(cells: Sequence[Sequence[str]]) -> str:
    """Columns aligned: names to the left, numbers to the right."""
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    lines = []
    for row in cells:
        first = row[0].ljust(widths[0])
        rest = (value.rjust(width) for value, width in zip(row[1:], widths[1:], strict=True))
        lines.append("  ".join([first, *rest]).rstrip())
    return "\n".join(lines)
