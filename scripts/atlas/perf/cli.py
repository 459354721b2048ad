"""`atlas cards` and `atlas perf …`: what can be measured, measuring it, and what came of it."""

from __future__ import annotations

import json
import os
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from atlas.errors import InputError, UnavailableError
from atlas.outcome import OutcomeGroup, Written, answer, json_anyway, wanted, wrote

File = click.Path(path_type=Path)
RECORDED = 3
SCHEMAS = "config/schemas/cli"


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("words", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help=f"Print JSON ({SCHEMAS}/cards.schema.json).")
def cards(words: tuple[str, ...], as_json: bool) -> None:
    """Workload cards, those that WORDS choose and the others, each with the reason.

    A word is a tag, scope/tag, a name, `all`, or name:param=value; with a `-` before it, it takes away.
    """
    from atlas.paths import project_root
    from atlas.perf.listing import listing

    found = listing(project_root(), words)
    if as_json:
        print(json.dumps(found, indent=1))
        return
    for one in found:
        print(f"{'+' if one['chosen'] else '-'} {one['card']} ({one['scope']}: {', '.join(one['tags'])})")
        print(f"    {'chosen by' if one['chosen'] else 'not chosen:'} {one['reason']}; {one['where']}")
        for cell in one["cells"]:
            why = f"skipped: {cell['skipped']}" if cell["skipped"] else f"on {cell['hardware']}"
            print(f"    {cell['engine']} {cell['version']} {why}")


@click.group(cls=OutcomeGroup)
def perf() -> None:
    """Runs of workload cards: honest records, telemetry, and verdicts that survive noise."""


@perf.command()
@click.option("--engine", required=True)
@click.option("--version", required=True)
@click.option("--card", "word", required=True, help="A card's name, or name:param=value.")
@click.option("--repeat", type=click.IntRange(1), default=1, show_default=True)
@click.option(
    "--hardware", help="Fail if this is not the hardware key of this machine; cpu-x@docker in docker."
)
@click.option("--interval", type=float, default=0.1, show_default=True, help="Seconds; 0 for no telemetry.")
@click.option("--output", type=Written(), required=True, help="Where the record goes.")
@click.option("--failing-is-a-result", is_flag=True, help="Exit 0 with the record of a failed run, too.")
def run(
    engine: str,
    version: str,
    word: str,
    repeat: int,
    hardware: str | None,
    interval: float,
    output: Path,
    failing_is_a_result: bool,
) -> int:
    """Run a card once and write its record, whatever happens. Exits 3 if the run has failed."""
    from atlas.paths import project_root
    from atlas.perf.cards import load_cards
    from atlas.perf.machine import hardware_key
    from atlas.perf.plan import runtime_for
    from atlas.perf.record import place_of_runs
    from atlas.perf.run import run_card
    from atlas.perf.select import chosen
    from atlas.progress import say

    root = project_root()
    found = chosen(load_cards(root), [word])
    if len(found) != 1:
        raise InputError(f"`{word}` means {len(found)} cards", hint="`atlas cards` lists their names")
    here = place_of_runs(hardware_key(found[0].gpus_per_node), runtime_for(root, engine, version))
    if hardware not in (None, here):
        raise UnavailableError(f"the hardware {hardware} is not here, but {here}", hint="measure it there")
    record = run_card(
        root, engine, version, found[0], repeat, hardware=here, output=output, interval_s=interval
    )
    shown = next((one for one in record["results"] if one["value"] is not None), None)
    answer({key: record[key] for key in ("status", "failure_kind", "failure_reason", "results")})
    value = f" {shown['metric']} {shown['value']:.4g} {shown['unit']}" if shown else ""
    why = f" {record['failure_kind']}: {record['failure_reason']}" if record["failure_kind"] else ""
    say(f"{engine} {version} {found[0].name} {repeat}: {record['status']}{value}{why}")
    return 0 if failing_is_a_result or record["status"] == "SUCCESS" else RECORDED


@perf.command()
@click.option("--output", type=Written(), required=True, help="perf.csv")
@click.option(
    "--latest", type=Written(), required=True, help="The rows of the versions that were measured last."
)
@click.option("--overview", type=Written(), help="What the report shows of them, as JSON.")
@click.option("--samples", type=File, help="A folder for samples.parquet and telemetry.parquet.")
@click.option("--kept", is_flag=True, help="Only records that the project keeps.")
@click.option("--broken-is-a-result", is_flag=True, help="Exit 0 though some files are no records.")
def aggregate(
    output: Path,
    latest: Path,
    overview: Path | None,
    samples: Path | None,
    kept: bool,
    broken_is_a_result: bool,
) -> int:
    """Write perf.csv, its latest view and an overview from all records, and Parquet of all samples."""
    from atlas.paths import project_root
    from atlas.perf.aggregate import aggregate as write

    code = write(project_root(), output, latest, samples, overview=overview, kept=kept)
    if samples is not None:
        wrote(samples / "samples.parquet", samples / "telemetry.parquet")
    return 0 if broken_is_a_result else code


