"""Names that code takes out of `**kwargs`: `kwargs.pop("x", …)` and its kin."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from atlas.schema import facts
from atlas.schema.facts import DefaultFact, FieldFact
from atlas.schema.static.annotations import Annotation
from atlas.schema.static.bindings import FunctionNode
from atlas.schema.static.defaults import FieldSpec
from atlas.schema.static.docs import Docs
from atlas.schema.static.modules import Definition, Scope
from atlas.schema.static.reader import Reader
from atlas.schema.static.records import make
from atlas.schema.static.values import Unknown

FunctionDef = ast.FunctionDef | ast.AsyncFunctionDef
_TAKES = ("pop", "get", "setdefault")
_MAX_CHAIN = 6


def taken(
    node: FunctionDef,
    owner: Definition,
    docs: Docs,
    reader: Reader,
    out: dict[str, FieldFact],
    seen: set[int],
    name: str | None = None,
) -> None:
    """`kwargs.pop("x", …)` and its kin; also in functions that `kwargs` itself is handed to."""
    name = name or (node.args.kwarg.arg if node.args.kwarg else None)
    if name is None or id(node) in seen or owner.scope is None or len(seen) > _MAX_CHAIN:
        return
    seen.add(id(node))
    scope = Scope(owner.scope.module, owner.scope.classes)
    certain = {id(one) for statement in node.body for one in _unconditional(statement)}
    kept = {
        id(one.value): one for one in ast.walk(node) if isinstance(one, ast.AnnAssign | ast.Assign | ast.Expr)
    }
    for call in ordered_calls(node):
        found = _take(call, name)
        if found and found not in out:
            value = call.args[1] if len(call.args) > 1 else None
            spec = _spec(call, value, scope, reader, id(call) in certain)
            annotation, text = _kept_as(kept.get(id(call)), scope, reader)
            out[found] = make(
                found, owner, annotation, spec, reader, docs, text=text, line=call.lineno, via="kwargs"
            )
        elif not found:
            _handed_on(call, name, scope, docs, reader, out, seen)


def _kept_as(
    statement: ast.AnnAssign | ast.Assign | ast.Expr | None, scope: Scope, reader: Reader
) -> tuple[Annotation | None, str | None]:
    """The annotation of the local name a value goes to; a value that is thrown away may be anything."""
    if isinstance(statement, ast.AnnAssign):
        written = scope.module.segment(statement.annotation)
        return reader.annotations.read(statement.annotation, scope.typed()), written
    if isinstance(statement, ast.Assign):
        thrown_away = ast.unparse(statement.targets[0]) == "_"
    else:
        thrown_away = isinstance(statement, ast.Expr)
    return (Annotation(facts.ANY) if thrown_away else None), None


def _handed_on(
    call: ast.Call,
    name: str,
    scope: Scope,
    docs: Docs,
    reader: Reader,
    out: dict[str, FieldFact],
    seen: set[int],
) -> None:
    """`helper(kwargs)`: the helper takes names out of the same mapping."""
    for at, argument in enumerate(call.args):
        if isinstance(argument, ast.Name) and argument.id == name:
            target = reader.index.expression(call.func, scope)
            if target and isinstance(target.node, FunctionNode) and target.scope:
                parameters = [one.arg for one in target.node.args.args]
                at += 1 if target.scope.classes and skips_first(target.node, True) else 0
                if at < len(parameters):
                    taken(target.node, target, docs, reader, out, seen, parameters[at])


def _spec(call: ast.Call, value: ast.expr | None, scope: Scope, reader: Reader, certain: bool) -> FieldSpec:
    assert isinstance(call.func, ast.Attribute)
    if value is not None:
        return reader.defaults.read(value, scope)
    if call.func.attr == "pop":
        kind = "required" if certain else "unknown"
        return FieldSpec(DefaultFact(kind), Unknown(""))
    return FieldSpec(DefaultFact("none", text="None"), None)


def _take(call: ast.Call, name: str) -> str | None:
    function = call.func
    if (
        isinstance(function, ast.Attribute)
        and function.attr in _TAKES
        and isinstance(function.value, ast.Name)
        and function.value.id == name
        and call.args
        and isinstance(call.args[0], ast.Constant)
        and isinstance(call.args[0].value, str)
    ):
        return call.args[0].value
    return None


def ordered_calls(node: FunctionDef) -> list[ast.Call]:
    calls = [one for statement in node.body for one in ast.walk(statement) if isinstance(one, ast.Call)]
    return sorted(calls, key=lambda one: (one.lineno, one.col_offset))


def _unconditional(statement: ast.stmt) -> Iterator[ast.AST]:
    if not isinstance(statement, ast.If | ast.For | ast.While | ast.Try | ast.With | FunctionNode):
        yield from ast.walk(statement)


def skips_first(node: FunctionDef, is_method: bool) -> bool:
    names = {one.id for one in node.decorator_list if isinstance(one, ast.Name)}
    return is_method and "staticmethod" not in names
