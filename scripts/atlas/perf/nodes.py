"""Runs over several nodes: a launcher starts them, and what nodes report of a metric becomes one result."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from atlas.cluster.launchers import load_launchers
from atlas.cluster.nodes import gather
from atlas.errors import InputError
from atlas.perf.results import read_performance
from atlas.validation import nearest

if TYPE_CHECKING:
    from atlas.perf.cards import Card

OUTCOME = "launch.json"
LOGS = "logs"
LOG_BYTES = 4 << 20
"""Of each node's log, this much of its end stands in the log of the run."""


@dataclass(frozen=True)
class Spread:
    """What came of a launch. `failed` says why it did not end well, `missing` which nodes said nothing."""

    results: list[dict[str, Any]]
    bad: list[str]
    failed: str | None
    missing: str | None
    degraded: bool
    facts: dict[str, Any] = field(default_factory=dict)


def check_launched(entry: Mapping[str, Any], root: Path, where: str) -> None:
    """InputError for a card that its launcher could not start, or whose results no one could put together."""
    name, launchers = entry["launcher"], load_launchers(root)
    if name not in launchers:
        raise InputError(f"no launcher is called `{name}`{nearest(name, launchers)}", where=where)
    least = launchers[name].get("least_nodes", 1)
    serves = bool(launchers[name].get("serves"))
    wants = (
        {"model": "what it serves", "command": "a client, which finds it by ATLAS_ADDRESS"}
        if serves
        else {"command": f"what `{name}` starts", "reduce": "how values of nodes become one"}
    )
    lacks = [f"`{key}` ({why})" for key, why in wants.items() if key not in entry]
    spare = [key for key in ("model", "reduce", "arguments") if key in entry and key not in wants]
    spare = [key for key in spare if not (serves and key == "arguments")]
    what = f"`{entry['name']}`, which `{name}` starts,"
    if entry.get("nnodes", 1) < least:
        raise InputError(f"{what} needs {least} nodes", where=where)
    if lacks:
        raise InputError(f"{what} needs {' and '.join(lacks)}", where=where)
    if spare or "multiple_results" in entry or "tools" in entry:
        key = (spare or [one for one in ("multiple_results", "tools") if one in entry])[0]
        raise InputError(f"{what} cannot have `{key}`", where=where)


def launch_command(card: Card, words: Sequence[str], model: str | None, folder: Path) -> tuple[str, ...]:
    """`atlas cluster launch` of a card, whose command has become `words`."""
    program = "import sys; from atlas.cli import main; sys.exit(main())"
    command = [sys.executable, "-E", "-s", "-c", program, "cluster", "launch", "--launcher", card.launcher]
    command += ["--nodes", str(card.nnodes), "--logs", str(folder / LOGS), "--output", str(folder / OUTCOME)]
    if card.timeout_s:
        # What waits for a server is to say so before the card's own limit ends it.
        command += ["--ready", str(max(1.0, card.timeout_s * 0.8))]
    if model is None:
        return (*command, "--", *words)
    return (*command, "--model", model, "--client", shlex.join(words), "--", *card.arguments)


def gathered(card: Card, folder: Path, log: Path) -> Spread:
    """What a launch has left in a folder; the logs of its nodes go into that of the run."""
    outcome = _outcome(folder / OUTCOME)
    _append(log, folder / LOGS)
    failed = None if outcome.get("status") == "SUCCESS" else outcome.get("reason") or "the launch had no end"
    parallel = outcome.get("parallel")
    if card.model is not None:
        return _served(card, folder, outcome, failed, parallel)
    reported, units, bad = _reported(folder / LOGS)
    try:
        found = gather(reported, card.nnodes, card.reduce)
    except InputError as error:
        count = {"nodes_expected": card.nnodes, "nodes_reported": len(reported), "parallel": parallel}
        return Spread([], [*bad, str(error.what)], failed, None, False, count)
    results = [
        {
            "metric": one["metric"],
            "value": one["value"],
            "unit": units.get(one["metric"], ""),
            "statistic": one["reduce"],
            "n": one["nodes_reported"],
            "ci_low": None,
            "ci_high": None,
            "reason": None if one["value"] is not None else "no node has reported it",
        }
        for one in found.results
    ]
    facts = {"nodes_expected": card.nnodes, "nodes_reported": found.nodes_reported, "parallel": parallel}
    degraded = found.status == "DEGRADED"
    return Spread([] if failed else results, bad, failed, found.reason, degraded, facts)


def _served(
    card: Card, folder: Path, outcome: Mapping[str, Any], failed: str | None, parallel: Any
) -> Spread:
    """A client has measured all nodes at once; a node is there as long as none of its steps has ended."""
    steps = outcome.get("steps", ())
    ended = {node for one in steps if one["code"] is not None for node in one["nodes"]}
    there = {node for one in steps for node in one["nodes"]} - ended
    found = [one.as_json() for one in read_performance(folder / LOGS / "client.log")]
    results = [{"ci_low": None, "ci_high": None, **one} for one in found]
    bad = [f"{one['metric']}: {one['reason']}" for one in results if one["value"] is None]
    missing = None
    if len(there) < card.nnodes and not failed:
        missing = f"{len(there)} of {card.nnodes} nodes were there when the client had ended"
    facts = {"nodes_expected": card.nnodes, "nodes_reported": len(there), "parallel": parallel}
    return Spread([] if failed else results, bad, failed, missing, bool(missing and there), facts)


def _reported(logs: Path) -> tuple[dict[int, dict[str, float]], dict[str, str], list[str]]:
    """What each node, by its rank, says it has measured; the units; and what is wrong with some values."""
    found: dict[int, dict[str, float]] = {}
    units: dict[str, str] = {}
    bad = []
    for log in sorted(logs.glob("*-*-*.log")):
        rank = int(log.stem.split("-")[1])
        for one in read_performance(log):
            if one.value is None:
                bad.append(f"{one.metric} of node {rank}: {one.reason}")
            elif one.metric in found.get(rank, {}):
                bad.append(f"{one.metric} of node {rank}: said twice")
            else:
                found.setdefault(rank, {})[one.metric] = one.value
                units[one.metric] = one.unit
    return found, units, bad


def _outcome(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _append(log: Path, folder: Path) -> None:
    with log.open("ab") as out:
        for one in sorted(folder.glob("*.log")):
            text = one.read_bytes()
            out.write(f"\n== {one.name}\n".encode() + text[-LOG_BYTES:])
