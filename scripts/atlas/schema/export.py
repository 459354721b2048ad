"""`atlas export`: a schema in the format of another tool.

`llenergymeasure`: the discovered-schema envelope 1.0.0 as its `config/schema_loader.py` reads it
(repository henrycgbaker/llenergymeasure at 5749371f): flat names with a display type and a default.
It wants a time and an image; an artefact has neither, so the time is the epoch and the image is what
the facts were read from.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from atlas.canonical import dump_json, write_atomic
from atlas.errors import InputError
from atlas.schema.coverage import load_schemas

SCHEMA_VERSION = "1.0.0"
EPOCH = "1970-01-01T00:00:00+00:00"
SECTIONS = ("engine_params", "sampling_params")


def run_export(form: str, schema_json: Path, output: Path | None) -> None:
    """Write the export to `output`, or to stdout."""
    if form != "llenergymeasure":
        raise InputError(f"no export format `{form}`", hint="formats: llenergymeasure")
    text = dump_json(llenergymeasure(load_schemas([schema_json])[0]))
    if output is None:
        sys.stdout.write(text)
    else:
        write_atomic(output, text)


def llenergymeasure(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The envelope 1.0.0 of a schema.discovered.json."""
    named = [source["ref"] for source in schema["sources"] if source["ref"]]
    ref = named[0] if named else f"{schema['engine']}-{schema['version']}"
    return {
        "schema_version": SCHEMA_VERSION,
        "engine": schema["engine"],
        "engine_version": schema["version"],
        "engine_commit_sha": None,
        "image_ref": ref,
        "base_image_ref": ref,
        "discovered_at": EPOCH,
        "discovery_method": f"{schema['extractor']['name']}: {' + '.join(schema['lanes']['seen'])}",
        "discovery_limitations": _limitations(schema),
        **{section: _section(schema, section) for section in SECTIONS},
    }


def _section(schema: Mapping[str, Any], section: str) -> dict[str, dict[str, Any]]:
    return {one["path"]: _entry(one) for one in schema.get(section, ()) if _top_level(schema, section, one)}


def _top_level(schema: Mapping[str, Any], section: str, parameter: Mapping[str, Any]) -> bool:
    """A public parameter of a root itself; the format has no place for nested ones."""
    prefixes = {
        root["prefix"] for root in schema["roots"].get(section, ()) if root["name"] == parameter["root"]
    }
    own = {f"{prefix}.{parameter['name']}" if prefix else parameter["name"] for prefix in prefixes}
    return parameter["path"] in own and not parameter.get("private")


def _entry(parameter: Mapping[str, Any]) -> dict[str, Any]:
    """Type and default as the format has them; the rest are its optional keys of later minor versions."""
    entry: dict[str, Any] = {
        "type": parameter["display"],
        "default": parameter.get("default", parameter.get("default_text")),
    }
    if "description" in parameter:
        entry["description"] = parameter["description"]
    if "deprecated" in parameter:
        entry["deprecated"] = True
    if "enum" in parameter and not parameter["open"]:
        entry["enum"] = parameter["enum"]
    return {**entry, **parameter.get("constraints", {})}


def _limitations(schema: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Limitations by section, and which parameters the format has no place for."""
    found: dict[tuple[str, str], list[str]] = {}
    for one in schema["limitations"]:
        for name in one["fields"]:
            group, _, path = name.partition(":")
            section, shown = (group, path) if group in SECTIONS and path else (SECTIONS[0], name)
            found.setdefault((section, f"{one['code']}: {one['reason']}"), []).append(shown)
    for section in SECTIONS:
        nested = [p["path"] for p in schema.get(section, ()) if not _top_level(schema, section, p)]
        if nested:
            reason = "nested_or_private: only schema.discovered.json of engine-atlas holds these"
            found[section, reason] = nested
    return [
        {"section": section, "fields": sorted(fields), "reason": reason}
        for (section, reason), fields in sorted(found.items())
    ]
