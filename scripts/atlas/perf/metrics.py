"""What a run's journal comes to: metrics with their definitions, nothing measured being null."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from atlas.perf.lines import json_lines
from atlas.perf.stats import interval_of_median, quantile

UNITS = {
    "output_tput": ("tok/s", "higher"),
    "total_tput": ("tok/s", "higher"),
    "request_tput": ("1/s", "higher"),
    "ttft": ("s", "lower"),
    "tpot": ("s", "lower"),
    "itl": ("s", "lower"),
    "e2el": ("s", "lower"),
    "load_time": ("s", "lower"),
    "rss_peak": ("B", "lower"),
    "vram_peak": ("B", "lower"),
    "energy": ("J", "lower"),
    "tok_per_j": ("tok/J", "higher"),
}
"""Unit, and which way is better. Times are the client's: from when a request was sent."""
SHARES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}


@dataclass
class Journal:
    """What the driver wrote, as far as it came."""

    started: float | None = None
    phases: list[tuple[str, float]] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)
    window: tuple[float, float] | None = None
    error: str | None = None
    end: dict[str, Any] | None = None
    compared: list[dict[str, Any]] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    """Profilers that could not be made, and why."""
    bench: dict[str, Any] | None = None
    """What the engine's own tool wrote, or the reason why there is nothing."""
    setup: tuple[str, str] | None = None
    """The kind of failure, and its reason, of what has to be there before anything is measured."""

    def phase(self, name: str) -> float | None:
        """How long a phase took; None if it did not end."""
        for (one, start), (_, end) in pairwise(self.phases):
            if one == name:
                return end - start
        return None


def read_journal(path: Path) -> Journal:
    found = Journal()
    for line in json_lines(path):
        event = line.get("event")
        if event == "start":
            found.started = line["started"]
        elif event == "phase":
            found.phases.append((line["name"], line["t"]))
        elif event == "request":
            found.requests.append(line)
        elif event == "window":
            found.window = (line["start"], line["end"])
        elif event == "compared":
            found.compared.append(line)
        elif event == "left_out":
            found.left_out[line["tool"]] = line["reason"]
        elif event == "bench":
            found.bench = line
        elif event == "error" and "kind" in line:
            found.setup = line["kind"], f"{line['phase']}: {line['message']}"
        elif event == "error":
            found.error = f"{line['phase']}: {line['message']}"
        elif event == "end":
            found.end = line
    return found


def succeeded(journal: Journal) -> list[dict[str, Any]]:
    return [one for one in journal.requests if one["done"] is not None and made_by(one) > 0]


def made_by(request: dict[str, Any]) -> int:
    """How many tokens a request has got, whether or not it is known when."""
    tokens = request["tokens"]
    return len(tokens) if tokens is not None else int(request["n_out"])


def measured(journal: Journal) -> list[dict[str, Any]]:
    """All results of a run; empty where no request has succeeded or the window has not ended.

    Without the times of tokens there is no result of what they would tell.
    """
    good = succeeded(journal)
    if not good or journal.window is None:
        return []
    seconds = journal.window[1] - journal.window[0]
    made = sum(made_by(one) for one in good)
    read = sum(one["n_in"] for one in good)
    found = [
        _single("output_tput", made / seconds, len(good)),
        _single("total_tput", (made + read) / seconds, len(good)),
        _single("request_tput", len(good) / seconds, len(good)),
    ]
    timed = [one for one in good if one["tokens"]]
    found += _spread("ttft", [one["tokens"][0] - one["sent"] for one in timed])
    found += _spread("tpot", [tpot for one in timed if (tpot := time_per_token(one)) is not None])
    found += _spread("itl", [b - a for one in timed for a, b in pairwise(one["tokens"])])
    found += _spread("e2el", [one["done"] - one["sent"] for one in good])
    found += load_time(journal)
    if journal.end and journal.end.get("rss_peak_kib"):
        found.append(_single("rss_peak", journal.end["rss_peak_kib"] * 1024, 1))
    return found


def load_time(journal: Journal) -> list[dict[str, Any]]:
    """From the start of the process until requests can be sent, where there is a phase for that."""
    load = journal.phase("load")
    if load is None or journal.started is None:
        return []
    return [_single("load_time", load + journal.phases[0][1] - journal.started, 1)]


def powered(summary: dict[str, Any], tokens: int) -> list[dict[str, Any]]:
    """Results from telemetry, where it tells them."""
    found = []
    if summary.get("vram_peak_bytes") is not None:
        found.append(_single("vram_peak", summary["vram_peak_bytes"], 1))
    energy = summary.get("energy_j")
    if energy is not None:
        found.append(_single("energy", energy, 1))
        if energy > 0 and tokens:
            found.append(_single("tok_per_j", tokens / energy, tokens))
    return found


def time_per_token(request: dict[str, Any]) -> float | None:
    """TPOT of one request: what is left after the first token, over the other tokens."""
    tokens = request["tokens"]
    return (tokens[-1] - tokens[0]) / (len(tokens) - 1) if len(tokens) > 1 else None


def _single(metric: str, value: float, n: int) -> dict[str, Any]:
    return _result(metric, value, "value", n)


def _spread(metric: str, values: list[float]) -> list[dict[str, Any]]:
    if not values:
        return []
    found = [_result(metric, quantile(values, share), name, len(values)) for name, share in SHARES.items()]
    if len(values) > 2 and len(values) <= 2000:
        found[0]["ci_low"], found[0]["ci_high"] = interval_of_median(values)
    return found


def _result(metric: str, value: float, statistic: str, n: int) -> dict[str, Any]:
    fine = math.isfinite(value)
    return {
        "name": "",
        "metric": metric,
        "value": value if fine else None,
        "unit": UNITS[metric][0],
        "statistic": statistic,
        "n": n,
        "ci_low": None,
        "ci_high": None,
        "extra": {},
        "reason": None if fine else "not finite",
    }
