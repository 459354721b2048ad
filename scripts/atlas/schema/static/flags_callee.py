"""Which function a call in parser-building code leads to, and which calls add an argument."""

from __future__ import annotations

import ast

from atlas.schema.static.flags_values import Bound, Frame, FunctionNode, Nested, ParserValue, ValueOf
from atlas.schema.static.modules import Definition, Scope, SourceIndex

_MAX_DEPTH = 20


def adds_argument(function: ast.expr, frame: Frame, value_of: ValueOf) -> bool:
    """Whether a call of this adds an argument: `parser.add_argument`, also under a local name."""
    if isinstance(function, ast.Name):
        bound = frame.local.get(function.id)
        return (
            isinstance(bound, Bound)
            and bound.node is not function
            and adds_argument(bound.node, bound.frame, value_of)
        )
    return (
        isinstance(function, ast.Attribute)
        and function.attr == "add_argument"
        and isinstance(value_of(function.value, frame), ParserValue)
    )


def callee_of(index: SourceIndex, node: ast.expr, frame: Frame) -> Definition | Nested | None:
    """The function or class that is called, where the sources tell."""
    if isinstance(node, ast.Name) and node.id in frame.local:
        found = frame.local[node.id]
        return found if isinstance(found, Definition | Nested) else None
    if isinstance(node, ast.Attribute) and (home := _home(index, node.value, frame)) is not None:
        return inherited(index, home, node.attr)
    return index.expression(node, frame.scope)


def _home(index: SourceIndex, node: ast.expr, frame: Frame) -> Definition | None:
    """The class whose method is called: `self`, `cls`, `super()` or a class by name."""
    own = frame.scope.classes[-1] if frame.scope.classes else None
    match node:
        case ast.Name(id="self" | "cls"):
            return index.name(Scope(frame.scope.module), own.name) if own else None
        case ast.Call(func=ast.Name(id="super")) if own and own.bases:
            return index.expression(own.bases[0], Scope(frame.scope.module))
        case ast.Name(id=name) if isinstance(frame.local.get(name), Definition):
            found = frame.local[name]
        case ast.Name() | ast.Attribute():
            found = index.expression(node, frame.scope)
        case _:
            return None
    return found if found and found.kind == "class" else None


def inherited(index: SourceIndex, home: Definition, name: str, depth: int = 0) -> Definition | None:
    """A member of a class, its own or the nearest base's."""
    found = index.member(home, name)
    if found is not None or depth > _MAX_DEPTH or not isinstance(home.node, ast.ClassDef) or not home.scope:
        return found
    for base in home.node.bases:
        parent = index.expression(base, home.scope)
        if parent and parent.kind == "class" and (found := inherited(index, parent, name, depth + 1)):
            return found
    return None


def mentions(index: SourceIndex, callee: Definition, name: str, depth: int = 0) -> bool:
    """Whether a function, or one that it calls, names something."""
    if not isinstance(callee.node, FunctionNode) or callee.scope is None:
        return False
    for part in ast.walk(callee.node):
        if getattr(part, "attr", getattr(part, "id", None)) == name:
            return True
        if isinstance(part, ast.Call) and depth < 2:
            inner = index.expression(part.func, callee.scope)
            if inner and inner.kind == "function" and mentions(index, inner, name, depth + 1):
                return True
    return False
