"""`atlas history …`: the stage that keeps a little of every tracked version, and joins it."""

from __future__ import annotations

from pathlib import Path

import click

File = click.Path(path_type=Path)


@click.group()
def history() -> None:
    """The facts of tracked versions, and what became of each parameter."""


@history.command()
@click.option("--engine", required=True, help="A file of engine_versions/.")
@click.option("--version", required=True, help="A version tracked in it.")
@click.option("--source", "source_json", type=File, help="The sources, where they are pinned.")
@click.option("--output", type=File, required=True)
def facts(engine: str, version: str, source_json: Path | None, output: Path) -> None:
    """Read a version's parameters from its sources alone, and write them in little space."""
    from atlas.engines.load import load_cell
    from atlas.failures import recorded
    from atlas.history.command import build_facts
    from atlas.paths import project_root

    with recorded("history", engine, version):
        build_facts(load_cell(project_root(), engine, version, history=True), source_json, output)


@history.command()
@click.option("--engine", required=True, help="The engine that all the facts are of.")
@click.option("--output", type=File, required=True)
@click.argument("facts_json", type=File, nargs=-1, required=True)
def join(engine: str, output: Path, facts_json: tuple[Path, ...]) -> None:
    """Write what became of each parameter, from the facts of several versions."""
    from atlas.history.join import build_history

    build_history(engine, facts_json, output)
