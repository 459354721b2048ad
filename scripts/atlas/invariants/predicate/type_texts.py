"""Types as text (`int | None`, `Literal['a', 'b'] | str`), read into a small model."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, TypeAlias

from atlas.invariants.predicate.expr import Const

Kind: TypeAlias = Literal[
    "none", "bool", "int", "float", "str", "path", "json", "any", "never", "unknown",
    "literal", "union", "list", "set", "frozenset", "tuple", "row", "dict",
]  # fmt: skip


@dataclass(frozen=True)
class Type:
    """`parts` are a union's members, the item type(s) of a container (`row`: a tuple of fixed length), or
    key and value types; `values` are a literal's. `never` is taken by no JSON value, `unknown` may be by any.
    """

    kind: Kind
    parts: tuple[Type, ...] = ()
    values: tuple[Const, ...] = ()


ANY, UNKNOWN = Type("any"), Type("unknown")

_NAMES: dict[str, Type] = {
    **{name: Type(name) for name in ("bool", "int", "float", "str")},
    "None": Type("none"),
    "NoneType": Type("none"),
    "Any": ANY,
    "object": ANY,
    "Path": Type("path"),
    "Json": Type("json"),
    "Callable": Type("never"),
    "type": Type("never"),
}
_CONTAINERS: dict[str, Kind] = {
    **dict.fromkeys(("list", "List", "Sequence"), "list"),
    **dict.fromkeys(("dict", "Dict", "Mapping"), "dict"),
    **dict.fromkeys(("set", "Set"), "set"),
    **dict.fromkeys(("frozenset", "FrozenSet"), "frozenset"),
    **dict.fromkeys(("tuple", "Tuple"), "tuple"),
}


@lru_cache(maxsize=4096)
def parse_type(text: str) -> Type:
    """The type that the text writes; a name that is not known, or no type at all, is `unknown`."""
    try:
        return _read(ast.parse(text.strip(), mode="eval").body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return UNKNOWN


def _read(node: ast.expr) -> Type:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return _union((_read(node.left), _read(node.right)))
    if isinstance(node, ast.Constant) and node.value is None:
        return _NAMES["None"]
    name = _last_name(node)
    if name in _CONTAINERS:
        return _container(_CONTAINERS[name], ())
    if name is not None:
        return _NAMES.get(name, UNKNOWN)
    return _subscripted(node) if isinstance(node, ast.Subscript) else UNKNOWN


def _last_name(node: ast.expr) -> str | None:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else None


def _subscripted(node: ast.Subscript) -> Type:
    name = _last_name(node.value)
    items = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    if name == "Literal":
        return Type("literal", values=tuple(Const(ast.literal_eval(item)) for item in items))
    if name == "Optional":
        return _union((_read(items[0]), _NAMES["None"]))
    if name == "Union":
        return _union(tuple(map(_read, items)))
    if name == "Annotated":
        return _read(items[0])
    if name in _CONTAINERS:
        return _container(_CONTAINERS[name], tuple(items))
    return _NAMES.get(name or "", UNKNOWN)


def _container(kind: Kind, items: tuple[ast.expr, ...]) -> Type:
    endless = len(items) == 2 and isinstance(items[1], ast.Constant) and items[1].value is Ellipsis
    if kind == "tuple" and items and not endless:
        return Type("row", tuple(map(_read, items)))
    parts = tuple(map(_read, items[:1] if endless else items))
    return Type(kind, parts or (ANY,) * (2 if kind == "dict" else 1))


def _union(members: tuple[Type, ...]) -> Type:
    flat: list[Type] = []
    for member in members:
        flat += member.parts if member.kind == "union" else [member]
    return Type("union", tuple(dict.fromkeys(flat)))
