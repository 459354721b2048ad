"""The values of `Literal[…]`: written out, taken from constants and enum members, or from other literals."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from atlas.schema import facts
from atlas.schema.facts import Json, TypeExpr
from atlas.schema.static.modules import Scope
from atlas.schema.static.typeforms import items, unknown
from atlas.schema.static.values import NotJsonError, Unknown, to_json

if TYPE_CHECKING:
    from atlas.schema.static.annotations import Annotations


def literal(reader: Annotations, parts: list[ast.expr], scope: Scope, node: ast.expr) -> TypeExpr:
    values = _parts(reader, parts, scope)
    if values is None:
        return unknown(node)
    plain = _unique([value for value in values if value is not None])
    its = facts.literal(plain)
    if None in values:
        return facts.union([its, facts.NONE]) if plain else facts.NONE
    return its


def _parts(reader: Annotations, parts: list[ast.expr], scope: Scope) -> list[Json] | None:
    out: list[Json] = []
    for part in parts:
        nested = values_of(reader, part, scope)
        if nested is not None:
            out += nested
            continue
        value = reader.evaluator.evaluate(part.value if isinstance(part, ast.Starred) else part, scope)
        if isinstance(value, Unknown):
            return None
        try:
            out += [to_json(one) for one in (value if isinstance(value, list | tuple) else [value])]
        except NotJsonError:
            return None
    return out


def values_of(reader: Annotations, node: ast.expr, scope: Scope) -> list[Json] | None:
    """The values of a `Literal[…]` or of an alias for one; None for anything else."""
    if isinstance(node, ast.Subscript) and reader.external_name(node.value, scope) == "typing.Literal":
        return _parts(reader, items(node), scope)
    if isinstance(node, ast.Subscript | ast.Name | ast.Attribute):
        found = reader.index.expression(node, scope) if not isinstance(node, ast.Subscript) else None
        if found and found.kind == "value" and found.scope and isinstance(found.node, ast.expr):
            if found.qualname in reader.active:
                return None
            reader.active.append(found.qualname)
            try:
                return values_of(reader, found.node, found.scope)
            finally:
                reader.active.pop()
    return None


def _unique(values: list[Json]) -> list[Json]:
    out: list[Json] = []
    for value in values:
        if all(type(value) is not type(one) or value != one for one in out):
            out.append(value)
    return out
