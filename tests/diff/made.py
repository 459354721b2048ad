"""Facts of versions made by hand: schema entries and rules in a few words."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from atlas.diff.change import Diff
from atlas.diff.compare import compare
from atlas.diff.facts import Facts, ProvenRule, facts_of
from atlas.knowledge import Target, load

RESULTS = Path(__file__).resolve().parents[2] / "results"
ROOT = "toy.args.Args"
BOTH = [
    {"lane": "static", "file": "toy/args.py", "line": 1},
    {"lane": "live", "file": "toy/args.py", "line": 1},
]


@cache
def tracked(engine: str, version: str) -> Facts:
    return facts_of(load(engine, version, RESULTS))


@cache
def tracked_diff(engine: str, old: str, new: str) -> Diff:
    return compare(tracked(engine, old), tracked(engine, new))


def entry(path: str = "n", type_: Any = None, **changes: Any) -> dict[str, Any]:
    """One parameter: an optional integer, unless said otherwise. None takes a key out."""
    found = {
        "path": path,
        "name": path.rpartition(".")[2],
        "root": ROOT,
        "owner": ROOT,
        "type": {"type": "integer"} if type_ is None else type_,
        "display": "int",
        "annotation": "int",
        "default_kind": "value",
        "default": 1,
        "evidence": BOTH,
        **changes,
    }
    return {
        key: value for key, value in found.items() if value is not None or key in ("default", "annotation")
    }


def required(path: str = "n", **changes: Any) -> dict[str, Any]:
    found = entry(path, default_kind="required", **changes)
    del found["default"]
    return found


def schema(*entries: dict[str, Any], limitations: Any = (), seen: Any = ("static", "live")) -> dict[str, Any]:
    row = {"root": ROOT, "class": ROOT, "effective": 1}
    roots = {"args": [{"target": ROOT, "name": ROOT, "kind": "dataclass", "prefix": ""}]}
    return {
        "roots": roots,
        "limitations": list(limitations),
        "lanes": {"seen": list(seen), "rows": [row]},
        "args": list(entries),
    }


def facts(*entries: dict[str, Any], version: str = "1", rules: Any = (), **said: Any) -> Facts:
    """A version with these parameters; its class is proven if there are `rules` (or `proven`)."""
    proven = said.pop("proven", bool(rules))
    status, trusted = said.pop("status", "gated"), said.pop("trusted", 1.0)
    negations, bases = said.pop("negations", ()), said.pop("bases", {})
    defaults = {one["name"]: one.get("default") for one in entries if "default" in one}
    target = Target(ROOT, "args", status, "none", defaults, {})
    return Facts(
        engine="toy",
        version=version,
        schema=schema(*entries, **said),
        rules={rule.id: rule for rule in rules},
        targets=(target,) if proven else (),
        bases=bases,
        negations=frozenset(negations),
        trusted={ROOT: trusted} if proven else {},
    )


def rule(name: str, when: str, triggers: Any = (), passes: Any = (), **said: Any) -> ProvenRule:
    content = {"target": ROOT, "severity": "error", "depth": "construct", "when": when}
    origins = said.pop("origins", ("static",))
    content |= {"effect": {"raises": "ValueError"}, **said}
    return ProvenRule(name, content, tuple(triggers), tuple(passes), origins=origins)


def kinds(old: Facts, new: Facts) -> list[str]:
    return [one.kind for one in compare(old, new).changes]


def only(old: Facts, new: Facts, kind: str) -> Any:
    """The one change of that kind."""
    found = [one for one in compare(old, new).changes if one.kind == kind]
    assert len(found) == 1, [one.kind for one in compare(old, new).changes]
    return found[0]
