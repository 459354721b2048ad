"""The allocation that this process is in, as SLURM tells it."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence

from atlas.cluster.launchers import Allocation
from atlas.errors import UnavailableError

Ask = Callable[[Sequence[str]], str]
AWAY = "Unable to contact slurm controller"


def allocation(env: Mapping[str, str] = os.environ, ask: Ask | None = None) -> Allocation:
    """UnavailableError outside of one, or where the controller does not say what the nodes are."""
    job = env.get("SLURM_JOB_ID", "")
    if not job.isdigit():
        raise UnavailableError("this is no SLURM job", hint="inside of `salloc` or `sbatch`")
    ask = ask or said
    # In a step of one node, as Snakemake's jobs are, SLURM_JOB_NODELIST is that node alone.
    listed = ask(["squeue", "--noheader", "--format=%N", "--jobs", job]).strip()
    nodes = ask(["scontrol", "show", "hostnames", listed]).split()
    shown = ask(["scontrol", "--oneliner", "show", "node", ",".join(nodes)])
    places = {}
    for line in shown.splitlines():
        name, address = re.search(r"NodeName=(\S+)", line), re.search(r"NodeAddr=(\S+)", line)
        if name and address:
            places[name[1]] = address[1]
    return Allocation(int(job), tuple(nodes), tuple(places.get(node, node) for node in nodes), gpus_of(env))


def nodes_here(env: Mapping[str, str] = os.environ) -> int:
    """How many nodes the allocation has that this process is in; 0 outside of one."""
    count = env.get("SLURM_JOB_NUM_NODES", "")
    return int(count) if count.isdigit() else 0


def gpus_of(env: Mapping[str, str]) -> int:
    """How many GPUs of each node this job has."""
    on_node = env.get("SLURM_GPUS_ON_NODE") or env.get("SLURM_GPUS_PER_NODE", "").rpartition(":")[2]
    if on_node and on_node.isdigit():
        return int(on_node)
    visible = env.get("CUDA_VISIBLE_DEVICES", "")
    return len([one for one in visible.split(",") if one]) if visible else 0


def said(command: Sequence[str], tries: int = 24, pause_s: float = 5) -> str:
    """What a command prints; a controller that is away is waited for. UnavailableError where it fails."""
    for left in reversed(range(tries)):
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise UnavailableError(f"{command[0]}: {error}") from error
        if not done.returncode or not left or AWAY not in done.stderr:
            break
        time.sleep(pause_s)
    if done.returncode:
        raise UnavailableError(f"{' '.join(command)}: {done.stderr.strip()[-300:]}")
    return done.stdout
