"""An engine's own benchmark as what measures it: the commands of it, and its result in our words."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from atlas.perf.cards import Card
from atlas.perf.commands import PORT, filled
from atlas.perf.engine import SIZE, revision_of, translated
from atlas.perf.formats import Format, runs_of
from atlas.perf.metrics import Journal, load_time

READY_S = 600
"""How long a server may take until it is ready, where the engine's YAML does not say."""

Results = tuple[list[dict[str, Any]], list[str], tuple[int, int] | None]


def bench_request(
    spec: Mapping[str, Any], card: Card, engine: str, places: Mapping[str, str]
) -> dict[str, Any]:
    """What the driver runs for a card. InputError where the engine has no such tool, or it needs more.

    `places` are the interpreter, the model and a folder, where the engine finds them.
    """
    values = {**places, **asked(card), **revision_of(card), **translated(dict(spec), card, engine)}
    bench = spec["bench"][card.mode]
    server = bench.get("server")
    request: dict[str, Any] = {
        "before": [filled(command, values, card.where) for command in bench.get("before", ())],
        "command": filled(bench["command"], {**values, PORT: f"{{{PORT}}}"}, card.where),
        "result": bench["result"].replace("{output}", places["output"]),
        "server": None,
    }
    if server:
        words = filled(server["command"], {**values, PORT: f"{{{PORT}}}"}, card.where)
        ready = {"ready": server["ready"], "ready_s": server.get("ready_s", READY_S)}
        request["server"] = {"command": words, **ready}
    return request


def asked(card: Card) -> dict[str, int]:
    """What a card asks for, by the names that commands have for it."""
    size = int(card.parameters.get(SIZE, 1))
    requests = card.dataset["requests"]
    return {
        **card.dataset,
        "warmup": card.warmup,
        "batches": math.ceil(requests / size),
        "warmup_batches": math.ceil(card.warmup / size),
    }


def benched(journal: Journal, form: Format, card: Card) -> Results:
    """Results of a run, what is wrong with some, and how many requests succeeded and failed.

    A tool that says less than was asked for has failed in the rest.
    """
    found = journal.bench
    if found is None:
        return [], [], None
    if "content" not in found:
        return [], [found["reason"]], None
    try:
        runs = runs_of(form, found["content"])
    except ValueError as error:
        return [], [f"the tool's result is not as it usually writes it: {error}"], None
    if len(runs) != 1:
        return [], [f"the tool's result is of {len(runs)} runs"], None
    results = [*runs[0].results, *load_time(journal)]
    bad = [f"{one['metric']} {one['statistic']}: {one['reason']}" for one in results if one["value"] is None]
    good, failed = runs[0].requests or (None, 0)
    requests = (good, max(failed, card.dataset["requests"] - good)) if good is not None else None
    return results, bad, requests
