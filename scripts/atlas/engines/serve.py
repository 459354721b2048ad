"""How an engine is started: the optional `serve` section of its YAML, as far as one version goes.

Apart from `model`, so that nothing that is built from a cell depends on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from atlas.engines.load import applicable
from atlas.validation import check
from atlas.yamlfile import Document, load_yaml

LISTS = ("versions", "other_flags", "old_flags", "flags")


def load_serve(root: Path, engine: str, version: str) -> dict[str, Any] | None:
    """The entry that holds for a version, as JSON; None where the YAML has none.

    InputError where the file is not valid. `complete_for` becomes `complete`: whether every option that is
    not the engine's own is known by name.
    """
    return load_serves(root, engine, [version]).get(version)


def load_serves(root: Path, engine: str, versions: Iterable[str]) -> dict[str, dict[str, Any]]:
    """The same of several versions, those that have an entry."""
    path = root / "engine_versions" / f"{engine}.yaml"
    document = load_yaml(path, f"{path.parent.name}/{path.name}")
    check(document, "engine")
    found = ((version, _serve(document, version)) for version in versions)
    return {version: entry for version, entry in found if entry is not None}


def _serve(document: Document, version: str) -> dict[str, Any] | None:
    entry = next(applicable(document, ("serve",), version), None)
    if entry is None:
        return None
    found = {name: value for name, value in entry.items() if name not in LISTS}
    other = entry.get("other_flags", {})
    flags = list(_flags(document, document.value["serve"].index(entry), version))
    sets = {
        flag: {"sets": one["sets"], "denies": one.get("denies", False)}
        for flag, one in flags
        if "sets" in one
    }
    if sets:
        found["flags"] = sets
    beside = [flag for flag, one in flags if "sets" not in one]
    found["other_flags"] = {
        "names": [*other.get("names", []), *entry.get("old_flags", []), *beside],
        "complete": version in other.get("complete_for", ()),
    }
    return found


def _flags(document: Document, index: int, version: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The flags that this version has, of those that the entry lists itself."""
    start = ("serve", index, "flags")
    listed = document.value["serve"][index].get("flags", [])
    places = {("flags", *at[3:]): place for at, place in document.positions.items() if at[:3] == start}
    for one in applicable(Document(document.name, {"flags": listed}, places), ("flags",), version):
        for flag in one["names"]:
            yield flag, one
