"""Names: variables, what surrounds a function, and what its module holds."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from atlas.invariants.predicate import Const, Opaque
from atlas.invariants.static.facts import here
from atlas.invariants.static.lowering import from_constant
from atlas.invariants.static.state import State
from atlas.invariants.static.values import Absent, Choice, Function, Known, Value, merge
from atlas.schema.static import calls
from atlas.schema.static.bindings import EXCEPT, TRY, FunctionNode
from atlas.schema.static.bindings import TYPE_CHECKING as CHECKED
from atlas.schema.static.modules import Definition, Module, Scope
from atlas.schema.static.values import Unknown

if TYPE_CHECKING:
    from atlas.invariants.static.machine import Machine

_MISSING = object()


def name(m: Machine, node: ast.Name, state: State) -> Value:
    found = state.names.get(node.id) or m.frame.closure.get(node.id)
    if found is None:
        return of_module(m, node, state)
    its = here(present(found), state)
    return m.opaque(node, state, environment=False) if isinstance(its, Absent) else its


def present(value: Value) -> Value:
    """A value without the case that there is none: that ends in an error at once."""
    if isinstance(value, Choice):
        then, other = present(value.then), present(value.other)
        if isinstance(then, Absent):
            return other
        if isinstance(other, Absent):
            return then
    return value


def of_module(m: Machine, node: ast.Name, state: State) -> Value:
    """What a name means outside of all functions."""
    found = m.reader.index.name(Scope(m.scope.module), node.id)
    if found is None:
        return m.opaque(node, state, environment=True)
    return of_member(m, m.scope.module, node.id, m.reader.index.follow(found), state)


def of_member(m: Machine, module: Module, name: str, found: Definition, state: State) -> Value:
    """What a module holds under a name; something else where a package that it tries is not installed."""
    bound = module.bound.names.get(name, [])
    tried = next((one for one in bound if one.guard == TRY), None)
    instead = next((one for one in bound if one.guard == EXCEPT), None)
    its = of_definition(m, found, state)
    if tried is None or instead is None:
        return its
    missing = Opaque(f"{(tried.module or name).partition('.')[0]} is not installed", (), True)
    if instead.kind == "value" and isinstance(instead.node, ast.expr):
        with m.outside(Scope(module)):
            return merge(missing, m.value(instead.node, state.callee({})), its)
    return merge(missing, Opaque(f"{name} without it", (), True), its)


def of_definition(m: Machine, found: Definition, state: State) -> Value:
    if found.kind in ("class", "module"):
        return Known(found.qualname, found)
    if found.kind == "function" and isinstance(found.node, FunctionNode) and found.scope:
        return Function(found.node, found.scope, found.qualname)
    if found.kind == "external":
        known = calls.external_value(found.qualname, _MISSING)
        made = from_constant(known, state) if known is not _MISSING else None
        return made if made is not None else Known(found.qualname, found)
    if _is_switch(m, found):
        return Opaque(found.qualname.rpartition(".")[2], (), True)
    value = m.reader.evaluator.definition(found)
    made = from_constant(value, state)
    if made is not None:
        return made
    env = value.env if isinstance(value, Unknown) else None
    return Opaque(env or found.qualname.rpartition(".")[2], (), True)


def _is_switch(m: Machine, found: Definition) -> bool:
    """Whether a module only declares a name and makes its value on demand: true or false, by the machine.

    Numbers and texts that are made on demand are taken as declared, which is their value where nothing
    is set.
    """
    home, _, name = found.qualname.rpartition(".")
    module = m.reader.index.module(home)
    bound = module.bound.names.get(name, []) if module and module.bound.lazy else []
    return (
        bool(bound)
        and all(one.guard == CHECKED for one in bound)
        and isinstance(m.reader.evaluator.definition(found), bool)
    )


def is_constant(value: Value, *wanted: object) -> bool:
    return isinstance(value, Const) and any(value.value is one for one in wanted)
