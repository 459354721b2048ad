"""From committed artefacts to the cells of the report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from packaging.version import Version

from atlas.report import wording
from atlas.report.artefact import groups, read_artefact
from atlas.report.model import LANES, Cell, EnginePage, Evidence, Limitation, Parameter, Pin, Proof, Rule
from atlas.report.rules import load_rules

AS_PUBLISHED = (
    "owner",
    "open",
    "annotation",
    "default_kind",
    "description",
    "aliases",
    "env",
    "private",
    "readonly",
    "same_as",
    "also_in",
    "joins",
)
"""Facts that need no other words."""

Artefacts = dict[tuple[str, str], dict[str, Any]]


def load_engine_pages(
    pins: Iterable[Pin],
    schema_paths: Sequence[Path],
    source_paths: Sequence[Path],
    rule_folders: Sequence[Path] = (),
) -> tuple[EnginePage, ...]:
    """Every tracked cell, whatever could be built of it; artefacts of other versions are not shown."""
    proven = load_rules(rule_folders)
    schemas, sources = _by_cell(schema_paths), _by_cell(source_paths)
    pages = []
    for pin in sorted(pins, key=lambda pin: pin.engine):
        keys = [(pin.engine, version) for version in sorted(set(pin.versions), key=Version)]
        cells = [_cell(*key, schemas.get(key), sources.get(key), proven.get(key)) for key in keys]
        pages.append(EnginePage(pin, _with_ids(cells)))
    return tuple(pages)


def _by_cell(paths: Sequence[Path]) -> Artefacts:
    artefacts = map(read_artefact, paths)
    return {(artefact["engine"], artefact["version"]): artefact for artefact in artefacts}


def _cell(
    engine: str,
    version: str,
    schema: dict[str, Any] | None,
    source: dict[str, Any] | None,
    proven: tuple[tuple[Rule, ...], Proof | None] | None,
) -> Cell:
    if schema is None:
        if source is not None and source["status"] == "unavailable":
            return Cell(engine, version, "source unavailable", wording.unavailable(source))
        return Cell(engine, version, "not built", "Its schema has not been built yet.")
    parameters = tuple(
        _parameter(group, entry) for group, entries in groups(schema).items() for entry in entries
    )
    return Cell(
        engine=engine,
        version=version,
        status="available",
        lanes=tuple(lane for lane in LANES if lane in schema["lanes"]["seen"]),
        coverage=schema["coverage"],
        parameters=parameters,
        limitations=tuple(map(_limitation, schema.get("limitations") or ())),
        environment=wording.environment(schema.get("environment")),
        sources=tuple(map(wording.source, schema.get("sources") or ())),
        files=schema.get("files") or {},
        only_static=wording.only_static(schema),
        rules=proven[0] if proven else (),
        proof=proven[1] if proven else None,
    )


def _limitation(entry: Mapping[str, Any]) -> Limitation:
    return Limitation(entry["code"], entry["reason"], tuple(entry.get("fields") or ()))


def _parameter(group: str, entry: Mapping[str, Any]) -> Parameter:
    evidence = tuple(
        Evidence(item["lane"], item.get("file"), item.get("line")) for item in entry.get("evidence") or ()
    )
    seen = {item.lane for item in evidence}
    facts = {
        **{name: entry.get(name) for name in AS_PUBLISHED},
        "type": wording.type_name(entry),
        "values": wording.enum_values(entry),
        "default": wording.default(entry),
        "default_text": wording.default_text(entry),
        "effective": wording.effective(entry.get("effective_default")),
        "limits": wording.limits(entry),
        "deprecated": wording.deprecated(entry.get("deprecated")),
        "flag": ", ".join(entry.get("cli_flags") or ()) or entry.get("cli_flag"),
        "lanes": [lane for lane in LANES if lane in seen],
        "static_only": wording.static_only(entry.get("static_only")),
        "disagreement": wording.disagreement(entry.get("disagreement")),
        "applies_to": wording.applies_to(entry.get("applies_to")),
    }
    known = {name: fact for name, fact in facts.items() if fact not in (None, False, [], "")}
    return Parameter(group, entry["path"], known, evidence)


def _with_ids(cells: Sequence[Cell]) -> tuple[Cell, ...]:
    """Name each parameter by its path; by group and path where another group of the engine has it, too."""
    homes: dict[str, set[str]] = {}
    for cell in cells:
        for parameter in cell.parameters:
            homes.setdefault(parameter.path, set()).add(parameter.group)

    def named(parameter: Parameter) -> Parameter:
        alone = len(homes[parameter.path]) == 1
        return replace(parameter, id=parameter.path if alone else f"{parameter.group}:{parameter.path}")

    return tuple(replace(cell, parameters=tuple(map(named, cell.parameters))) for cell in cells)
