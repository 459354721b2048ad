"""`atlas coverage`: what each lane found and where they agree, from committed schemas alone."""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, ValidationError
from packaging.version import Version

from atlas.canonical import write_atomic
from atlas.errors import InputError
from atlas.paths import project_root
from atlas.schema.coverage_page import BRIEF, brief_row, markdown
from atlas.schema.floors import Finding, hold, load_floors
from atlas.validation import schema as schema_of

Schema = dict[str, Any]

ENVELOPE = ("engine", "version", "status", "sources", "limitations", "roots", "lanes")
NARROWEST = 130
"""Columns of a table that goes to a file or a pipe."""


def run_coverage(paths: Sequence[Path], output: Path | None) -> int:
    """Write docs/coverage.md, or print tables and return 1 where a floor is missed.

    Without paths, all schemas of the project are read.
    """
    root = project_root()
    schemas = load_schemas(paths or sorted((root / "results").glob("*/*/schema.discovered.json")))
    floors = load_floors(root)
    findings = [finding for schema in schemas for finding in hold(schema, floors)]
    if output is not None:
        write_atomic(output, markdown(schemas, findings))
        return 0
    print_tables(schemas, findings)
    return 0 if all(finding.reached for finding in findings) else 1


def load_schemas(paths: Sequence[Path]) -> list[Schema]:
    """Schemas by engine and version; InputError for a file that is none."""
    schemas = [_load(path) for path in paths]
    return sorted(schemas, key=lambda schema: (schema["engine"], Version(schema["version"])))


def _load(path: Path) -> Schema:
    hint = "give files results/<engine>/<version>/schema.discovered.json"
    try:
        schema: Schema = json.loads(path.read_text(encoding="utf-8"))
        _envelope().validate({key: value for key, value in schema.items() if key in ENVELOPE})
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=str(path), hint=hint) from error
    except ValidationError as error:
        raise InputError(
            f"not a schema.discovered.json: {error.message}", where=str(path), hint=hint
        ) from error
    except (ValueError, AttributeError) as error:
        raise InputError(f"not a schema.discovered.json: {error}", where=str(path), hint=hint) from error
    return schema


@functools.cache
def _envelope() -> Draft202012Validator:
    """The parts of the format that coverage reads; the parameters were checked when they were written."""
    whole = schema_of("schema.discovered")
    properties = {key: whole["properties"][key] for key in ENVELOPE}
    return Draft202012Validator(
        {"required": list(ENVELOPE), "properties": properties, "$defs": whole["$defs"]}
    )


def print_tables(schemas: Sequence[Schema], findings: Sequence[Finding]) -> None:
    """The summary and the floors, on the terminal."""
    from rich.console import Console
    from rich.table import Table

    console = Console()
    if not console.is_terminal:
        console = Console(width=NARROWEST)
    summary = Table(title="Static lane against live lane", title_justify="left")
    for index, name in enumerate(BRIEF):
        summary.add_column(name, justify="left" if index < 2 else "right")
    for schema in schemas:
        summary.add_row(*brief_row(schema))
    console.print(summary)
    floors = Table(title="Floors", title_justify="left")
    for name in ("cell", "measure", "class", "share", "floor", ""):
        floors.add_column(name)
    for finding in findings:
        verdict = "[green]reached[/]" if finding.reached else "[red]missed[/]"
        floor = finding.floor
        cell = f"{finding.engine} {finding.version}"
        floors.add_row(cell, floor.measure, floor.class_, finding.share.text(), f"{floor.floor:.1%}", verdict)
    console.print(floors)
