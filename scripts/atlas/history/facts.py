"""history.facts.json: one version's parameters as its sources have them, in little space.

It is the schema of the static lane without what can be told from the rest of it, one parameter a line, so
that git keeps a further version as what differs from the others. `unpacked` is the inverse of `packed`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

Json: TypeAlias = Any
FORMAT_VERSION = 1
FORMAT = "history.facts"
COPIED = ("engine", "version", "sources", "files", "limitations", "roots")
LANE = "static"
GROUPED = ("roots", "parameters")


def packed(schema: Mapping[str, Json]) -> dict[str, Json]:
    """The compact form of a schema that the static lane alone has made."""
    groups = {group: schema[group] for group in schema["roots"]}
    types = _types(entry for entries in groups.values() for entry in entries)
    found: dict[str, Json] = {"format_version": FORMAT_VERSION}
    found |= {key: schema[key] for key in COPIED}
    found["types"] = types
    found["parameters"] = {
        group: [_packed(entry, _first_root(schema, group), types) for entry in entries]
        for group, entries in groups.items()
    }
    return found


def unpacked(facts: Mapping[str, Json]) -> dict[str, Json]:
    """The schema as it was, as far as parameters, roots and limitations go."""
    found: dict[str, Json] = {key: facts[key] for key in COPIED}
    found |= {"status": f"{LANE}_only", "environment": None, "lanes": {"seen": [LANE], "rows": []}}
    for group, entries in facts["parameters"].items():
        root = _first_root(facts, group)
        found[group] = [_unpacked(entry, root, facts["types"]) for entry in entries]
    return found


def _types(entries: Iterable[Mapping[str, Json]]) -> dict[str, Json]:
    """The type of each text that shows one: the first, where one text shows several."""
    types: dict[str, Json] = {}
    for entry in entries:
        types.setdefault(entry["display"], entry["type"])
    return dict(sorted(types.items()))


def _first_root(schema: Mapping[str, Json], group: str) -> str:
    return next((str(root["name"]) for root in schema["roots"][group]), "")


def _packed(entry: Mapping[str, Json], root: str, types: Mapping[str, Json]) -> dict[str, Json]:
    usual = {**_usual(entry["path"], entry["root"], entry["display"], types), "root": root}
    found = {
        key: value
        for key, value in entry.items()
        if key != "evidence" and not (key in usual and _same(usual[key], value))
    }
    (evidence,) = entry["evidence"]
    if evidence.get("file"):
        found["at"] = f"{evidence['file']}:{evidence.get('line') or 0}"
    return found


def _unpacked(entry: Mapping[str, Json], root: str, types: Mapping[str, Json]) -> dict[str, Json]:
    found = _usual(entry["path"], entry.get("root", root), entry["display"], types)
    found |= {key: value for key, value in entry.items() if key != "at"}
    evidence: dict[str, Json] = {"lane": LANE}
    if "at" in entry:
        file, _, line = entry["at"].rpartition(":")
        evidence |= {"file": file, "line": int(line) or None}
    found["evidence"] = [evidence]
    return found


def _usual(path: str, root: str, display: str, types: Mapping[str, Json]) -> dict[str, Json]:
    """What goes without saying of a parameter."""
    return {
        "name": path.rpartition(".")[2],
        "root": root,
        "owner": root,
        "type": types[display],
        "annotation": display,
        "default_kind": "value",
    }


def _same(one: Json, other: Json) -> bool:
    """Equal as JSON: true is not 1, and 1 is not 1.0."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def lines(found: Mapping[str, Json]) -> str:
    """JSON with a line for each member of what is at the top; in `roots` and `parameters`, of each group."""
    parts = [
        f" {json.dumps(key)}: {_value(value, 2 if key in GROUPED else 1)}" for key, value in found.items()
    ]
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _value(value: Json, depth: int, indent: int = 1) -> str:
    """`value` in one line, or, `depth` levels deep, with a line for each of its members."""
    if not depth or not isinstance(value, dict | list) or not value:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    start = "\n" + " " * (indent + 1)
    if isinstance(value, dict):
        inside = [f"{json.dumps(key)}: {_value(one, depth - 1, indent + 1)}" for key, one in value.items()]
        return "{" + start + f",{start}".join(inside) + "\n" + " " * indent + "}"
    inside = [_value(one, depth - 1, indent + 1) for one in value]
    return "[" + start + f",{start}".join(inside) + "\n" + " " * indent + "]"
