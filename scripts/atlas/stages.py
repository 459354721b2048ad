"""The commands of the stages: each is thin over one function, which is imported when it is run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from atlas.outcome import OutcomeGroup, Written, answer, wanted, wrote

File = click.Path(path_type=Path)
PINNING = ("lock", "keep")
"""Rules that hold what an index or a machine has told at the time: never run to prove a point."""
PROVING = ("invariants",)
"""Rules that ask an engine about so many configurations that doing it again takes many minutes."""


@click.group(cls=OutcomeGroup)
def stages() -> None:
    """What builds, proves and compares artefacts."""


def cell_options(command: Callable[..., Any]) -> Callable[..., Any]:
    command = click.option("--version", required=True, help="A version tracked in it.")(command)
    return click.option("--engine", required=True, help="A file of engine_versions/.")(command)


@stages.command()
@cell_options
@click.option("--output", type=Written(), required=True)
def source(engine: str, version: str, output: Path) -> None:
    """Fetch an engine's Python sources, and write which they are and where they came from."""
    from atlas.engines.load import load_cell
    from atlas.failures import recorded
    from atlas.paths import project_root
    from atlas.source.command import build_source

    with recorded("source", engine, version):
        build_source(load_cell(project_root(), engine, version), output)


@stages.command()
@cell_options
@click.option("--source", "source_json", type=File, required=True)
@click.option("--output", type=Written(), required=True)
def environment(engine: str, version: str, source_json: Path, output: Path) -> None:
    """Build the locked environment of an engine, probe its health, and write what it is."""
    from atlas.engines.load import load_cell
    from atlas.environment.command import build_environment
    from atlas.failures import recorded
    from atlas.paths import project_root

    with recorded("environment", engine, version):
        build_environment(load_cell(project_root(), engine, version), source_json, output)


@stages.command()
@cell_options
@click.option("--source", "source_json", type=File, required=True)
@click.option("--environment", "environment_json", type=File)
@click.option("--output", type=Written(), required=True)
@click.option("--config-schema", type=Written(), required=True)
def schema(
    engine: str,
    version: str,
    source_json: Path,
    environment_json: Path | None,
    output: Path,
    config_schema: Path,
) -> None:
    """Read an engine's parameters in both lanes, compare and merge them."""
    from atlas.engines.load import load_cell
    from atlas.failures import recorded
    from atlas.paths import project_root
    from atlas.schema.command import build_schema

    with recorded("schema", engine, version):
        cell = load_cell(project_root(), engine, version)
        build_schema(cell, source_json, environment_json, output, config_schema)


@stages.command()
@cell_options
@click.option("--schema", "schema_json", type=File, required=True)
@click.option("--config-schema", type=File, required=True)
@click.option("--invariants", "invariants_yaml", type=File, required=True)
@click.option("--output", type=Written(), required=True)
def knowledge(
    engine: str, version: str, schema_json: Path, config_schema: Path, invariants_yaml: Path, output: Path
) -> None:
    """Write what `atlas check` needs of a version, in a form that is read in milliseconds."""
    from atlas.engines.load import load_cell
    from atlas.engines.serve import load_serve
    from atlas.failures import recorded
    from atlas.knowledge.build import build_knowledge
    from atlas.paths import project_root

    with recorded("knowledge", engine, version):
        root = project_root()
        serve = load_serve(root, engine, version)
        cell = load_cell(root, engine, version)
        build_knowledge(cell, serve, schema_json, config_schema, invariants_yaml, output)


@stages.command("cli-schema")
@cell_options
@click.option("--schema", "schema_json", type=File, required=True)
@click.option("--config-schema", type=File, required=True)
@click.option("--output", type=Written(), required=True)
def cli_schema(engine: str, version: str, schema_json: Path, config_schema: Path, output: Path) -> None:
    """Write the JSON Schema of the file of flags that an engine's command line takes."""
    from atlas.engines.serve import load_serve
    from atlas.failures import recorded
    from atlas.knowledge.cli_schema import build_cli_schema
    from atlas.paths import project_root

    with recorded("cli_schema", engine, version):
        serve = load_serve(project_root(), engine, version)
        build_cli_schema(serve, schema_json, config_schema, output)


