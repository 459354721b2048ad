"""Small versions of an engine that does not exist, as the static lane would have them."""

from __future__ import annotations

from typing import Any

from atlas.diff.facts import Facts
from atlas.history.history import History
from atlas.history.join import document

ROOT = "toy.args.Args"
TYPES: dict[str, Any] = {
    "int": {"type": "integer"},
    "str": {"type": "string"},
    "bool": {"type": "boolean"},
    "Inner": {"type": "object", "x-python-type": "toy.args.Inner"},
    "dict": {"type": "object"},
    "unknown": {"x-unknown": ""},
}


def param(path: str, display: str = "int", default: Any = 0, line: int = 3, **more: Any) -> dict[str, Any]:
    return {
        "path": path,
        "name": path.rpartition(".")[2],
        "root": more.pop("root", ROOT),
        "owner": more.pop("owner", ROOT),
        "type": more.pop("type", TYPES[display]),
        "display": display,
        "annotation": more.pop("annotation", display),
        "default_kind": more.pop("default_kind", "none" if default is None else "value"),
        "default": default,
        **more,
        "evidence": [{"lane": "static", "file": "toy/args.py", "line": line}],
    }


def schema(version: str, *entries: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A static schema with one group; `limitations`, `roots` and other groups may be given."""
    roots = {"engine_params": [{"target": ROOT, "name": ROOT, "kind": "dataclass", "prefix": ""}]}
    found = {
        "engine": "toy",
        "version": version,
        "status": "static_only",
        "environment": None,
        "sources": [{"kind": "wheel", "ref": f"toy-{version}.whl", "digest": "sha256:" + "0" * 64}],
        "files": {"toy/args.py": "sha256:" + "1" * 64},
        "limitations": more.pop("limitations", []),
        "roots": more.pop("roots", roots),
        "lanes": {"seen": ["static"], "rows": []},
        "engine_params": list(entries),
    }
    return {**found, **more}


def facts(version: str, *entries: dict[str, Any], **more: Any) -> Facts:
    return Facts(engine="toy", version=version, schema=schema(version, *entries, **more))


def history(*versions: Facts) -> History:
    """Joined, as history.json would have it."""
    return History(document("toy", list(versions)))
