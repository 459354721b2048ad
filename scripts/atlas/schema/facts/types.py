"""Type expressions: a `TypeExpr` is a JSON object with a kind `k`, built by the functions below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

Json: TypeAlias = Any
TypeExpr: TypeAlias = dict[str, Any]

NONE: TypeExpr = {"k": "none"}
ANY: TypeExpr = {"k": "any"}
CALLABLE: TypeExpr = {"k": "callable"}
PATH: TypeExpr = {"k": "path"}


def prim(name: str) -> TypeExpr:
    """`int`, `float`, `str`, `bool` or `bytes`."""
    return {"k": "prim", "name": name}


def literal(values: Sequence[Json]) -> TypeExpr:
    return {"k": "literal", "values": list(values)}


def enum(name: str, members: Mapping[str, Json]) -> TypeExpr:
    return {"k": "enum", "name": name, "members": dict(members)}


def union(of: Sequence[TypeExpr]) -> TypeExpr:
    """The members flattened and without repeats, in order; a union of one is that one."""
    flat: list[TypeExpr] = []
    for member in of:
        for one in member["of"] if member["k"] == "union" else (member,):
            if all(repr(one) != repr(other) for other in flat):  # repr: Literal[1] is not Literal[True]
                flat.append(one)
    return flat[0] if len(flat) == 1 else {"k": "union", "of": flat}


def sequence(kind: str, item: TypeExpr) -> TypeExpr:
    """`list`, `set` or `frozenset` of `item`."""
    return {"k": kind, "item": item}


def tuple_of(items: Sequence[TypeExpr]) -> TypeExpr:
    return {"k": "tuple", "items": list(items)}


def tuple_all(item: TypeExpr) -> TypeExpr:
    return {"k": "tuple", "item": item}


def dict_of(key: TypeExpr, value: TypeExpr) -> TypeExpr:
    return {"k": "dict", "key": key, "value": value}


def class_of(name: str) -> TypeExpr:
    """A configuration class, by the qualname of its definition."""
    return {"k": "class", "name": name}


def opaque(name: str) -> TypeExpr:
    """A class whose inside is not configuration (`torch.dtype`)."""
    return {"k": "opaque", "name": name}


def annotated(base: TypeExpr, constraints: Mapping[str, Json], *, is_open: bool = False) -> TypeExpr:
    """`base` under constraints; open = not enforced (a validation-skipping marker)."""
    return {"k": "annotated", "base": base, "constraints": dict(constraints), "open": is_open}


def unknown(text: str) -> TypeExpr:
    return {"k": "unknown", "text": text}
