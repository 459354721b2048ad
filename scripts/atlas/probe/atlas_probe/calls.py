"""Call trees: how a request says, in JSON, which objects are made and which calls are made on them.

`{"call": "pkg.mod.function", "args": […], "kwargs": {…}}` calls something of the engine's; where the first
part of the name is `self` or a prepared object's, a method of that. `{"ref": name}` is such an object, and
`{"get": "pkg.mod.attribute"}` anything that has a dotted name. All else is a value.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .names import load

SELF = "self"
Objects = Mapping[str, Any]
"""`self`, and the prepared objects by their names."""
Call = Callable[[Objects], Any]


def compiled(tree: Any, names: Iterable[str], fixtures: str) -> Call:
    """What evaluates a tree; `names` are those of the prepared objects."""
    known = {SELF, *names}
    if isinstance(tree, list):
        items = [compiled(one, known, fixtures) for one in tree]
        return lambda objects: [item(objects) for item in items]
    if not isinstance(tree, dict):
        value = expanded(tree, fixtures)
        return lambda _: value
    if "call" in tree and tree.keys() <= {"call", "args", "kwargs"}:
        return _call(tree, known, fixtures)
    if tree.keys() == {"ref"}:
        return _attribute(tree["ref"], known)
    if tree.keys() == {"get"}:
        found = load(tree["get"])
        return lambda _: found
    members = {key: compiled(one, known, fixtures) for key, one in tree.items()}
    return lambda objects: {key: member(objects) for key, member in members.items()}


def step(call: Any, names: Iterable[str], fixtures: str) -> Call:
    """What makes one step: a method of the instance by its name alone, or a tree."""
    tree = {"call": f"{SELF}.{call}"} if isinstance(call, str) else call
    return compiled(tree, names, fixtures)


def expanded(value: Any, fixtures: str) -> Any:
    """A copy of a JSON value in which `{fixtures}` is the folder of the fixtures."""
    if isinstance(value, str):
        return value.replace("{fixtures}", fixtures) if "{" in value else value
    if isinstance(value, dict):
        return {key: expanded(item, fixtures) for key, item in value.items()}
    return [expanded(item, fixtures) for item in value] if isinstance(value, list) else value


def _call(tree: dict[str, Any], known: set[str], fixtures: str) -> Call:
    function = _attribute(tree["call"], known)
    arguments = compiled(tree.get("args", []), known, fixtures)
    keywords = compiled(tree.get("kwargs", {}), known, fixtures)
    return lambda objects: function(objects)(*arguments(objects), **keywords(objects))


def _attribute(dotted: str, known: set[str]) -> Call:
    first, *rest = dotted.split(".")
    if first not in known:
        found = load(dotted)
        return lambda _: found
    return lambda objects: functools.reduce(getattr, rest, objects[first])
