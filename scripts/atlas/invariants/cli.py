"""`atlas invariants …`: building rules, asking them, asking the engine, and comparing the two."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from atlas.outcome import OutcomeGroup, Written, answer, json_anyway, wanted

File = click.Path(path_type=Path)
DEPTHS = ("construct", "validate", "resolve", "load", "generate")
CONFIG_TIME = "resolve"
MEASURE = "config/schemas/cli/invariants.measure.schema.json"
depth_option = click.option(
    "--depth",
    type=click.Choice(DEPTHS),
    default=CONFIG_TIME,
    show_default=True,
    help="How far configurations are taken; what is deeper than `resolve` needs a model.",
)
workers_option = click.option("--workers", type=click.IntRange(1, 64), default=1, show_default=True)


@click.group(cls=OutcomeGroup)
def invariants() -> None:
    """Which configurations an engine rejects, warns about or changes."""


@invariants.command()
@click.option("--engine", required=True, help="A file of engine_versions/.")
@click.option("--version", required=True, help="A version tracked in it.")
@click.option("--source", "source_json", type=File, required=True)
@click.option("--environment", "environment_json", type=File)
@click.option("--schema", "schema_json", type=File, required=True)
@workers_option
@click.option("--output", type=Written(), required=True)
@click.option("--quarantine", type=Written(), required=True)
@click.option("--coverage", type=Written(), required=True)
def build(
    engine: str,
    version: str,
    source_json: Path,
    environment_json: Path | None,
    schema_json: Path,
    workers: int,
    output: Path,
    quarantine: Path,
    coverage: Path,
) -> None:
    """Mine rules, prove them on the engine, and measure what they explain."""
    from atlas.engines.load import load_cell
    from atlas.failures import recorded
    from atlas.invariants.command import build_invariants
    from atlas.paths import project_root

    with recorded("invariants", engine, version):
        cell = load_cell(project_root(), engine, version)
        outputs = (output, quarantine, coverage)
        build_invariants(cell, source_json, environment_json, schema_json, outputs, workers=workers)


@invariants.command()
@click.argument("pin", metavar="ENGINE==VERSION")
@click.option("--target", required=True, help="A class, dotted or by its last part.")
@click.option("--rules", type=click.Choice(["all", "error"]), default="all", show_default=True)
@depth_option
@json_anyway("invariants.evaluate")
def evaluate(pin: str, target: str, rules: str, depth: str) -> int:
    """Say which rules hold for configurations: JSON objects on standard input, one a line."""
    from atlas.invariants.evaluate import evaluate as run
    from atlas.paths import project_root

    return run(project_root(), pin, target, rules=rules, depth=depth, lines=sys.stdin, out=sys.stdout)


@invariants.command()
@click.argument("pin", metavar="ENGINE==VERSION")
@click.option("--target", required=True, help="A class, dotted or by its last part.")
@depth_option
@workers_option
@json_anyway("invariants.replay")
def replay(pin: str, target: str, depth: str, workers: int) -> int:
    """Say what the real engine does with configurations: JSON objects on standard input, one a line."""
    from atlas.invariants.replay import replay as run
    from atlas.paths import project_root

    return run(project_root(), pin, target, depth=depth, workers=workers, lines=sys.stdin, out=sys.stdout)


@invariants.command()
@click.argument("pin", metavar="ENGINE==VERSION")
@click.option("--target", "targets", multiple=True, help="A class (default: all that were proven).")
@click.option("-n", "n", type=click.IntRange(1), default=6000, show_default=True, help="For each target.")
@click.option("--seed", type=int, required=True, help="Any number: the configurations follow from it.")
@depth_option
@workers_option
@click.option("--json", "as_json", is_flag=True, help=f"Print JSON ({MEASURE}).")
def measure(
    pin: str, targets: tuple[str, ...], n: int, seed: int, depth: str, workers: int, as_json: bool
) -> int:
    """Compare the rules with the real engine on fresh configurations. Exits 1 on a false rejection."""
    from atlas.invariants import measure as measuring
    from atlas.paths import project_root

    rows = measuring.measure(project_root(), pin, targets, n=n, seed=seed, depth=depth, workers=workers)
    if as_json:
        print(json.dumps(measuring.as_json(rows), indent=1))
    else:
        print(measuring.text(measuring.table(rows)))
    whole = measuring.total(rows).tally
    return 1 if whole.false_rejections or whole.crashes else 0


@invariants.command()
def summary() -> None:
    """Print what was proven of every version, from the committed artefacts."""
    from atlas.invariants.measure import text
    from atlas.invariants.summary import counts, table
    from atlas.paths import project_root

    found = counts(project_root())
    if wanted():
        answer(found)
    else:
        print(text(table(found)))
