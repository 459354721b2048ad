"""The envelope of schema.discovered.json, and writing both artefacts together or not at all."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from atlas.canonical import digest, dump_json, write_atomic
from atlas.errors import IntegrityError, RunError
from atlas.schema.agreement import coverage_counts, lane_rows
from atlas.schema.assemble import Assembled
from atlas.schema.facts import Json, Limitation
from atlas.schema.merge import Merged
from atlas.schema.parameters import outside_type, parameter_json
from atlas.validation import check, schema
from atlas.yamlfile import Document

FORMAT_VERSION = 1
FORMAT = "schema.discovered"
EXTRACTOR = "atlas.schema"


@dataclass(frozen=True)
class Origin:
    """What the facts were read from. `files` has the sha256 of every source file, with its prefix."""

    engine: str
    version: str
    sources: tuple[Mapping[str, Json], ...]
    environment: Mapping[str, Json] | None
    files: Mapping[str, str]


def document(origin: Origin, merged: Merged, assembled: Assembled) -> dict[str, Json]:
    """schema.discovered.json of one engine version."""
    everything = [one for group in assembled.groups.values() for one in group]
    sections = {name: [parameter_json(one) for one in group] for name, group in assembled.groups.items()}
    lost = [
        Limitation(
            "default_outside_type", f"{group}:{one.path}", "its own default is none of the values of its type"
        )
        for group, members in assembled.groups.items()
        for one in members
        if outside_type(one.merged.fact)
    ]
    limitations = [*merged.limitations, *(("merge", one) for one in (*assembled.limitations, *lost))]
    return {
        "format_version": FORMAT_VERSION,
        "engine": origin.engine,
        "version": origin.version,
        "status": "complete" if set(merged.lanes) == {"static", "live"} else f"{merged.lanes[0]}_only",
        "sources": [dict(one) for one in origin.sources],
        "environment": dict(origin.environment) if origin.environment else None,
        "extractor": {"name": EXTRACTOR, "digest": format_digest()},
        "files": {path: origin.files[path] for path in _cited(sections) if path in origin.files},
        "limitations": limitations_json(limitations),
        "coverage": coverage_counts(everything),
        "roots": _roots(assembled),
        "lanes": {"seen": list(merged.lanes), "rows": lane_rows(assembled)},
        **sections,
    }


def format_digest() -> str:
    """Digest of the artefact's format.

    The code that made an artefact is recorded in its provenance sidecar. In the artefact it would
    change bytes, and so everything that depends on them, whenever code changes and facts do not.
    """
    return digest(schema(FORMAT))


def _roots(assembled: Assembled) -> dict[str, Json]:
    roots: dict[str, Json] = {name: [] for name in assembled.groups}
    for root in assembled.roots:
        entry = {"target": root.target, "name": root.qualname, "kind": root.kind, "prefix": root.prefix}
        if root.same_as:
            entry["same_as"] = root.same_as
        roots[root.group].append(entry)
    return roots


def _cited(sections: Mapping[str, Iterable[Mapping[str, Json]]]) -> list[str]:
    return sorted(
        {
            evidence["file"]
            for members in sections.values()
            for one in members
            for evidence in one["evidence"]
            if evidence.get("file")
        }
    )


def limitations_json(limitations: Iterable[tuple[str, Limitation]]) -> list[dict[str, Json]]:
    """What could not be seen, one entry for each code and reason, with all it concerns."""
    grouped: dict[tuple[str, str, str], list[Limitation]] = {}
    for lane, one in limitations:
        grouped.setdefault((one.code, lane, one.reason), []).append(one)
    out = []
    for (code, lane, reason), members in sorted(grouped.items()):
        entry: dict[str, Json] = {
            "code": code,
            "lane": lane,
            "reason": reason,
            "fields": sorted({one.subject for one in members}),
        }
        if len(members) == 1 and members[0].file:
            entry |= {"file": members[0].file, "line": members[0].line}
        out.append(entry)
    return out


def write_artefacts(
    output: Path, found: Mapping[str, Json], config_output: Path, config: Mapping[str, Any]
) -> None:
    """Validate both and write both; where either can't be written, neither is changed."""
    text, config_text = dump_json(found), dump_json(config)
    check(Document(str(output), json.loads(text), {}), FORMAT)
    Draft202012Validator.check_schema(config)
    before = output.read_bytes() if output.exists() else None
    write_atomic(output, text)
    try:
        write_atomic(config_output, config_text)
    except BaseException:
        with suppress(OSError):
            if before is None:
                output.unlink(missing_ok=True)
            else:
                write_atomic(output, before)
        raise


def require_nothing_lost(output: Path, engine: str, version: str) -> None:
    """Refuse static facts alone, for want of a healthy environment, in the place of live ones."""
    try:
        found = json.loads(output.read_text(encoding="utf-8"))
        said = (found["engine"], found["version"], found["status"])
    except (OSError, ValueError, KeyError, TypeError):
        return
    if said == (engine, version, "complete"):
        raise RunError(
            "its environment is not healthy, and the schema that is there has live facts",
            where=str(output),
            hint="mend the environment; or, to publish static facts alone, remove the schema and build again",
        )


def require_parameters(found: Mapping[str, Json], groups: Iterable[str], *, where: str) -> None:
    """Refuse a schema without a single parameter, and two parameters of one group with one path."""
    names = list(groups)
    if not any(found[group] for group in names):
        reasons = "; ".join(f"{one['code']}: {', '.join(one['fields'])}" for one in found["limitations"])
        hint = "the classes may have moved in this version: see `surfaces` in the engine's YAML"
        raise RunError(f"no parameter was found ({reasons})", where=where, hint=hint)
    for group in names:
        paths = [one["path"] for one in found[group]]
        twice = sorted({path for path in paths if paths.count(path) > 1})
        if twice:
            raise IntegrityError(f"{group} has {', '.join(twice)} twice", where=where)
