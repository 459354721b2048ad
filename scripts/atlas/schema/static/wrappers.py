"""Calls that make fields, in each library, and a project's own functions around them."""

from __future__ import annotations

import ast

from atlas.schema.static.bindings import FunctionNode
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
    index: SourceIndex,
) -> dict[str, Place]:
    """Arguments of the inner field call, with the wrapper's parameters replaced by what was given."""
    assert isinstance(target.node, FunctionNode)
    call, inner_scope = inner
    parameters = target.node.args
    order = [one.arg for one in (*parameters.posonlyargs, *parameters.args)]
    given: dict[str, Place] = {name: (value, scope) for name, value in zip(order, node.args, strict=False)}
    given |= {keyword.arg: (keyword.value, scope) for keyword in node.keywords if keyword.arg}
    defaults: dict[str, Place] = {
        name: (value, inner_scope)
        for name, value in zip(reversed(order), reversed(parameters.defaults), strict=False)
    }
    for one, value in zip(parameters.kwonlyargs, parameters.kw_defaults, strict=True):
        if value is not None:
            defaults[one.arg] = (value, inner_scope)
    filled = {**defaults, **given}
    called = index.expression(call.func, inner_scope)
    positional = FIELD_CALLS.get(called.qualname if called else "", ())
    out: dict[str, Place] = {}
    pairs = [*zip(positional, call.args, strict=False)]
    pairs += [(keyword.arg, keyword.value) for keyword in call.keywords if keyword.arg]
    for name, value in pairs:
        is_parameter = isinstance(value, ast.Name) and value.id in filled
        out[name] = filled[value.id] if is_parameter else (value, inner_scope)  # type: ignore[attr-defined]
    return {**given, **out} if any(not keyword.arg for keyword in call.keywords) else out
