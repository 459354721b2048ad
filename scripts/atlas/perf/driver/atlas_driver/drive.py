"""One run: load, warm up, measure. All is told to the journal, failures too."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import resource
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any

from . import bench
from .journal import Journal
from .protocols import COUNTS, PROTOCOLS, TIMES, failed

ENGINE_FAILED = 3
AROUND = "ATLAS_PERF_AROUND"


def main(arguments: list[str], started: float) -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--request", required=True)
    parser.add_argument("--output", required=True)
    options = parser.parse_args(arguments)
    with open(options.request, encoding="utf-8") as file:
        request = json.load(file)
    journal = Journal(options.output)
    journal.add("start", started=started, utc=time.time())
    try:
        if "bench" in request:
            return bench.run(request["bench"], journal)
        drive(request, journal)
    except Exception as error:  # whatever an engine may raise is a fact about it
        traceback.print_exc()
        text = "%s: %s" % (type(error).__name__, str(error)[:2000])
        journal.add("error", phase=journal.phase, message=text)
        return ENGINE_FAILED
    usage = resource.getrusage(resource.RUSAGE_SELF)
    journal.add("end", rss_peak_kib=usage.ru_maxrss, cpu_s=usage.ru_utime + usage.ru_stime)
    return 0


def drive(request: dict[str, Any], journal: Journal) -> None:
    sys.path.insert(0, request["probe"])
    from atlas_probe.calls import compiled  # type: ignore[import-not-found]

    del sys.path[0]
    spec = request["spec"]
    journal.enter("load")
    objects: dict[str, Any] = {}

    def compile_tree(tree: Any, names: Any) -> Any:
        return compiled(tree, names, "")

    for entry in spec["load"]:
        for name, tree in entry.items():
            objects[name] = compile_tree(tree, list(objects))(objects)
    protocol: Any = PROTOCOLS[spec["protocol"]](spec, compile_tree, objects)
    tokens, wanted = request["output_tokens"], TIMES if request.get("token_times", True) else COUNTS
    journal.enter("warmup")
    for batch in request["warmup"]:
        protocol.run(batch, tokens, wanted)
    if request.get("bare"):
        _compare(protocol, request, wanted, journal)
        return
    tools = _tools(compile_tree, journal)
    journal.enter("measure")
    with contextlib.ExitStack() as stack:
        for tool, _ in tools:
            stack.enter_context(tool)
        start = time.monotonic()
        for number, batch in enumerate(request["batches"]):
            _measure(protocol, batch, tokens, wanted, number, journal)
        journal.add("window", start=start, end=time.monotonic())
    journal.enter("end")
    for tool, how in tools:
        getattr(tool, how["save"])(how["file"])


def _tools(compile_tree: Callable[[Any, Any], Any], journal: Journal) -> list[tuple[Any, dict[str, Any]]]:
    """The profilers around what is measured; one that cannot be made is left out, and that is told."""
    found = []
    for wanted in json.loads(os.environ.pop(AROUND, "[]")):
        try:
            found.append((compile_tree(wanted["make"], [])({}), wanted))
        except Exception as error:  # whatever it is, the engine can be measured without it
            reason = "%s: %s" % (type(error).__name__, str(error)[:200])
            journal.add("left_out", tool=wanted["tool"], reason=reason)
    return found


def _measure(
    protocol: Any, batch: list[list[int]], tokens: int, wanted: str, number: int, journal: Journal
) -> None:
    sent = time.monotonic()
    try:
        requests = protocol.run(batch, tokens, wanted)
    except Exception as error:  # one batch that fails spoils no other
        traceback.print_exc()
        requests = failed(batch, sent, error)
    for one in requests:
        journal.add("request", batch=number, **one)


def _compare(protocol: Any, request: dict[str, Any], wanted: str, journal: Journal) -> None:
    """The same batches, in turn as they are measured and in a bare loop that only calls the engine."""
    journal.enter("compare")
    tokens = request["output_tokens"]
    for number, batch in enumerate(request["batches"]):
        first = number % 2 == 0
        # There and back again, so that a machine that gets slower meanwhile does so for both.
        for bare in (first, not first, not first, first):
            start, cpu = time.monotonic(), time.process_time()
            if bare:
                protocol.run(batch, tokens, None)
            else:
                _measure(protocol, batch, tokens, wanted, number, journal)
            spent = {"seconds": time.monotonic() - start, "cpu_s": time.process_time() - cpu}
            journal.add("compared", batch=number, bare=bare, **spent)
