"""Calls: of the engine's functions, which are executed here, of classes, builtins and methods of values."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import TYPE_CHECKING

from atlas.invariants.predicate import TRUE, Field, Op, Opaque
from atlas.invariants.static import instances, logs
from atlas.invariants.static.builtin_calls import BUILTINS
from atlas.invariants.static.call import Call
from atlas.invariants.static.dead import DeadError
from atlas.invariants.static.functions import REST, run
from atlas.invariants.static.iteration import known_items
from atlas.invariants.static.library_calls import LIBRARY
from atlas.invariants.static.methods import call_method
from atlas.invariants.static.objects import Table
from atlas.invariants.static.state import State
from atlas.invariants.static.terms import not_
from atlas.invariants.static.values import (
    Absent,
    Choice,
    Function,
    Known,
    Method,
    UserKeywords,
    Value,
    merge,
)

if TYPE_CHECKING:
    from atlas.invariants.static.machine import Machine


def call(m: Machine, node: ast.Call, state: State) -> Value:
    warned = logs.logged(m, node, state)
    if warned is not None:
        return warned
    function = m.value(node.func, state)
    positional, unknown = arguments(m, node, state)
    keywords, open_ = keyword_arguments(m, node, state)
    if unknown or open_:
        return _unclear(m, function, positional, keywords, node, state)
    return apply(m, function, positional, keywords, node, state)


def _unclear(
    m: Machine,
    function: Value,
    positional: list[Value],
    keywords: dict[str, Value],
    node: ast.AST,
    state: State,
) -> Value:
    m.may_raise(("Exception",), m.opaque(node, state, *positional, environment=False), state)
    return m.opaque(node, state, function, *positional, *keywords.values(), environment=False)


def arguments(m: Machine, node: ast.Call, state: State) -> tuple[list[Value], bool]:
    out: list[Value] = []
    for one in node.args:
        if not isinstance(one, ast.Starred):
            out.append(m.value(one, state))
            continue
        items = known_items(m, m.value(one.value, state), state)
        if items is None or any(when != TRUE for when, _ in items):
            return out, True
        out += [value for _, value in items]
    return out, False


def keyword_arguments(m: Machine, node: ast.Call, state: State) -> tuple[dict[str, Value], bool]:
    out: dict[str, Value] = {}
    for one in node.keywords:
        value = m.value(one.value, state)
        if one.arg is not None:
            out[one.arg] = value
            continue
        thing = state.object(value)
        plain = _field(value)
        if isinstance(plain, UserKeywords) or (isinstance(plain, Field) and len(plain.path) == 1):
            out[REST] = plain
        elif isinstance(thing, Table) and thing.unknown is None:
            out.update({str(key): merge(one.when, one.value, Absent()) for key, one in thing.items.items()})
        else:
            return out, True
    return out, False


def _field(value: Value) -> Value:
    return value.args[0] if isinstance(value, Op) and value.name == "raw" else value


def apply(
    m: Machine,
    function: Value,
    positional: list[Value],
    keywords: Mapping[str, Value],
    node: ast.AST,
    state: State,
) -> Value:
    """Call a value."""
    if isinstance(function, Choice):
        return _choose(m, function, positional, keywords, node, state)
    if isinstance(function, Function):
        return run(m, function, positional, keywords, node, state)
    if isinstance(function, Method):
        return call_method(m, function, positional, keywords, node, state)
    if isinstance(function, Known):
        return _known(m, function, positional, keywords, node, state)
    made = m.opaque(node, state, function, *positional, *keywords.values())
    m.may_raise(("Exception",), made, state)
    return made


def _known(
    m: Machine,
    function: Known,
    positional: list[Value],
    keywords: Mapping[str, Value],
    node: ast.AST,
    state: State,
) -> Value:
    if function.kind == "class" or instances.is_foreign_exception(m, function):
        return instances.make(m, function, positional, keywords, node, state)
    rule = BUILTINS.get(function.qualname) or LIBRARY.get(function.qualname)
    if rule is not None:
        found = rule(Call(m, positional, keywords, node, state))
        if found is not None:
            return found
    made = m.opaque(node, state, *positional, *keywords.values())
    m.may_raise(("Exception",), Opaque(made.text, made.fields, made.environment), state)
    return made


def _choose(
    m: Machine,
    function: Choice,
    positional: list[Value],
    keywords: Mapping[str, Value],
    node: ast.AST,
    state: State,
) -> Value:
    """One of two functions is called."""
    then, other = state.fork(function.condition), state.fork(not_(function.condition))
    found: list[Value | None] = []
    for one, its in ((function.then, then), (function.other, other)):
        try:
            found.append(apply(m, one, positional, keywords, node, its))
        except DeadError:
            found.append(None)
    left, right = found
    if left is None and right is None:
        raise DeadError
    if left is None or right is None:
        state.become(other if left is None else then)
        return right if left is None else left  # type: ignore[return-value]
    state.join(function.condition, then, other)
    return merge(function.condition, left, right)
