"""Loops in code that builds a parser: what they go over, what they bind, and whose fields they are about."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

from atlas.schema.facts import FieldFact
from atlas.schema.static.flags_values import Bound, Constants, Frame, Known, ValueOf
from atlas.schema.static.modules import Definition, Scope, SourceIndex

_MAX_ROWS = 1000


def rows_of(node: ast.expr, frame: Frame, value_of: ValueOf, constants: Constants) -> list[Any] | None:
    """What a loop over constants goes over."""
    match node:
        case ast.List(elts=items) | ast.Tuple(elts=items) | ast.Set(elts=items):
            return [value_of(item, frame) for item in items][:_MAX_ROWS]
        case ast.Call(func=ast.Attribute(value=ast.Dict(keys=keys, values=values), attr="items")):
            pairs = [ast.Tuple([key, value]) for key, value in zip(keys, values, strict=True) if key]
            return [Bound(pair, frame) for pair in pairs][:_MAX_ROWS]
    value = constants.of(Bound(node, frame))
    return [Known(item) for item in value[:_MAX_ROWS]] if isinstance(value, list | tuple) else None


def bind(target: ast.expr, row: Any, frame: Frame, value_of: ValueOf) -> None:
    """Give the loop's variables what one round has for them."""
    if isinstance(target, ast.Name):
        frame.local[target.id] = row
    elif isinstance(target, ast.Tuple):
        parts: Sequence[Any] = ()
        if isinstance(row, Bound) and isinstance(row.node, ast.Tuple | ast.List):
            parts = [value_of(part, row.frame) for part in row.node.elts]
        elif isinstance(row, Known) and isinstance(row.value, list | tuple):
            parts = [Known(part) for part in row.value]
        for name, part in zip(target.elts, parts, strict=False):
            bind(name, part, frame, value_of)


def owner_of_loop(statement: ast.For, frame: Frame, index: SourceIndex) -> str | None:
    """The class over whose fields a loop goes and adds arguments."""
    adds = any(
        isinstance(part, ast.Attribute) and part.attr == "add_argument"
        for inner in statement.body
        for part in ast.walk(inner)
    )
    for part in ast.walk(statement.iter) if adds else ():
        if isinstance(part, ast.Name | ast.Attribute):
            found = frame.local.get(part.id) if isinstance(part, ast.Name) else None
            found = found or index.expression(part, frame.scope)
            if isinstance(found, Definition) and found.kind == "class":
                return found.qualname
    return None


def scope_of(index: SourceIndex, fact: FieldFact) -> Scope | None:
    """The module in which the annotation of a field was written."""
    name = (fact.file or "").removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    module = index.module(name) if name else None
    return Scope(module) if module else None
