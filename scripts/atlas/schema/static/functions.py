"""Calls in constant expressions: builtins, methods of constants, enum classes, one-line project functions."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from atlas.schema.static import calls
from atlas.schema.static.modules import Definition, Scope
from atlas.schema.static.operations import plain
from atlas.schema.static.values import Reference, Unknown, source_text, unknown_inside

if TYPE_CHECKING:
    from atlas.schema.static.evaluate import Evaluator

_ENVIRONMENT = ("os.getenv", "os.environ.get")


def call(ev: Evaluator, node: ast.Call, scope: Scope, depth: int) -> Any:
    """The value of a call expression."""
    if isinstance(node.func, ast.Attribute):
        target = ev.index.expression(node.func, scope)
        if target is None or target.kind == "value":
            return _method(ev, node, node.func, scope, depth)
    function = ev.step(node.func, scope, depth)
    text = source_text(node, scope.module)
    if not isinstance(function, Reference):
        return Unknown(text, getattr(function, "env", None))
    found = function.definition
    if calls.short(found.qualname) == "get_args" and len(node.args) == 1:
        values = ev.literal_values(node.args[0], scope)
        return Unknown(text) if values is None else tuple(values)
    arguments = ev.elements(node.args, scope, depth)
    if found.qualname in _ENVIRONMENT:
        return Unknown(text, arguments[0] if isinstance(arguments[0], str) else None)
    keywords = _keywords(ev, node, scope, depth)
    inner = unknown_inside([arguments, keywords])
    if inner:
        return Unknown(text, inner.env)
    if found.kind == "external":
        result = calls.call_builtin(found.qualname, arguments, keywords, ev.iterate)
    elif found.kind == "class":
        result = _enum_member(ev, found, arguments)
    else:
        result = _project_function(ev, found, arguments, keywords, depth)
    return Unknown(text, result.env) if isinstance(result, Unknown) else result


def _keywords(ev: Evaluator, node: ast.Call, scope: Scope, depth: int) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for keyword in node.keywords:
        value = ev.step(keyword.value, scope, depth)
        if keyword.arg is not None:
            out[keyword.arg] = value
        elif isinstance(value, dict):
            out.update(value)
        else:
            raise ValueError("keywords are unknown")
    return out


def _method(ev: Evaluator, node: ast.Call, func: ast.Attribute, scope: Scope, depth: int) -> Any:
    owner = ev.step(func.value, scope, depth)
    arguments = ev.elements(node.args, scope, depth)
    inner = unknown_inside([owner, arguments])
    if inner or isinstance(owner, Reference) or node.keywords:
        return Unknown(source_text(node, scope.module), inner.env if inner else None)
    return calls.call_method(plain(owner), func.attr, arguments)


def _enum_member(ev: Evaluator, found: Definition, arguments: list[Any]) -> Any:
    """`SomeEnum(value)`; other instances are no constants."""
    members = ev.class_attribute(found, "__members__")
    if isinstance(members, dict) and len(arguments) == 1:
        for member in members.values():
            if plain(member) == plain(arguments[0]):
                return member
    return Unknown(found.qualname)


def _project_function(
    ev: Evaluator, found: Definition, arguments: list[Any], keywords: dict[str, Any], depth: int
) -> Any:
    """A function whose body is one `return`: its value with the arguments put in."""
    function = found.node
    if not isinstance(function, ast.FunctionDef) or found.scope is None:
        return Unknown(found.qualname)
    body = [one for one in function.body if not _is_docstring(one)]
    if len(body) != 1 or not isinstance(body[0], ast.Return) or body[0].value is None:
        return Unknown(found.qualname)
    if function.args.vararg or function.args.kwarg:
        return Unknown(found.qualname)
    local = _bound(ev, function, arguments, keywords, found.scope, depth)
    return ev.evaluate(body[0].value, Scope(found.scope.module, local=local), depth + 1)


def _bound(
    ev: Evaluator,
    function: ast.FunctionDef,
    arguments: list[Any],
    keywords: dict[str, Any],
    scope: Scope,
    depth: int,
) -> dict[str, Any]:
    positional = [one.arg for one in (*function.args.posonlyargs, *function.args.args)]
    if len(arguments) > len(positional):
        raise TypeError("too many arguments")
    defaults = dict(zip(reversed(positional), reversed(function.args.defaults), strict=False))
    for one, value in zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True):
        if value is not None:
            defaults[one.arg] = value
    local = {name: ev.evaluate(value, scope, depth + 1) for name, value in defaults.items()}
    return {**local, **dict(zip(positional, arguments, strict=False)), **keywords}


def _is_docstring(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
