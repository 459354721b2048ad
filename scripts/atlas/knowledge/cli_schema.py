"""`atlas cli-schema`: JSON Schema of the file of flags that an engine's command line takes (`--config`).

Its keys are flags without their dashes, where config.schema.json has names of parameters; what a value is
stands there, and is referred to. A value may also be the text that would follow the flag.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from atlas.canonical import dump_json, write_atomic
from atlas.errors import InputError

Json = Any
DIALECT = "https://json-schema.org/draft/2020-12/schema"
QUIET = {"doNotSuggest": True}
"""What editors know but do not offer: other spellings."""
SUFFIXED = r"^\d+(\.\d+)?[kKmMgGtT]?$"


def build_cli_schema(serve: Json, schema_json: Path, config_schema: Path, output: Path) -> None:
    """Write `cli.schema.json`; `serve` is how the engine's YAML says that this version is started."""
    schema, config = (json.loads(path.read_bytes()) for path in (schema_json, config_schema))
    if not serve or not serve.get("config_flag"):
        raise InputError(f"{schema['engine']} takes no file of flags", hint="see `serve` in its YAML")
    write_atomic(output, dump_json(document(serve, schema, config, config_schema.name)))


def document(
    serve: Json, schema: Mapping[str, Json], config: Mapping[str, Json], beside: str
) -> dict[str, Json]:
    """The schema; `beside` is the name of the file that it refers to."""
    properties: dict[str, Json] = {}
    for flag, value in _flags(serve, schema, config, beside):
        properties.setdefault(flag, value)
        if serve.get("underscores") and "-" in flag:
            properties.setdefault(flag.replace("-", "_"), {**value, **QUIET})
    for flag in serve["other_flags"]["names"]:
        if flag.startswith("--"):
            properties.setdefault(flag.removeprefix("--"), {"description": "Of the program that serves."})
    found: dict[str, Json] = {
        "$schema": DIALECT,
        "title": f"{schema['engine']} {schema['version']}: a file of flags ({serve['config_flag']})",
        "type": "object",
        "properties": dict(sorted(properties.items())),
    }
    if serve["other_flags"]["complete"]:
        found["additionalProperties"] = False
    return found


def _flags(
    serve: Json, schema: Mapping[str, Json], config: Mapping[str, Json], beside: str
) -> Iterator[tuple[str, Json]]:
    """Flags without dashes, and what each takes."""
    for entry in schema[serve["group"]]:
        usual = entry.get("cli_flag")
        if "." in entry["path"] or not usual:
            continue
        property_ = config["properties"].get(entry["path"])
        value = _value(serve, entry, f"{beside}#/properties/{entry['path']}") if property_ is not None else {}
        for flag in entry.get("cli_flags", (usual,)):
            if flag.startswith("--"):
                denies = flag != usual and _is_boolean(entry["type"])
                yield flag.removeprefix("--"), {"type": "boolean"} if denies else value
                if denies and serve.get("negations"):
                    yield f"no-{usual.removeprefix('--')}", {"type": "boolean", **QUIET}


def _value(serve: Json, entry: Mapping[str, Json], reference: str) -> Json:
    """What the parameter takes, or the text that the command line reads as that."""
    options: list[Json] = [{"$ref": reference}]
    kinds = _kinds(entry["type"])
    words = serve.get("words", {}).get(entry["name"], {})
    if words:
        options.append({"enum": sorted(words)})
    if entry["name"] in serve.get("human_readable", ()):
        options.append({"type": "string", "pattern": SUFFIXED})
    if "object" in kinds and "string" not in kinds:
        options.append({"type": "string"})
    if "array" in kinds:
        options.append({"type": ["string", "number"]})
    return options[0] if len(options) == 1 else {"anyOf": options}


def _kinds(fragment: Mapping[str, Json]) -> set[str]:
    options = [fragment, *fragment.get("anyOf", ())]
    kinds = [option.get("type", ()) for option in options]
    return {one for kind in kinds for one in ([kind] if isinstance(kind, str) else kind)}


def _is_boolean(fragment: Mapping[str, Json]) -> bool:
    kinds = _kinds(fragment)
    return "boolean" in kinds and kinds <= {"boolean", "null"}
