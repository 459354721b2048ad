"""Calls that make fields, in each library, and a project's own functions around them."""

from __future__ import annotations

import ast

from atlas.schema.static.bindings import FunctionNode
from atlas.schema.static.evaluate import Evaluator
from atlas.schema.static.modules import Definition, Scope, SourceIndex

FIELD_CALLS = {
    "dataclasses.field": (),
    "pydantic.Field": ("default",),
    "pydantic.fields.Field": ("default",),
    "pydantic.v1.Field": ("default",),
    "pydantic.PrivateAttr": ("default",),
    "pydantic.fields.PrivateAttr": ("default",),
    "msgspec.field": (),
    "msgspec._core.field": (),
    "attr.ib": ("default",),
    "attr.attrib": ("default",),
    "attr.field": (),
    "attrs.field": (),
}
Place = tuple[ast.expr, Scope]


def wrapped(target: Definition, index: SourceIndex, depth: int = 0) -> tuple[ast.Call, Scope] | None:
    """The field call that a project's function returns."""
    if not isinstance(target.node, FunctionNode) or target.scope is None or depth > 3:
        return None
    inner_scope = Scope(target.scope.module)
    returns = [one.value for one in ast.walk(target.node) if isinstance(one, ast.Return) and one.value]
    assigned = {
        statement.targets[0].id: statement.value
        for statement in ast.walk(target.node)
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name)
    }
    for value in returns:
        if isinstance(value, ast.Name):
            value = assigned.get(value.id, value)
        if isinstance(value, ast.Call):
            inner = index.expression(value.func, inner_scope)
            if inner and (inner.qualname in FIELD_CALLS or wrapped(inner, index, depth + 1)):
                return value, inner_scope
    return None


def passed(
    node: ast.Call,
    scope: Scope,
    target: Definition,
    inner: tuple[ast.Call, Scope],
    evaluator: Evaluator,
) -> dict[str, Place]:
    """Arguments of the inner field call, with the wrapper's parameters replaced by what was given."""
    assert isinstance(target.node, FunctionNode)
    call, inner_scope = inner
    names, defaults = _parameters(target.node, inner_scope)
    given: dict[str, Place] = {name: (value, scope) for name, value in zip(names, node.args, strict=False)}
    given |= {keyword.arg: (keyword.value, scope) for keyword in node.keywords if keyword.arg}
    filled = {**defaults, **given}
    bound = inner_scope.with_local(
        {name: evaluator.evaluate(*place) for name, place in filled.items() if name in names}
    )
    called = evaluator.index.expression(call.func, inner_scope)
    positional = FIELD_CALLS.get(called.qualname if called else "", ())
    pairs = [*zip(positional, call.args, strict=False)]
    pairs += [(keyword.arg, keyword.value) for keyword in call.keywords if keyword.arg]
    out: dict[str, Place] = {}
    if any(keyword.arg is None for keyword in call.keywords):
        out |= {name: place for name, place in given.items() if name not in names}
    for name, value in pairs:
        out[name] = filled[value.id] if isinstance(value, ast.Name) and value.id in filled else (value, bound)
    return out


def _parameters(
    function: ast.FunctionDef | ast.AsyncFunctionDef, scope: Scope
) -> tuple[list[str], dict[str, Place]]:
    """Names of a function's parameters, positional ones first, and their defaults."""
    arguments = function.args
    names = [one.arg for one in (*arguments.posonlyargs, *arguments.args)]
    defaults: dict[str, Place] = {
        name: (value, scope)
        for name, value in zip(reversed(names), reversed(arguments.defaults), strict=False)
    }
    for one, value in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        if value is not None:
            defaults[one.arg] = (value, scope)
    return [*names, *(one.arg for one in arguments.kwonlyargs)], defaults
