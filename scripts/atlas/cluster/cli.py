"""`atlas cluster …`: what a cluster's nodes are, and engines over several of them."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from atlas.errors import InputError
from atlas.outcome import OutcomeGroup, Written, answer

File = click.Path(path_type=Path)


@click.group(cls=OutcomeGroup)
def cluster() -> None:
    """Clusters: their hardware, and engines over several nodes."""


@cluster.command()
@click.option("--gpus", type=click.IntRange(0), default=0, show_default=True, help="GPUs of a job there.")
def hardware(gpus: int) -> None:
    """Print what `hardware` in config/cluster.yaml is to be, for nodes as the one that this runs on."""
    from atlas.perf.machine import hardware_key

    key = hardware_key(gpus)
    key = key.removesuffix(f"-x{gpus}") if gpus else key
    answer({"hardware": key})
    print(key)


@cluster.command(context_settings={"ignore_unknown_options": True})
@click.option("--launcher", "name", required=True, help="One of config/launchers.yaml.")
@click.option("--model", help="What it serves, where it serves a model.")
@click.option("--logs", type=File, default=Path("logs/launch"), show_default=True)
@click.option("--client", help="A command that runs here once it answers; ATLAS_ADDRESS says where.")
@click.option(
    "--ready", "ready_s", type=float, default=600, show_default=True, help="Seconds until it answers."
)
@click.option("--timeout", "timeout_s", type=float, help="Seconds for all of it.")
@click.option(
    "--nodes", type=click.IntRange(1), help="Use so many of the allocation's nodes; all, if left out."
)
@click.option("--output", type=Written(), help="Write how it ended there, too.")
@click.option("--dry-run", is_flag=True, help="Print what would be started.")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def launch(
    name: str,
    model: str | None,
    logs: Path,
    client: str | None,
    ready_s: float,
    timeout_s: float | None,
    nodes: int | None,
    output: Path | None,
    dry_run: bool,
    arguments: tuple[str, ...],
) -> int:
    """Start an engine or a training over the nodes of this allocation, with ARGUMENTS of its own.

    Prints how it ended, as JSON. Exits 3 if it failed, 5 outside of an allocation.
    """
    import shlex

    from atlas.canonical import write_atomic
    from atlas.cluster.allocation import allocation
    from atlas.cluster.launch import carry_out, srun
    from atlas.cluster.launchers import load_launchers, render
    from atlas.errors import RunError
    from atlas.paths import project_root

    given = allocation()
    given = given.first(nodes) if nodes else given
    made = render(load_launchers(project_root()), name, given, model=model, arguments=arguments)
    if dry_run:
        steps = [{**asdict(step), "srun": srun(step)} for step in made.steps]
        answer({"steps": steps})
        print(json.dumps(steps, indent=1))
        return 0
    outcome = carry_out(made, logs, client=shlex.split(client or ""), ready_s=ready_s, timeout_s=timeout_s)
    told = outcome.as_json(made)
    if output is not None:
        write_atomic(output, json.dumps(told, indent=1) + "\n")
    answer(told)
    print(json.dumps(told, indent=1))
    return 0 if outcome.ok else RunError.exit_code


@cluster.command()
@click.option("--expected", type=click.IntRange(1), required=True, help="How many nodes there are.")
@click.option("--reduce", "ways", multiple=True, required=True, help="metric=sum, mean, max or rank0.")
@click.argument("files", type=File, nargs=-1, required=True)
def gather(expected: int, ways: tuple[str, ...], files: tuple[Path, ...]) -> int:
    """Put the results of nodes together: FILES are RANK.json, each of metrics and their values.

    Exits 1 if a node is missing.
    """
    from atlas.cluster.nodes import gather as together
    from atlas.cluster.nodes import reported

    pairs = [one.partition("=") for one in ways]
    if any(not sign for _, sign, _ in pairs):
        raise InputError("--reduce is to be metric=way")
    found = together(reported(files), expected, {metric: way for metric, _, way in pairs})
    answer(asdict(found))
    print(json.dumps(asdict(found), indent=1))
    return 0 if found.status == "SUCCESS" else 1


@cluster.command()
@click.option("--gpus", type=click.IntRange(0), default=0, show_default=True, help="That it is to have.")
@click.option("--memory", "memory_mb", type=click.IntRange(0), default=0, help="MiB that it is to have.")
@click.option("--disk", "disk_gb", type=float, default=5, show_default=True, help="GiB that are to be free.")
def check(gpus: int, memory_mb: int, disk_gb: float) -> int:
    """Look at this node: memory, GPUs and their errors, disk, runtime. Exits 1 on a fault."""
    from atlas.cluster.health import checks
    from atlas.paths import project_root

    found = list(checks(project_root(), gpus=gpus, memory_mb=memory_mb, disk_gb=disk_gb))
    answer({"checks": [asdict(one) for one in found]})
    for one in found:
        print(f"{ {True: 'ok', False: 'BAD', None: '-'}[one.ok]:4}{one.name}: {one.what}")
    return int(any(one.ok is False for one in found))


@cluster.command()
@click.option("--settings", type=File, default=Path("config/cluster.yaml"), show_default=True)
@click.option(
    "--wait", "wait_s", type=click.IntRange(1), default=30, show_default=True, help="Seconds for a node."
)
@click.option("--disk", "disk_gb", type=float, default=5, show_default=True, help="GiB that are to be free.")
@click.option(
    "--output", type=Written(), required=True, help="What was found; later jobs avoid bad nodes by it."
)
@click.option("--failing-is-a-result", is_flag=True, help="Exit 0 where nodes are bad, too.")
def preflight(settings: Path, wait_s: int, disk_gb: float, output: Path, failing_is_a_result: bool) -> int:
    """Look at all nodes that jobs may get, each by a short job; busy ones are taken for good.

    Exits 1 if a node is bad.
    """
    from atlas.canonical import dump_json, write_atomic
    from atlas.cluster.checked import document
    from atlas.cluster.preflight import preflight as look
    from atlas.cluster.settings import load_site
    from atlas.progress import say

    site = load_site(settings, str(settings))
    looked = look(site, wait_s=wait_s, disk_gb=disk_gb)
    for one in looked:
        say(f"{one.node}: {one.verdict}: {one.why}")
    write_atomic(output, dump_json(document(looked)))
    answer({"nodes": [{"node": one.node, "verdict": one.verdict, "why": one.why} for one in looked]})
    bad = any(one.verdict == "bad" for one in looked)
    return int(bad and not failing_is_a_result)


@cluster.command()
@click.option("--engine", help="Only this engine's.")
@click.option("--version", help="Only this version's.")
@click.option("--registry", help="Push images that the project builds there, and let nodes pull them.")
@click.option("--here", "only_here", is_flag=True, help="Only into the store of this node.")
@click.option("--pulled-from", help="NAME@DIGEST, where it was pushed to.")
@click.option("--output", type=Written(), help="Write what there is.")
def images(
    engine: str | None,
    version: str | None,
    registry: str | None,
    only_here: bool,
    pulled_from: str | None,
    output: Path | None,
) -> int:
    """Have engines' images where jobs need them: a file for all nodes, made once, or in each node's store.

    Inside of an allocation, all of its nodes get theirs at the same time. Exits 1 if one has not.
    """
    import os
    import platform

    from atlas.canonical import dump_json, write_atomic
    from atlas.cluster import images as by
    from atlas.cluster.allocation import allocation
    from atlas.paths import project_root

    in_job = os.environ.get("SLURM_JOB_ID", "").isdigit()
    found = []
    for one in by.lanes(project_root(), engine, version):
        if not only_here:
            found.append(by.on_shared(one, registry))
        if by.has_own_store(one):
            if only_here or not in_job:
                found.append(
                    by.here(one, pulled_from or (found[-1].pushed if found else None), platform.node())
                )
            else:
                found += by.on_nodes(allocation(), found[-1])
    told = [asdict(one) for one in found]
    if output is not None:
        write_atomic(output, dump_json({"format_version": 1, "images": told}))
    answer({"images": told})
    for had in found:
        where = had.node or "all nodes"
        print(f"{had.engine} {had.version} on {where}: {had.error or f'there, after {had.seconds:g} s'}")
    return int(any(one.error for one in found))
