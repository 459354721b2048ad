"""`atlas perf compare`: which records a side is, how verdicts are shown, and what they make a gate do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from atlas.errors import InputError
from atlas.perf.aggregate import find_records, read_records
from atlas.perf.compare import Compared, compare
from atlas.perf.record import BESIDE, runtime_in
from atlas.perf.verdict import Policy

Records = list[dict[str, Any]]


@dataclass(frozen=True)
class Shown:
    """A series with its verdict, and what started the runs, if that is the same on both sides."""

    compared: Compared
    runtime: str | None = None

    def as_json(self) -> dict[str, Any]:
        one, verdict = self.compared, self.compared.verdict
        return {
            "card": one.card,
            "runtime": self.runtime,
            "metric": one.metric,
            "statistic": one.statistic,
            "unit": one.unit,
            "better": one.better,
            "verdict": verdict.kind,
            "why": verdict.why,
            "relative_change": verdict.change,
            "interval": list(verdict.interval) if verdict.interval else None,
            "p_screen": verdict.p_screen,
            "p_confirm": verdict.p_confirm,
            "detectable": verdict.detectable,
            "baseline": list(one.baseline.all),
            "now": list(one.now.all),
        }


def sides_of(root: Path, word: str, hardware: str | None) -> Records:
    """The records that a word means: `engine==version`, a record's file, or a folder of them."""
    engine, equals, version = word.partition("==")
    if equals:
        paths = [p for p in find_records(root) if p.relative_to(root).parts[1:3] == (engine, version)]
    else:
        path = Path(word)
        paths = sorted(path.rglob("*.json")) if path.is_dir() else [path]
        paths = [path for path in paths if not path.name.endswith(".prov.json")]
    records, wrong = read_records(paths)
    if wrong:
        raise InputError(wrong[0])
    records = [record for record in records if hardware in (None, record["hardware_key"])]
    if not records:
        raise InputError(f"there are no records of {word}", hint="measure them with `make perf`")
    return records


def verdicts(
    sides: tuple[Records, Records],
    *,
    words: Sequence[str] = (),
    min_effect: float = 0.03,
    canary: tuple[Records, ...] | None = None,
    lower: Sequence[str] = (),
) -> list[Shown]:
    if words:
        sides = (
            [one for one in sides[0] if one["card"] in words],
            [o for o in sides[1] if o["card"] in words],
        )
    found = []
    for runtime, pair in _paired(*sides):
        moved = dict(_paired(canary[0], canary[1])) if canary else {}
        compared = compare(
            *pair,
            policy=Policy(min_effect=min_effect),
            canary=moved.get(runtime, (canary[0], canary[1])) if canary else None,
            directions=dict.fromkeys(lower, "lower"),
        )
        found += [Shown(one, runtime) for one in compared]
    return found


def _paired(one: Records, two: Records) -> Iterator[tuple[str | None, tuple[Records, Records]]]:
    """What was started by the same runtime on each side; all as they are where no runtime is on both."""
    runtimes = [{runtime_in(record) for record in side} for side in (one, two)]
    if not runtimes[0] & runtimes[1]:
        yield None, (one, two)
        return
    for runtime in sorted(runtimes[0] | runtimes[1], key=str):
        first, second = ([r for r in side if runtime_in(r) == runtime] for side in (one, two))
        yield runtime, (first, second)


def gate(found: Sequence[Shown], fail_on: str) -> int:
    """1 if there is what fails; a gate that has nothing to judge fails too."""
    if fail_on == "never":
        return 0
    kinds = {one.compared.verdict.kind for one in found}
    bad = {"regression"} if fail_on == "regression" else {"regression", "suspected_regression"}
    return 1 if kinds & bad or not found else 0


def as_text(found: Sequence[Shown]) -> str:
    lines = [_line(one) for one in found]
    return "\n".join(lines) if lines else "no series is on either side"


def _line(shown: Shown) -> str:
    one, verdict = shown.compared, shown.compared.verdict
    within = "" if shown.runtime in (None, BESIDE) else f" in {shown.runtime}"
    change = "" if verdict.change is None else f" {verdict.change:+.1%}"
    if verdict.interval:
        change += f" [{verdict.interval[0]:+.1%}, {verdict.interval[1]:+.1%}]"
    runs = f"{len(one.baseline.all)}:{len(one.now.all)} runs"
    return f"{one.card}{within} {one.metric} {one.statistic}: {verdict.kind}{change} ({runs}; {verdict.why})"
