"""The commands about images, environments and this machine: each is thin over one function."""

from __future__ import annotations

from pathlib import Path

import click

from atlas.outcome import OutcomeGroup, Written, answer, wrote

SCHEMAS = "config/schemas/cli"


@click.group(cls=OutcomeGroup)
def images() -> None:
    """Images that engines are run in: their digests, and those of the project's own."""


@images.command()
@click.argument("names", nargs=-1)
def resolve(names: tuple[str, ...]) -> None:
    """Ask registries what names stand for (all, or those named), and lock it in envs/images.json."""
    from atlas.environment.runtimes.commands import run_resolve
    from atlas.environment.runtimes.images import LOCK
    from atlas.failures import recorded
    from atlas.paths import project_root

    with recorded("images", "resolve", "all"):
        run_resolve(project_root(), names)
    wrote(project_root() / LOCK)


@images.command()
@click.option("--engine", help="Only this engine's.")
@click.option("--version", help="Only this version's.")
@click.option("--output", type=Written(), help="Write what it was built from there.")
def build(engine: str | None, version: str | None, output: Path | None) -> None:
    """Build the project's own images that are not there yet."""
    from atlas.engines.load import load_cell
    from atlas.environment.runtimes.commands import run_build, write_record
    from atlas.errors import InputError
    from atlas.failures import recorded
    from atlas.paths import project_root

    root = project_root()
    with recorded("images", engine or "all", version or "all"):
        if output is None:
            answer(run_build(root, engine, version))
        elif engine and version:
            write_record(load_cell(root, engine, version), output)
        else:
            raise InputError("--output is about one engine's version", hint="give --engine and --version")


@images.command()
@click.option("--engine", help="Only this engine's.")
@click.option("--version", help="Only this version's.")
def apptainer(engine: str | None, version: str | None) -> None:
    """Have ready what `snakemake --sdm apptainer` runs live rules in: images, and packages for them."""
    from atlas.environment.runtimes.ready import make_ready
    from atlas.failures import recorded
    from atlas.paths import project_root

    with recorded("images", engine or "all", version or "all"):
        make_ready(project_root(), engine, version)


@click.command()
@click.option("--offline", is_flag=True, help="Do not ask registries whether tags have moved.")
@click.option("--probe", is_flag=True, help="Import each engine in its environment, and give a verdict.")
@click.option("--engine", help="Only this engine.")
@click.option("--version", help="Only this version.")
@click.option("--json", "as_json", is_flag=True, help=f"Print JSON ({SCHEMAS}/environments.schema.json).")
def environments(offline: bool, probe: bool, engine: str | None, version: str | None, as_json: bool) -> int:
    """What engines can be run in here, and what each needs. Exits 1 if a tag moved or a verdict is bad."""
    from atlas.environment.runtimes.tables import print_environments
    from atlas.paths import project_root

    return print_environments(project_root(), engine, version, offline=offline, probe=probe, as_json=as_json)


@click.command()
@click.option("--json", "as_json", is_flag=True, help=f"Print JSON ({SCHEMAS}/doctor.schema.json).")
def doctor(as_json: bool) -> int:
    """What this machine lacks to run engines as is set, and how to get it. Exits 1 if anything is."""
    from atlas.environment.runtimes.tables import print_findings
    from atlas.paths import project_root

    return print_findings(project_root(), as_json=as_json)
