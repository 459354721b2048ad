"""Call trees of a target's steps, executed symbolically."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from atlas.invariants.predicate import Const, Opaque
from atlas.invariants.static.lowering import from_constant
from atlas.invariants.static.machine import Machine
from atlas.invariants.static.names import of_definition
from atlas.invariants.static.objects import Instance
from atlas.invariants.static.prepared import class_with
from atlas.invariants.static.state import State
from atlas.invariants.static.values import Function, Ref, Value
from atlas.schema.static.modules import Definition

SELF = "self"


def value_of(m: Machine, tree: Any, ref: Ref, node: ast.AST, state: State) -> Value:
    """What a tree stands for: literals, `{"ref": name}`, `{"call": dotted, "args": …, "kwargs": …}`.

    `ref` is the instance. Prepared objects are about the environment.
    """
    if isinstance(tree, Mapping) and "ref" in tree:
        return ref if tree["ref"] == SELF else Opaque(str(tree["ref"]), (), True)
    if isinstance(tree, Mapping) and "get" in tree:
        return Opaque(str(tree["get"]), (), True)
    if isinstance(tree, Mapping) and "call" in tree:
        positional = [value_of(m, one, ref, node, state) for one in tree.get("args", ())]
        keywords = {key: value_of(m, one, ref, node, state) for key, one in tree.get("kwargs", {}).items()}
        return _called(m, str(tree["call"]), positional, keywords, ref, node, state)
    made = from_constant(tree, state)
    return made if made is not None else Const(None)


def _called(
    m: Machine,
    dotted: str,
    positional: list[Value],
    keywords: Mapping[str, Value],
    ref: Ref,
    node: ast.AST,
    state: State,
) -> Value:
    owner, _, name = dotted.rpartition(".")
    if owner == SELF:
        return m.call(m.attribute(ref, name, node, state), positional, keywords, node, state)
    if owner in m.target.prepare:
        wanted = {key for key, value in keywords.items() if value == ref}
        cls = class_with(m.reader, name, wanted)
        if cls is None:
            return Opaque(name, (), True)
        return m.call(m.attribute(_outside(cls, state), name, node, state), positional, keywords, node, state)
    return _of_engine(m, dotted, positional, keywords, node, state)


def _of_engine(
    m: Machine,
    dotted: str,
    positional: list[Value],
    keywords: Mapping[str, Value],
    node: ast.AST,
    state: State,
) -> Value:
    """A function by its name; a method so called has its object for a first argument."""
    index = m.reader.index
    found = index.resolve(dotted)
    function = of_definition(m, index.follow(found), state) if found else None
    if function is None or (isinstance(function, Opaque) and function.environment):
        return Opaque(dotted, (), True)
    if isinstance(function, Function) and positional and isinstance(positional[0], Opaque):
        cls = index.resolve(dotted.rpartition(".")[0])
        if cls is not None and cls.kind == "class":
            positional = [_outside(cls, state), *positional[1:]]
    return m.call(function, positional, keywords, node, state)


def _outside(cls: Definition, state: State) -> Ref:
    """An object of a class that the configuration did not make."""
    return state.new(Instance(cls, {}, outside=True))
