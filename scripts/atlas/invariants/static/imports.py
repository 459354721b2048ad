"""Imports inside functions."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from atlas.invariants.predicate import Opaque
from atlas.invariants.static.names import of_definition
from atlas.invariants.static.state import State
from atlas.schema.static.bindings import absolute
from atlas.schema.static.modules import external

if TYPE_CHECKING:
    from atlas.invariants.static.machine import Machine


def plain(m: Machine, node: ast.Import, state: State) -> bool:
    for alias in node.names:
        name = alias.name if alias.asname else alias.name.partition(".")[0]
        _bind(m, alias.asname or name, name, state)
        _may_fail(m, name, node, state)
    return True


def members(m: Machine, node: ast.ImportFrom, state: State) -> bool:
    module = m.scope.module
    source = absolute(node, module.name, module.is_package)
    for alias in node.names:
        _bind(m, alias.asname or alias.name, f"{source}.{alias.name}", state)
    _may_fail(m, source, node, state)
    return True


def _bind(m: Machine, name: str, dotted: str, state: State) -> None:
    found = m.reader.index.resolve(dotted) or external(dotted)
    state.names[name] = of_definition(m, m.reader.index.follow(found), state)


def _may_fail(m: Machine, dotted: str, node: ast.stmt, state: State) -> None:
    """A package that is not the engine's own may not be installed."""
    if not m.reader.index.owns(dotted):
        missing = Opaque(f"{dotted.partition('.')[0]} is not installed", (), True)
        m.may_raise(("ImportError", "ModuleNotFoundError"), missing, state)
