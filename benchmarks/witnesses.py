"""Asks the engines about every witness of every tracked pair of versions.

    .venv/bin/python benchmarks/witnesses.py [ENGINE]

For each change that `atlas diff` calls witness-confirmed, both versions' running engines are asked about the
configuration (`atlas invariants replay`). Prints what differs from the claim, and the counts; exits 1 if
anything does. Needs the engines' environments; minutes.
"""

from __future__ import annotations

import io
import itertools
import json
import sys
from collections import defaultdict
from pathlib import Path

from atlas.diff.compare import compare
from atlas.diff.facts import facts_of
from atlas.errors import UnavailableError
from atlas.invariants.replay import replay
from atlas.knowledge import engines, load, versions

ROOT = Path(__file__).resolve().parents[1]


def claims(chosen: list[str]) -> dict[tuple[str, str, str], list[tuple[dict, str, str]]]:
    """By engine, version and class: configuration, outcome that is claimed, id of the change."""
    found = defaultdict(list)
    for engine in chosen:
        for old, new in itertools.pairwise(versions(engine)):
            diff = compare(facts_of(load(engine, old)), facts_of(load(engine, new)))
            for change in diff.changes:
                for one in filter(None, (change.witness, change.relief)):
                    name = change.id(engine)
                    config = dict(one.config)
                    found[engine, one.accepted_by, one.other_target].append((config, "ok", name))
                    found[engine, one.rejected_by, one.target].append((config, "rejected", name))
    return found


def main() -> int:
    right = wrong = 0
    for (engine, version, target), every in sorted(claims(sys.argv[1:] or engines()).items()):
        out, lines = io.StringIO(), [json.dumps(one[0]) for one in every]
        try:
            replay(ROOT, f"{engine}=={version}", target, depth="resolve", workers=1, lines=lines, out=out)
        except UnavailableError as error:
            print(f"not asked: {error}")
            continue
        for line, (config, claim, name) in zip(out.getvalue().splitlines(), every, strict=True):
            outcome = json.loads(line)["outcome"]
            right += outcome == claim
            wrong += outcome != claim
            if outcome != claim:
                print(f"{name}: {version} {target.rpartition('.')[2]}({config}) is {outcome}, not {claim}")
    print(f"{right} outcomes as claimed, {wrong} not")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
