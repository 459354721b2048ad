"""`atlas knowledge`: schema, invariants and the engine's YAML as one file that is read in milliseconds.

YAML takes a quarter of a second to read; this says the same of the rules, without most witnesses, and
beside them what evaluating a rule needs to know of its class.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from atlas.canonical import write_atomic
from atlas.engines.model import Cell
from atlas.errors import InputError
from atlas.invariants.corpus import context_of
from atlas.invariants.model import Target
from atlas.invariants.predicate import holds, parse
from atlas.invariants.targets import targets_of
from atlas.knowledge.knowledge import checksum
from atlas.validation import check
from atlas.yamlfile import Document

Json = Any
FORMAT_VERSION = 1
Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def build_knowledge(
    cell: Cell, serve: Json, schema_json: Path, config_schema: Path, invariants_yaml: Path, output: Path
) -> None:
    """Write `knowledge.json`; `serve` is how the engine's YAML says that this version is started."""
    schema = json.loads(_bytes(schema_json))
    invariants = yaml.load(_bytes(invariants_yaml), Loader=Loader)  # noqa: S506 (a safe loader)
    found = document(cell, serve, schema, json.loads(_bytes(config_schema)), invariants)
    made_from = (schema_json, config_schema, invariants_yaml)
    found["made_from"] = {path.name: checksum(path) for path in made_from}
    check(Document(output.name, found, {}), "knowledge")
    write_atomic(output, lines(found))


def document(
    cell: Cell,
    serve: Json,
    schema: Mapping[str, Json],
    config_schema: Mapping[str, Json],
    invariants: Mapping[str, Json],
) -> dict[str, Json]:
    """The content, but for what it was made from."""
    targets = {one.cls: one for one in targets_of(cell, schema, invariants["families"])}
    return {
        "format_version": FORMAT_VERSION,
        "engine": cell.engine,
        "version": cell.version,
        "source_url": cell.source_url,
        "families": invariants["families"],
        "serve": serve,
        "closed": _closed(schema, config_schema),
        "targets": list(_targets(targets, invariants)),
        "rules": list(_rules(targets, invariants)),
    }


def _closed(schema: Mapping[str, Json], config_schema: Mapping[str, Json]) -> list[str]:
    """The classes whose constructor refuses a name that it does not know, as config.schema.json has it."""
    refusing = {
        name for name, one in config_schema["$defs"].items() if one.get("additionalProperties") is False
    }
    named: dict[str, set[str]] = {}
    for group in schema["roots"]:
        for one in schema[group]:
            options = [one["type"], *one["type"].get("anyOf", ())]
            for cls in {one["root"], one["owner"], *(option.get("x-python-type", "") for option in options)}:
                named.setdefault(cls.rpartition(".")[2], set()).add(cls)
    found = {cls for name, every in named.items() if len(every) == 1 and name in refusing for cls in every}
    found |= refusing & {cls for every in named.values() for cls in every}
    if config_schema.get("additionalProperties") is False:
        found |= {root["name"] for root in schema["roots"][next(iter(schema["roots"]))] if not root["prefix"]}
    return sorted(found)


def _targets(targets: Mapping[str, Target], invariants: Mapping[str, Json]) -> Iterator[dict[str, Json]]:
    for one in invariants["targets"]:
        target = targets[one["class"]]
        entry = {
            "class": target.cls,
            "group": target.group,
            "status": one["status"],
            "converts": target.converts,
            "defaults": target.defaults(),
            "types": target.types(),
        }
        if target.given:
            entry["given"] = dict(target.given)
        yield entry


def _rules(targets: Mapping[str, Target], invariants: Mapping[str, Json]) -> Iterator[dict[str, Json]]:
    contexts = {cls: context_of(target) for cls, target in targets.items()}
    for proven, key in ((True, "rules"), (False, "unverified")):
        for one in invariants[key]:
            evidence = one["evidence"]
            entry = {
                "id": one["id"],
                "target": one["target"],
                "severity": one["severity"],
                "depth": one["depth"],
                "fields": one["fields"],
                "when": one["when"],
                "effect": one["effect"],
                "proven": proven,
                "origins": evidence["origins"],
            }
            entry |= {name: one[name] for name in ("message", "requires", "partial") if name in one}
            shown = ("file", "line", "n_triggered", "lower_bound")
            entry |= {name: evidence[name] for name in shown if name in evidence}
            if holds(parse(one["when"]), {}, contexts[one["target"]]):
                entry["always"] = True
            witness = one.get("witness", {})
            entry |= {name: found[0] for name in ("triggers", "passes") if (found := witness.get(name))}
            yield entry


def lines(found: Mapping[str, Json]) -> str:
    """JSON with one line for each target and rule, so that a change of one is a change of a line."""
    parts = []
    for key, value in found.items():
        text = (
            "[\n" + ",\n".join(f"  {_line(item)}" for item in value) + "\n ]"
            if isinstance(value, list) and value
            else _line(value)
        )
        parts.append(f" {json.dumps(key)}: {text}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _line(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=str(path)) from error
