"""From a cluster's settings to the resources by which Snakemake's SLURM executor asks for a job."""

from __future__ import annotations

import math
import shlex
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from atlas.cluster.settings import FILE, Jobs, Site
from atlas.errors import InputError
from atlas.perf.cards import Card

MARGIN_MIN = 10
"""Minutes beside a card's time-out: to start the job, set up its environment and write the record."""


def requested(jobs: Jobs, gpus: int, own: Mapping[str, Any]) -> dict[str, Any]:
    """The resources of a job; `own` are those of its rule, which hold against `mem`, `cpus` and `nodes`."""
    nodes = own.get("nodes") or jobs.nodes
    found: dict[str, Any] = {
        "slurm_partition": jobs.partition,
        "slurm_account": jobs.account,
        "qos": jobs.qos,
        "constraint": jobs.constraint,
        "runtime": own.get("runtime") or jobs.time,
        "mem_mb": own.get("mem_mb") or jobs.mem,
        "cpus_per_task": own.get("cpus_per_task") or jobs.cpus or own.get("_cores", 1),
        "nodes": nodes,
        "slurm_extra": extra(jobs, nodes or 1) or None,
        # Without it sbatch is given --ntasks=1, which makes one node of several.
        "tasks": nodes if nodes and nodes > 1 and not gpus else None,
        # Both options at once are an error: either is given.
        "gpu": None,
        "gpu_model": None,
        "gres": None,
    }
    # Of several nodes, Snakemake's own step is on one and would ask for the GPUs of all.
    if gpus and (jobs.gpus_by == "gres" or (nodes or 1) > 1):
        found["gres"] = ":".join(["gpu", *([jobs.gpu_model] if jobs.gpu_model else []), str(gpus)])
    elif gpus:
        found |= {"gpu": gpus, "gpu_model": jobs.gpu_model}
    return found


def extra(jobs: Jobs, nodes: int) -> str:
    """The options of sbatch that the executor has no resource for."""
    values = {
        "reservation": jobs.reservation,
        "nodelist": jobs.nodelist,
        "exclude": jobs.exclude,
        "mail-user": jobs.mail_user,
        "mail-type": jobs.mail_type or ("END,FAIL" if jobs.mail_user else None),
    }
    words = [f"--{name}={shlex.quote(value)}" for name, value in values.items() if value]
    if jobs.exclusive:
        words.append("--exclusive")
    if jobs.requeue:
        words.append("--requeue")
    if nodes > 1:
        words.append("--ntasks-per-node=1")
    return " ".join([*words, *([jobs.extra] if jobs.extra else [])])


def of_card(site: Site, rule: str, card: Card) -> dict[str, Any]:
    """The resources of the job that runs a card.

    InputError where its time limit would not let the card's own one pass.
    """
    gpu = card.gpus_per_node > 0
    jobs = site.jobs(rule, gpu=gpu)
    own = {
        "mem_mb": card.resources.get("mem_mb"),
        "cpus_per_task": card.resources.get("threads"),
        "nodes": card.nnodes if card.nnodes > 1 else None,
        "runtime": limit(site, rule, card),
    }
    return requested(jobs, card.gpus_per_node, own)


def limit(site: Site, rule: str, card: Card) -> int | None:
    """Minutes that SLURM is to give a card: its own limit and a margin, and never more than is set."""
    gpu = card.gpus_per_node > 0
    most = site.jobs(rule, gpu=gpu).time
    if not card.timeout_s:
        return most
    wanted = math.ceil(card.timeout_s / 60)
    if most is not None and most <= wanted:
        place = site.where(rule, "time", gpu=gpu)
        raise InputError(
            f"a limit of {most} min would end `{card.name}` before its own time-out of {card.timeout_s:g} s"
            f" ({card.where})",
            where=place,
            hint="give it more `time`, or the card a smaller `timeout_s`",
        )
    return wanted + MARGIN_MIN if most is None else min(most, wanted + MARGIN_MIN)


def check_cards(site: Site, rule: str, cards: Iterable[Card]) -> None:
    """InputError for the first card that its job would not let end by itself."""
    for card in cards:
        limit(site, rule, card)


def local_rules(site: Site, rules: Iterable[tuple[str, Mapping[str, Any]]]) -> list[str]:
    """Rules that run where Snakemake runs: those that download, and those that take seconds."""
    found = []
    for name, resources in rules:
        downloads, heavy = "net" in resources, "mem_mb" in resources or "gpu" in resources
        here = site.network == "login" if downloads else not heavy and site.small == "login"
        if here and name not in site.rules:
            found.append(name)
    return found


def hardware_of(site: Site, rule: str, card: Card) -> str | None:
    """The key of the hardware that a card's records are kept by; None where no one has said."""
    gpu = card.gpus_per_node > 0
    name = site.jobs(rule, gpu=gpu).hardware
    return f"{name}-x{card.gpus_per_node}" if name and gpu else name


def why_not(site: Site, rule: str, card: Card) -> str | None:
    """Why a card cannot be measured on a cluster."""
    gpu = card.gpus_per_node > 0
    kind = "gpu" if gpu else "cpu"
    jobs = site.jobs(rule, gpu=gpu)
    place = site.document.name if site.document else FILE
    if jobs.hardware is None or not jobs.hardware.startswith(kind):
        return f"{place} does not say what `hardware` its {kind} nodes have"
    if jobs.gpus_per_node is not None and card.gpus_per_node > jobs.gpus_per_node:
        return f"needs {card.gpus_per_node} GPUs, and a node has {jobs.gpus_per_node} ({place})"
    return None


def per_job(site: Site, rule: str, card_of: Callable[[Any], Card], name: str) -> Callable[[Any], Any]:
    """A resources function: one resource of the job that runs the card of its wildcards."""

    def resource(wildcards: Any) -> Any:
        found = of_card(site, rule, card_of(wildcards))[name]
        # Snakemake takes no None for what has a unit; the executor does not pass 0 on.
        return 0 if found is None and name == "mem_mb" else found

    return resource
