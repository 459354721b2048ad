"""`atlas history join`: the facts of all tracked versions of an engine as one history.json."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from packaging.version import Version

from atlas.canonical import write_atomic
from atlas.diff.facts import Facts
from atlas.engines.serve import load_serves
from atlas.errors import InputError
from atlas.history.facts import FORMAT, lines, unpacked
from atlas.history.spans import all_spans
from atlas.validation import check
from atlas.yamlfile import Document

Json = Any
FORMAT_VERSION = 1


def build_history(root: Path, engine: str, facts_json: Sequence[Path], output: Path) -> None:
    """Write what became of each parameter, from the facts of every version that there are."""
    versions = sorted((read_facts(path, engine) for path in facts_json), key=lambda one: Version(one.version))
    if not versions:
        raise InputError(f"no version of {engine} was read", hint="name files history.facts.json")
    serves = load_serves(root, engine, [one.version for one in versions])
    found = document(engine, versions, serves)
    text = lines(found)
    check(Document(output.name, json.loads(text), {}), "history")
    write_atomic(output, text)


def document(
    engine: str, versions: Sequence[Facts], serves: Mapping[str, Json] | None = None
) -> dict[str, Json]:
    """history.json of these versions, oldest first, and of how each is started, where that is known."""
    groups = dict.fromkeys(group for facts in versions for group in facts.groups)
    parameters: dict[str, dict[str, Json]] = {group: {} for group in groups}
    for (group, path), spans in all_spans(versions).items():
        parameters[group][path] = spans
    return {
        "format_version": FORMAT_VERSION,
        "engine": engine,
        "versions": [one.version for one in versions],
        "serve": list(_alike(serves or {})),
        "parameters": parameters,
    }


def _alike(serves: Mapping[str, Json]) -> Iterator[dict[str, Json]]:
    """Each entry once, with the versions that have it, oldest first."""
    rest = list(serves)
    while rest:
        first = serves[rest[0]]
        same = [version for version in rest if serves[version] == first]
        yield {"versions": same, "serve": first}
        rest = [version for version in rest if version not in same]


def read_facts(path: Path, engine: str | None = None) -> Facts:
    """The facts of one version; InputError where the file is not of that engine, or no such file."""
    try:
        found: Mapping[str, Json] = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise InputError(
            f"cannot be read: {error}", where=str(path), hint="build it: `atlas build`"
        ) from error
    check(Document(str(path), found, {}), FORMAT)
    if engine is not None and found["engine"] != engine:
        raise InputError(f"it is about {found['engine']}, not {engine}", where=str(path))
    return Facts(engine=found["engine"], version=found["version"], schema=unpacked(found))
