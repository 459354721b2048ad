"""Calls and imports in code that builds a parser: which names they bind inside a function."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import Any

from atlas.schema.static.flags_values import (
    Bound,
    Constants,
    Frame,
    FunctionNode,
    Keywords,
    Known,
    ParserValue,
)
from atlas.schema.static.modules import Definition, Scope, SourceIndex


def positional(node: FunctionNode) -> list[ast.arg]:
    """The parameters that a call may give by position."""
    return [*node.args.posonlyargs, *node.args.args]


def arguments_of(
    node: FunctionNode, given: Sequence[Any], named: Mapping[str, Any], frame: Frame, constants: Constants
) -> dict[str, Any]:
    """What a call binds to the parameters of a function, defaults included."""
    parameters = positional(node)
    bound: dict[str, Any] = {}
    for argument, default in zip(reversed(parameters), reversed(node.args.defaults), strict=False):
        bound[argument.arg] = Bound(default, frame)
    for argument, keyword_default in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True):
        if keyword_default is not None:
            bound[argument.arg] = Bound(keyword_default, frame)
    if parameters and parameters[0].arg in ("self", "cls"):
        parameters = parameters[1:]
    bound.update({argument.arg: value for argument, value in zip(parameters, given, strict=False)})
    taken = {argument.arg for argument in [*parameters, *node.args.kwonlyargs]}
    bound.update({name: value for name, value in named.items() if name in taken})
    if node.args.vararg:
        rest = [value for value in given[len(parameters) :] if isinstance(value, Bound)]
        bound[node.args.vararg.arg] = Known([constants.of(value) for value in rest])
    if node.args.kwarg:
        extra = {name: value for name, value in named.items() if name not in taken}
        bound[node.args.kwarg.arg] = Keywords(extra)
    return bound


def returns_parser(target: Definition, local: Mapping[str, Any]) -> bool:
    """Whether a function gives back a parser that one of its variables holds."""
    return any(
        isinstance(part, ast.Return)
        and isinstance(part.value, ast.Name)
        and isinstance(local.get(part.value.id), ParserValue)
        for part in ast.walk(target.node or ast.Pass())
    )


def imported(
    statement: ast.Import | ast.ImportFrom, scope: Scope, index: SourceIndex
) -> dict[str, Definition]:
    """Names imported inside a function, as definitions."""
    if not isinstance(statement, ast.ImportFrom):
        return {}
    module = scope.module
    parts = module.name.split(".")[: None if module.is_package else -1]
    parts = parts[: len(parts) - statement.level + 1] if statement.level else []
    base = ".".join([*parts, *([statement.module] if statement.module else [])])
    found = {alias.asname or alias.name: index.resolve(f"{base}.{alias.name}") for alias in statement.names}
    return {name: definition for name, definition in found.items() if definition}