@stages.command()
@click.option("--output", type=Written(), help="Write Markdown there instead of printing a table.")
@click.argument("schemas", type=File, nargs=-1)
def coverage(output: Path | None, schemas: tuple[Path, ...]) -> int:
    """Static lane against live lane: what each found, and where they agree."""
    from atlas.schema.coverage import run_coverage
    from atlas.schema.coverage_answer import answer_coverage

    if wanted() and output is None:
        return answer_coverage(list(schemas))
    return run_coverage(list(schemas), output)


@stages.command()
@click.option("--output", type=Written(), required=True)
def report(output: Path) -> None:
    """Make the report page from the committed artefacts."""
    from atlas.paths import project_root
    from atlas.report.command import run_report

    run_report(project_root(), output)


@stages.command()
@click.option("--format", "form", type=click.Choice(["llenergymeasure"]), required=True)
@click.option("--output", type=Written())
@click.argument("schema_json", type=File)
def export(form: str, output: Path | None, schema_json: Path) -> None:
    """Write a schema in the format of another tool."""
    from atlas.schema.coverage import load_schemas
    from atlas.schema.export import llenergymeasure, run_export

    if wanted() and output is None:
        answer(llenergymeasure(load_schemas([schema_json])[0]))
    else:
        run_export(form, schema_json, output)


@stages.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON (config/schemas/cli/stale.schema.json).")
def stale(as_json: bool) -> int:
    """List the artefacts that are stale, and why. Exits 1 if there are any."""
    from dataclasses import asdict

    from atlas.environment.unhealthy import text, unhealthy_cells
    from atlas.paths import project_root
    from atlas.provenance.stale import run_stale

    cells = unhealthy_cells(project_root())
    code = run_stale(project_root(), as_json=as_json, notes={"static_only": [asdict(one) for one in cells]})
    if cells and not as_json:
        print(text(cells))
    return code


@stages.command("orphans")
def orphans_() -> int:
    """List artefacts that no rule makes any more. Exits 1 if there are any."""
    from dataclasses import asdict

    from atlas.paths import project_root
    from atlas.provenance.orphans import orphans, run_orphans

    if not wanted():
        return run_orphans(project_root())
    found = orphans(project_root())
    answer([asdict(one) for one in found])
    return 1 if found else 0


@stages.command(context_settings={"ignore_unknown_options": True})
@click.option("--cores", type=int, help="Jobs at a time (default: all cores).")
@click.option("--force", is_flag=True, help="Build everything again, but for locks.")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def build(cores: int | None, force: bool, arguments: tuple[str, ...]) -> int:
    """Build what is stale, stage by stage; further arguments go to snakemake."""
    from atlas.environment.unhealthy import text, unhealthy_cells
    from atlas.paths import project_root
    from atlas.progress import say
    from atlas.provenance.build import run_build

    code = run_build(project_root(), cores=cores, force=force, spare=PINNING, arguments=arguments)
    cells = unhealthy_cells(project_root())
    if cells:
        say(text(cells))
    return code


@stages.command()
@click.option("--engine", help="Only this engine.")
@click.option("--version", help="This version instead of the current one.")
@click.option("--all", "everything", is_flag=True, help="Every version of every engine.")
@click.option("--proofs", is_flag=True, help="Prove the invariants again too, which takes many minutes.")
@click.option("--keep", is_flag=True, help="Keep the scratch folder.")
def reproduce(engine: str | None, version: str | None, everything: bool, proofs: bool, keep: bool) -> int:
    """Rebuild artefacts from nothing elsewhere, and compare them byte by byte with the committed."""
    from atlas.paths import project_root
    from atlas.progress import say
    from atlas.provenance.reproduce import run_reproduce

    if not proofs:
        say("invariants are taken as they are; `atlas reproduce --proofs` proves them again")
    return run_reproduce(
        project_root(),
        engine=engine,
        version=version,
        everything=everything,
        keep=keep,
        spare=PINNING if proofs else (*PINNING, *PROVING),
    )


@stages.command()
@click.argument("names", nargs=-1)
def lock(names: tuple[str, ...]) -> None:
    """Make the lock files of envs/ anew (all, or those named)."""
    from atlas.environment.lock import run_lock
    from atlas.paths import project_root

    wrote(*run_lock(project_root(), list(names)))


@stages.command()
@click.argument("lock")
@click.option("--output", type=Written(), required=True)
def sizes(lock: str, output: Path) -> None:
    """Add up what the packages of a lock take, to fetch and on disk."""
    from atlas.environment.sizes import run_sizes
    from atlas.paths import project_root

    run_sizes(project_root(), lock, output)
