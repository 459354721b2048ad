"""Nodes looked at before a run, each by a short job of its own; later jobs do not get those that fail."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from atlas.cluster.allocation import said
from atlas.cluster.checked import Looked
from atlas.cluster.settings import Jobs, Site
from atlas.errors import UnavailableError

ATONCE = 32
MARGIN_S = 120.0
BUSY = re.compile(
    r"Unable to allocate resources: (Requested nodes are busy|Immediate)|allocation.*revoked", re.I
)
REFUSED = re.compile(r"Unable to allocate resources: (.+)")
AWAY = ("DOWN", "DRAIN", "FAIL", "MAINT", "NOT_RESPONDING", "POWER", "REBOOT", "RESERVED", "UNKNOWN", "*")
"""Parts of states that SLURM starts nothing in."""
Run = Callable[[Sequence[str], float], tuple[int | None, str, str]]


@dataclass(frozen=True)
class Node:
    """A node as SLURM knows it; `gpus` are those that no job has."""

    name: str
    state: str
    memory_mb: int
    gpus: int
    partitions: tuple[str, ...]


def preflight(site: Site, *, wait_s: int, disk_gb: float, run: Run | None = None) -> list[Looked]:
    """Look at all nodes that jobs may get by these settings. UnavailableError where SLURM refuses to."""
    run = run or _run
    kinds = [site.jobs("", gpu=gpu) for gpu in (False, True)]
    found = {}
    for node in nodes(said(["scontrol", "--oneliner", "show", "node"])):
        wanted = [one for one in kinds if one.partition is None or one.partition in node.partitions]
        if wanted:
            # As GPUs are asked for: by the settings of jobs that have some.
            found[node.name] = node, wanted[-1 if node.gpus else 0]
    with ThreadPoolExecutor(ATONCE) as pool:
        looked = [pool.submit(_look, node, jobs, wait_s, disk_gb, run) for node, jobs in found.values()]
        return [one.result() for one in looked]


def _look(node: Node, jobs: Jobs, wait_s: int, disk_gb: float, run: Run) -> Looked:
    away = [part for part in AWAY if part in node.state]
    if away:
        return Looked(node.name, "away", f"SLURM says {node.state}")
    if node.state.startswith("ALLOCATED"):
        return Looked(node.name, "busy", "all of it is in use: not looked at")
    code, output, errors = run(command(node, jobs, wait_s, disk_gb), wait_s + MARGIN_S)
    if code is None:
        return Looked(node.name, "bad", f"the check had no end after {wait_s + MARGIN_S:g} s")
    try:
        told = json.loads(output)["answer"]
    except (ValueError, KeyError, TypeError):
        return _unsaid(node, errors)
    checks = told["checks"]
    bad = [f"{one['name']}: {one['what']}" for one in checks if one["ok"] is False]
    return Looked(node.name, "bad" if bad else "good", "; ".join(bad) or "all is well", tuple(checks))


def _unsaid(node: Node, errors: str) -> Looked:
    """Of a node that has not answered: it may be in use, the job may be refused, or it is no good."""
    last = " ".join(errors.split())[-300:]
    if BUSY.search(errors):
        return Looked(node.name, "busy", "in use: not looked at")
    refused = REFUSED.search(errors)
    if refused:
        hint = "are `partition`, `account` and the like in config/cluster.yaml right?"
        raise UnavailableError(f"SLURM does not look at {node.name}: {refused[1]}", hint=hint)
    return Looked(node.name, "bad", f"the check did not run there: {last or 'it said nothing'}")


def command(node: Node, jobs: Jobs, wait_s: int, disk_gb: float) -> list[str]:
    """A job of this node alone that gives up when it is not free."""
    words = [
        "srun",
        "--nodes=1",
        "--ntasks=1",
        f"--nodelist={node.name}",
        f"--immediate={wait_s}",
        "--time=5",
    ]
    words += ["--quiet", "--job-name=atlas-preflight", "--cpus-per-task=1", "--mem=300"]
    options = {"partition": jobs.partition, "account": jobs.account, "qos": jobs.qos}
    options |= {"reservation": jobs.reservation, "constraint": jobs.constraint}
    words += [f"--{name}={value}" for name, value in options.items() if value]
    if node.gpus:
        words.append(":".join(["--gres=gpu", *([jobs.gpu_model] if jobs.gpu_model else []), str(node.gpus)]))
    program = str(Path(sys.executable).with_name("atlas"))
    check = [program, "cluster", "check", "--json", "--gpus", str(node.gpus)]
    return [*words, *check, "--memory", str(node.memory_mb), "--disk", f"{disk_gb:g}"]


def nodes(shown: str) -> list[Node]:
    """Those of `scontrol --oneliner show node`."""
    found = []
    for line in shown.splitlines():
        values = dict(re.findall(r"(\w+)=(\S*)", line))
        if "NodeName" not in values:
            continue
        free = _gpus(values.get("CfgTRES", "")) - _gpus(values.get("AllocTRES", ""))
        if "gres/gpu" not in values.get("CfgTRES", ""):
            free = _gres(values.get("Gres", "")) if not values["State"].startswith("ALLOC") else 0
        partitions = tuple(values.get("Partitions", "").split(","))
        memory = int(values.get("RealMemory") or 0)
        found.append(Node(values["NodeName"], values["State"], memory, max(0, free), partitions))
    return found


def _gpus(tres: str) -> int:
    found = re.search(r"gres/gpu=(\d+)", tres)
    return int(found[1]) if found else 0


def _gres(gres: str) -> int:
    """From such as gpu:h200:8(S:0-1),nic:2."""
    counts = re.findall(r"gpu(?::[^:,(]+)?:(\d+)(?:\([^)]*\))?", gres)
    return sum(map(int, counts)) or int(bool(re.search(r"\bgpu\b", gres)))


def _run(words: Sequence[str], limit_s: float) -> tuple[int | None, str, str]:
    """Exit status (None: it took too long), output, errors. A job that is not done ends with its srun.

    Inside of an allocation, srun would start nothing but steps of that.
    """
    env = {key: one for key, one in os.environ.items() if key == "SLURM_CONF" or "SLURM_" not in key}
    pipe = subprocess.PIPE
    with subprocess.Popen(
        words, env=env, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, text=True
    ) as process:
        try:
            output, errors = process.communicate(timeout=limit_s)
        except subprocess.TimeoutExpired:
            process.terminate()
            try:
                output, errors = process.communicate(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
            return None, "", f"{shlex.join(words)} took too long"
        return process.returncode, output, errors
