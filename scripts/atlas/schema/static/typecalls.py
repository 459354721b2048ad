"""Calls that make types: `NewType`, `TypeVar`, `conint`, functional enums, …"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import TYPE_CHECKING

from atlas.schema import facts
from atlas.schema.facts import TypeExpr
from atlas.schema.static import metadata
from atlas.schema.static.calls import short
from atlas.schema.static.modules import Scope
from atlas.schema.static.typeforms import unknown
from atlas.schema.static.values import NotJsonError, to_json

if TYPE_CHECKING:
    from atlas.schema.static.annotations import Annotations

_CON_TYPES: Mapping[str, TypeExpr] = {
    "conint": facts.prim("int"),
    "confloat": facts.prim("float"),
    "constr": facts.prim("str"),
    "conbytes": facts.prim("bytes"),
    "conlist": facts.sequence("list", facts.ANY),
    "conset": facts.sequence("set", facts.ANY),
}


def of_call(reader: Annotations, node: ast.Call, scope: Scope, depth: int) -> TypeExpr:
    name = short(reader.external_name(node.func, scope) or "")
    named = {keyword.arg: keyword.value for keyword in node.keywords if keyword.arg}
    if name == "NewType" and len(node.args) == 2:
        return reader.type(node.args[1], scope, depth + 1)
    if name == "TypeAliasType" and len(node.args) == 2:
        return reader.type(node.args[1], scope, depth + 1)
    if name == "TypeVar":
        if "bound" in named:
            return reader.type(named["bound"], scope, depth + 1)
        if len(node.args) > 1:
            return facts.union([reader.type(one, scope, depth + 1) for one in node.args[1:]])
        return facts.ANY
    if name in _CON_TYPES:
        said = metadata.of_call(node, scope, reader.evaluator)
        base = _CON_TYPES[name]
        if name in ("conlist", "conset") and node.args:
            base = facts.sequence(base["k"], reader.type(node.args[0], scope, depth + 1))
        return facts.annotated(base, metadata.fitted(said.constraints, base))
    if name in ("Enum", "IntEnum", "StrEnum") and len(node.args) == 2:
        return _functional_enum(reader, node, name, scope)
    if name in ("TypedDict", "NamedTuple", "namedtuple", "defstruct", "make_dataclass", "create_model"):
        return facts.opaque(_first_text(node))
    if name == "type" and len(node.args) == 1 and _is_none(node.args[0]):
        return facts.NONE
    if name == "ForwardRef" and node.args:
        return reader.type(node.args[0], scope, depth + 1)
    return unknown(node)


def _functional_enum(reader: Annotations, node: ast.Call, style: str, scope: Scope) -> TypeExpr:
    value = reader.evaluator.evaluate(node.args[1], scope)
    if isinstance(value, str):
        value = value.replace(",", " ").split()
    if isinstance(value, list | tuple):
        pairs = [one if isinstance(one, tuple) else (one, None) for one in value]
        value = {
            key: its if its is not None else key.lower() if style == "StrEnum" else at
            for at, (key, its) in enumerate(pairs, 1)
        }
    try:
        return facts.enum(_first_text(node), to_json(value))
    except (NotJsonError, ValueError):
        return unknown(node)


def _first_text(node: ast.Call) -> str:
    first = node.args[0] if node.args else None
    return str(first.value) if isinstance(first, ast.Constant) else ast.unparse(node.func)


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None
