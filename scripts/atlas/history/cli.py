"""`atlas history …`: the stage that keeps a little of every tracked version, and joins it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from atlas.completion import complete_parameter, complete_pin, complete_version
from atlas.outcome import OutcomeGroup, Written

File = click.Path(path_type=Path)
FLAGS = {"ignore_unknown_options": True}
"""A parameter may be named by its flag."""


@click.group(cls=OutcomeGroup)
def history() -> None:
    """The facts of tracked versions, and what became of each parameter."""


@history.command()
@click.option("--engine", required=True, help="A file of engine_versions/.")
@click.option("--version", required=True, help="A version tracked in it.")
@click.option("--source", "source_json", type=File, help="The sources, where they are pinned.")
@click.option("--output", type=Written(), required=True)
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
@click.option("--output", type=Written(), required=True)
@click.argument("facts_json", type=File, nargs=-1, required=True)
def join(engine: str, output: Path, facts_json: tuple[Path, ...]) -> None:
    """Write what became of each parameter, from the facts of several versions."""
    from atlas.history.join import build_history
    from atlas.paths import project_root

    build_history(project_root(), engine, facts_json, output)


results_option = click.option(
    "--results",
    type=File,
    help="A results/ folder (default: ATLAS_RESULTS, the checkout, what is installed).",
)


def json_option(command: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    return click.option(
        "--json", "as_json", is_flag=True, help=f"Print JSON (config/schemas/cli/{command}.schema.json)."
    )


@click.command(context_settings=FLAGS)
@click.argument("engine", shell_complete=complete_pin)
@click.argument("parameter", required=False, shell_complete=complete_parameter)
@click.option("--group", help="Its group, such as engine_params or sampling_params.")
@click.option(
    "--since",
    metavar="VERSION",
    shell_complete=complete_version,
    help="Without PARAMETER: only tracked versions from this one on.",
)
@click.option("--names", is_flag=True, help="Without PARAMETER: name all that changed.")
@json_option("timeline")
@results_option
def timeline(
    engine: str,
    parameter: str | None,
    group: str | None,
    since: str | None,
    names: bool,
    as_json: bool,
    results: Path | None,
) -> None:
    """What became of PARAMETER over the tracked versions of ENGINE, or what each version changed.

    PARAMETER is a path, a flag, an alias or a name. Exits 4 for names that are not known.
    """
    from atlas.history.asked import print_releases, print_timeline

    if parameter is None:
        print_releases(engine, group, since, names=names, as_json=as_json, results=results)
    else:
        print_timeline(engine, parameter, group, as_json=as_json, results=results)


@click.command(context_settings=FLAGS)
@click.argument("engine", metavar="ENGINE[==VERSION]", shell_complete=complete_pin)
@click.argument("parameter", shell_complete=complete_parameter)
@click.option("--group", help="Its group, such as engine_params or sampling_params.")
@json_option("show")
@results_option
def show(engine: str, parameter: str, group: str | None, as_json: bool, results: Path | None) -> None:
    """All that is known of PARAMETER: type, default, limits, flag, rules, history, source.

    PARAMETER is a path, a flag, an alias or a name. Exits 4 for names that are not known.
    """
    from atlas.history.asked import print_parameter

    print_parameter(engine, parameter, group, as_json=as_json, results=results)


@click.group()
def ls() -> None:
    """What there is: engines, versions, parameters, invariants."""


@ls.command("engines")
@json_option("ls")
@results_option
def ls_engines(as_json: bool, results: Path | None) -> None:
    """The engines, and the versions that are tracked of each."""
    from atlas.history.asked import print_engines

    print_engines(as_json=as_json, results=results)


@ls.command("versions")
@click.argument("engine", shell_complete=complete_pin)
@json_option("ls")
@results_option
def ls_versions(engine: str, as_json: bool, results: Path | None) -> None:
    """The tracked versions of ENGINE, and what is kept of each."""
    from atlas.history.asked import print_versions

    print_versions(engine, as_json=as_json, results=results)


@ls.command("params")
@click.argument("engine", metavar="ENGINE[==VERSION]", shell_complete=complete_pin)
@click.option("--group", help="Only this group, such as engine_params.")
@click.option("--match", metavar="GLOB", help="Only paths or flags like this.")
@click.option("--deprecated", is_flag=True, help="Only deprecated ones.")
@json_option("ls")
@results_option
def ls_params(
    engine: str, group: str | None, match: str | None, deprecated: bool, as_json: bool, results: Path | None
) -> None:
    """The parameters of a version."""
    from atlas.history.asked import print_parameters

    print_parameters(engine, group, match, deprecated=deprecated, as_json=as_json, results=results)


@ls.command("invariants")
@click.argument("engine", metavar="ENGINE[==VERSION]", shell_complete=complete_pin)
@click.option("--target", metavar="CLASS", help="Only rules about this class.")
@click.option("--severity", type=click.Choice(["error", "warn", "dormant"]))
@click.option("--match", metavar="GLOB", help="Only rules about fields like this.")
@json_option("ls")
@results_option
def ls_invariants(
    engine: str,
    target: str | None,
    severity: str | None,
    match: str | None,
    as_json: bool,
    results: Path | None,
) -> None:
    """The rules of a version: what it rejects, warns about or changes."""
    from atlas.history.asked import print_rules

    print_rules(engine, target, severity, match, as_json=as_json, results=results)