@perf.command()
@click.argument("overview", type=File)
@click.option("--output", type=Written(), required=True, help="The page.")
def page(overview: Path, output: Path) -> None:
    """Make a page of what was measured from OVERVIEW, that `atlas perf aggregate` writes."""
    from atlas.canonical import write_atomic
    from atlas.report.measured import load_tables
    from atlas.report.page import render_measured

    write_atomic(output, render_measured(load_tables(overview)))


@perf.command()
@click.option("--output", type=Written(), required=True, help="A record's place in results/.")
def keep(output: Path) -> None:
    """Keep a record of this machine with the project. Exits 5 if it was not measured here."""
    from atlas.canonical import write_atomic
    from atlas.paths import project_root
    from atlas.perf.record import MEASURED, RESULTS, read, text

    root = project_root()
    place = output.resolve().relative_to(root)
    measured = root / MEASURED / Path(*place.parts[1:])
    if place.parts[0] != RESULTS:
        raise InputError(f"{output} is not in {RESULTS}/")
    if not measured.is_file():
        raise UnavailableError(f"{place} was not measured on this machine", hint="measure it where it can be")
    write_atomic(output, text(read(measured)))


@perf.command()
@click.argument("baseline")
@click.argument("now")
@click.option("--card", "words", multiple=True, help="Only these cards.")
@click.option("--hardware", help="Only records of this hardware key.")
@click.option("--min-effect", type=click.FloatRange(0, 1), default=0.03, show_default=True)
@click.option("--canary", nargs=2, help="Two sides of a fixed version, that was run along with each side.")
@click.option("--lower-is-better", "lower", multiple=True, help="A metric that a command reports.")
@click.option("--fail-on", type=click.Choice(["regression", "suspected", "never"]), default="regression")
@click.option("--json", "as_json", is_flag=True, help=f"Print JSON ({SCHEMAS}/perf.compare.schema.json).")
def compare(baseline: str, now: str, as_json: bool, fail_on: str, **options: Any) -> int:
    """Verdicts on NOW against BASELINE, each engine==version, a folder of records, or one of them.

    Exits 1 on a regression.
    """
    from atlas.paths import project_root
    from atlas.perf.report import as_text, gate, sides_of, verdicts

    root = project_root()
    pair = sides_of(root, baseline, options["hardware"]), sides_of(root, now, options["hardware"])
    canary = options["canary"]
    known = tuple(sides_of(root, one, options["hardware"]) for one in canary) if canary else None
    found = verdicts(
        pair, words=options["words"], min_effect=options["min_effect"], canary=known, lower=options["lower"]
    )
    print(json.dumps([one.as_json() for one in found], indent=1) if as_json else as_text(found))
    return gate(found, fail_on)


@perf.command("import")
@click.option("--engine", required=True, help="The engine that was measured.")
@click.option("--version", required=True)
@click.option("--hardware", required=True, help="The hardware key of the machine, such as gpu-h200-x1.")
@click.option("--format", "form", help="The file's format, where it cannot be told from the file.")
@click.argument("files", type=File, nargs=-1, required=True)
def import_(engine: str, version: str, hardware: str, form: str | None, files: tuple[Path, ...]) -> None:
    """Write records of what another tool has measured: an engine's own benchmarks, madengine's perf.csv.

    The formats are data: `perf.formats` of the engines' YAML, and config/perf_formats.yaml.
    """
    from atlas.paths import project_root
    from atlas.perf.foreign import format_names, import_file
    from atlas.validation import nearest

    known = format_names(project_root())
    if form not in (None, *known):
        raise InputError(f"no format is called `{form}`{nearest(str(form), known)}")
    if not re.fullmatch(r"(cpu|gpu)-[a-z0-9-]+", hardware):
        raise InputError(f"`{hardware}` is no hardware key", hint="such as cpu-amd-epyc-2c or gpu-h200-x1")
    if not re.fullmatch(r"[a-z][a-z0-9_]*", engine) or not re.fullmatch(r"[0-9A-Za-z.+!]+", version):
        raise InputError(f"`{engine}` `{version}` is no engine and version")
    for file in files:
        for path in import_file(project_root(), file, form, engine, version, hardware):
            wrote(path)
            if not wanted():
                print(path.relative_to(project_root()))


@perf.command()
@click.option("--full", is_flag=True, help="Topology, mounts and flags too.")
@json_anyway("perf.machine")
def machine(full: bool) -> None:
    """This machine as a record keeps it: hardware key and environment, secrets left out."""
    from atlas.perf.machine import capture, hardware_key, text

    print(text({"hardware_key": hardware_key(0), **capture(os.environ, None, full=full)}))


@perf.command()
@click.option("--engine", required=True)
@click.option("--version", required=True)
@click.option("--card", "word", required=True)
@click.option("--threads", type=click.IntRange(1), default=1, show_default=True, help="Of the engine.")
def fidelity(engine: str, version: str, word: str, threads: int) -> int:
    """Tokens per second as they are measured, against a bare loop that only calls the engine, in one run.

    Exits 1 unless it is shown that they are within 3 % of each other.
    """
    from atlas.paths import project_root
    from atlas.perf.fidelity import compare_with_bare

    found = compare_with_bare(project_root(), engine, version, word, threads)
    if wanted():
        answer({**asdict(found), "against": found.against})
    else:
        print(found)
    return 1 if found.against else 0
