"""In an allocation of one's own: what is heavy runs as steps on its nodes, by Snakemake's local executor.

A step is a shell for one rule's command (resource `shell_exec`), which starts it by srun. The allocation
itself is neither made nor ended here.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from atlas.canonical import write_atomic

FOLDER = ".snakemake/steps"


def step_shell(root: Path, wanted: Mapping[str, Any], env: Mapping[str, str] = os.environ) -> str:
    """The shell that runs a command as a step, with what a job of it would ask for."""
    command = shlex.join(step(wanted, env))
    name = "-".join(word.lstrip("-").replace("=", "").replace(":", "") for word in step(wanted, env)[3:])
    place = root / FOLDER / (name or "any") / "bash"
    text = f'#!/bin/sh\n# Runs a command as a step of the allocation.\nexec {command} bash "$@"\n'
    if not place.is_file() or place.read_text(encoding="utf-8") != text:
        write_atomic(place, text)
    place.chmod(0o755)
    return str(place)


def step(wanted: Mapping[str, Any], env: Mapping[str, str]) -> list[str]:
    """srun of one task; steps wait for each other where the allocation has not enough for all."""
    words = ["srun", "--nodes=1", "--ntasks=1"]
    cpus = int(wanted.get("cpus_per_task") or 1)
    words.append(f"--cpus-per-task={_most(cpus, env.get('SLURM_JOB_CPUS_PER_NODE'))}")
    if wanted.get("mem_mb"):
        words.append(f"--mem={_most(int(wanted['mem_mb']), env.get('SLURM_MEM_PER_NODE'))}")
    gpus = str(wanted.get("gres") or "") or (f"gpu:{wanted['gpu']}" if wanted.get("gpu") else "none")
    return [*words, f"--gres={gpus}", "--exact", "--quit-on-interrupt"]


def _most(wanted: int, given: str | None) -> int:
    """No more than the smallest node has, of what SLURM tells as `8(x2),4`."""
    counts = [int(part.partition("(")[0]) for part in (given or "").split(",") if part[:1].isdigit()]
    return min([wanted, *counts])
