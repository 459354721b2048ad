"""Building results/report/index.html from committed artefacts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from atlas.canonical import write_atomic
from atlas.engines.load import load_all
from atlas.engines.model import Engine
from atlas.errors import InputError
from atlas.provenance import lastgood
from atlas.report.cells import load_engine_pages
from atlas.report.measured import load_tables
from atlas.report.model import Pin, Stale
from atlas.report.page import render

OVERVIEW = "results/perf.overview.json"
"""What was measured, of the records that the project keeps; it keeps none until config.yaml says so."""


def run_report(root: Path, output: Path) -> None:
    """Write the page; where it is made after failures, with what is stale and why.

    In all other builds its inputs are fresh, so that the page depends on nothing else.
    """
    report_project(root, output, stale_cells(root) if lastgood.active() else ())


def stale_cells(root: Path) -> list[Stale]:
    """The stale artefacts of cells, as Snakemake judges."""
    from atlas.provenance.stale import stale

    cells = [root / "results" / engine.name for engine in load_all(root)[0]]
    return [
        Stale(entry.artefact, f"{entry.reason}: {entry.changed}" if entry.changed else entry.reason)
        for entry in stale(root)
        if any((root / entry.artefact).is_relative_to(folder) for folder in cells)
    ]


def report_project(root: Path, output: Path, stale: Sequence[Stale] = ()) -> None:
    """Write the page for all tracked versions; those without a schema are shown with a reason.

    Refused while an engine's YAML cannot be read: a page without that engine would hide what is known.
    """
    engines, broken = load_all(root)
    if broken:
        raise InputError("; ".join(engine.error for engine in broken))
    folders = [root / "results" / engine.name / version for engine in engines for version in engine.versions]
    schemas, sources = (
        [folder / name for folder in folders if (folder / name).exists()]
        for name in ("schema.discovered.json", "source.json")
    )
    measured = root / OVERVIEW if (root / OVERVIEW).is_file() else None
    pins = map(pin_of, engines)
    build_report(schemas, sources, output, stale, pins=pins, rule_folders=folders, measured=measured)


def build_report(
    schema_paths: Sequence[Path],
    source_paths: Sequence[Path],
    output: Path,
    stale: Sequence[Stale] = (),
    *,
    pins: Iterable[Pin],
    rule_folders: Sequence[Path] = (),
    measured: Path | None = None,
) -> None:
    """Write the page from the artefacts given, wherever they are."""
    pages = load_engine_pages(pins, schema_paths, source_paths, rule_folders)
    write_atomic(output, render(pages, stale, load_tables(measured) if measured else ()))


def pin_of(engine: Engine) -> Pin:
    """What the report needs of an engine's YAML."""
    current = engine.cell(engine.current_version)
    return Pin(engine.name, engine.library_name, engine.current_version, engine.versions, current.source_url)
