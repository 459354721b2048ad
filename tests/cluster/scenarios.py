"""Runs on real clusters, and what is done to them meanwhile."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path


def python(code: str) -> list[str]:
    return ["{python}", "-c", code]


def matrix_cards(flag: Path) -> dict[str, dict]:
    """One card of each fate; those that wait do so until there is a file."""
    waits = f"import os, time\nwhile not os.path.exists({str(flag)!r}): time.sleep(0.2)\n"
    waiting = {"command": python(waits + "print('performance: 2 tok/s')"), "timeout_s": 3000}
    visible = "import os; print('performance: %d gpus' % len(os.environ['CUDA_VISIBLE_DEVICES'].split(',')))"
    return {
        "good": {"command": python("print('performance: 12.5 tok/s')")},
        "crash": {"command": python("raise SystemExit(7)")},
        "overtime": {"command": python("import time; time.sleep(600)"), "timeout_s": 2},
        "cancelled": waiting,
        "endless": {**waiting, "timeout_s": 0},
        "gpu": {"command": python(visible), "gpus_per_node": 2},
        "doomed": {**waiting, "gpus_per_node": 2},
    }


def wide_cards() -> dict[str, dict]:
    """Cards of two nodes, by a launcher of the tests' own that starts a command on each."""
    report = "import os; rank = int(os.environ['NODE_RANK'])\n"
    wide = {"launcher": "each", "nnodes": 2, "reduce": {"tok/s": "sum", "nodes": "rank0"}}
    both = report + "print('performance: %d tok/s' % (10 * (rank + 1)))\n"
    first = "if rank == 0: print('performance: %s nodes' % os.environ['NNODES'])\n"
    return {
        "wide": {**wide, "command": python(both + first)},
        "partly": {**wide, "command": python(report + first + "if rank == 0: print('performance: 1 tok/s')")},
        "broken": {**wide, "command": python(both + "if rank: raise SystemExit(4)")},
    }


@dataclass
class Seen:
    """What there was after a run."""

    code: int
    said: str
    records: dict[str, dict]
    """By the name of their file below the hardware, without `.json`."""
    left: list[str]
    """Jobs of it that were still there."""
    notes: dict[str, object] = field(default_factory=dict)


def seen(here, code: int, said: str, **notes: object) -> Seen:
    end = time.monotonic() + 120
    while here.mine() and time.monotonic() < end:  # those that are just ending
        time.sleep(0.5)
    found = {}
    for path in sorted((here.root / "measured").glob("toy/1.0/perf/*/*/*.json")):
        found[f"{path.parent.name}/{path.stem}"] = json.loads(path.read_text())
    return Seen(code, said, found, here.mine(), notes)


FEW = ("good", "cancelled", "doomed", "gpu")
"""Cards in which a cluster with accounting differs from one without."""


def matrix(here, *options: str, names: tuple[str, ...] = ()) -> tuple[Seen, Seen]:
    """One run in which jobs fail in all ways, with the controller away for a while; and the next run."""
    flag = here.root.parent / "go on"
    cards = {**matrix_cards(flag), **wide_cards()}
    cards = {name: card for name, card in cards.items() if name in (names or cards)}
    here.settings(gpu={"gpus_by": "gres", "hardware": here.gpu_hardware, "exclusive": True})
    here.cards(cards)
    here.launcher("each", {"NODE_RANK": "{rank}", "NNODES": "{nodes}"})
    run = here.start("perf", *options)
    try:
        if "endless" in cards:
            endless = here.measuring("endless")
            here.slurm.run("scontrol", "update", f"JobId={endless['JobId']}", "TimeLimit=1")
        doomed = here.measuring("doomed")
        gpu = here.ended("gpu")
        here.slurm.kill_node(doomed["NodeList"])
        here.slurm.run("scancel", here.measuring("cancelled")["JobId"])
        for card in wide_cards().keys() & cards.keys():  # a launch that begins without a controller fails
            here.ended(card)
        here.slurm.stop_controller()
        time.sleep(8)
        here.slurm.start_controller()
        said, _ = run.communicate(timeout=900)
    finally:
        kill(run)
    first = seen(here, run.returncode, said, gpu=gpu, cards=set(cards))
    here.slurm.start_node(doomed["NodeList"])
    flag.touch()
    second = here.snakemake("perf", *options)
    return first, seen(here, second.returncode, second.said)


def interrupted(here) -> tuple[Seen, Seen]:
    """Ctrl-C while a job runs; and the next run."""
    flag = here.root.parent / "go on"
    cards = matrix_cards(flag)
    here.cards({"good": cards["good"], "waiting": cards["cancelled"]})
    run = here.start("perf")
    try:
        here.measuring("waiting")
        here.ended("good")
        os.kill(run.pid, signal.SIGINT)
        said, _ = run.communicate(timeout=300)
    finally:
        kill(run)
    first = seen(here, run.returncode, said)
    flag.touch()
    second = here.snakemake("perf")
    return first, seen(here, second.returncode, second.said)


def rejected(here, **settings: object) -> tuple[Seen, Seen]:
    """Settings that SLURM refuses; and the next run, with those that it takes."""
    here.cards({"good": matrix_cards(Path())["good"]})
    here.settings(**settings)
    run = here.snakemake("perf")
    first = seen(here, run.returncode, run.said)
    here.settings()
    again = here.snakemake("perf")
    return first, seen(here, again.returncode, again.said)


def kill(run: subprocess.Popen[str]) -> None:
    if run.poll() is None:
        os.killpg(run.pid, signal.SIGKILL)
        run.wait()


def files(root: Path) -> dict[str, bytes]:
    """All that rules have made: artefacts, locks and sidecars."""
    sidecars = [path for name in ("results", "envs", "docs") for path in (root / name).rglob("*.prov.json")]
    made = [path.with_name(path.name.removesuffix(".prov.json")) for path in sidecars]
    return {str(path.relative_to(root)): path.read_bytes() for path in [*sidecars, *made]}
