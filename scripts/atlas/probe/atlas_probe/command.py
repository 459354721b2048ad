"""The probe's command line: a request is read, and the facts are written."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from typing import Any

from .answer import answer
from .noise import silence
from .serve import serve

FORMAT_VERSION = 1


def main(arguments: list[str]) -> None:
    """Answer one request (or serve one, until the other side is gone), and end the process."""
    parser = argparse.ArgumentParser(
        description="Read an engine's configuration from inside its environment."
    )
    parser.add_argument("--request", help="a JSON file (default: standard input)")
    goal = parser.add_mutually_exclusive_group(required=True)
    goal.add_argument("--output", help="where the facts go")
    goal.add_argument("--serve", type=int, metavar="DESCRIPTOR", help="a socket to answer on")
    parser.add_argument("--log", help="where the engine's output goes (default: where it goes anyway)")
    options = parser.parse_args(arguments)
    if options.request:
        with open(options.request, encoding="utf-8") as file:
            request = json.load(file)
    else:
        request = json.load(sys.stdin)
    if options.log:
        silence(options.log)
    # The arguments are not the engine's.
    sys.argv[1:] = []
    if options.output:
        write(options.output, {"format_version": FORMAT_VERSION, **answer(request)})
    else:
        serve(request, options.serve)
    sys.stdout.flush()
    sys.stderr.flush()
    # Exit handlers and threads that the engine left behind must not hold up or change the outcome.
    os._exit(0)


def write(path: str, facts: dict[str, Any]) -> None:
    """The whole file or none of it."""
    handle, name = tempfile.mkstemp(dir=os.path.dirname(os.path.abspath(path)), suffix=".tmp")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(facts, file, ensure_ascii=True, allow_nan=False)
        file.flush()
        os.fsync(file.fileno())
    os.replace(name, path)
