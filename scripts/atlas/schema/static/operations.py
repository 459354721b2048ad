"""Operators of constant expressions, bounded so that no expression can grow without end."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from atlas.schema.static import calls
from atlas.schema.static.values import Member

MAX_ITEMS = 20_000
_MAX_BITS = 4096

BINARY: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.LShift: operator.lshift,
    ast.RShift: operator.rshift,
    ast.BitOr: operator.or_,
    ast.BitAnd: operator.and_,
    ast.BitXor: operator.xor,
}
UNARY: Mapping[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Not: operator.not_,
    ast.Invert: operator.invert,
}
COMPARE: Mapping[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda left, right: left in right,
    ast.NotIn: lambda left, right: left not in right,
    ast.Is: lambda left, right: left is right,
    ast.IsNot: lambda left, right: left is not right,
}


def plain(value: Any) -> Any:
    """An enum member as the constant it is compared and computed with."""
    return value.value if isinstance(value, Member) else value


def apply(step: Callable[[Any, Any], Any], left: Any, right: Any) -> Any:
    """A binary operation that cannot grow without bound."""
    if step is operator.pow and isinstance(left, int) and isinstance(right, int):
        if abs(left).bit_length() * abs(right) > _MAX_BITS:
            raise ValueError("too large")
    elif step is operator.lshift and (right > _MAX_BITS or abs(left).bit_length() > _MAX_BITS):
        raise ValueError("too large")
    elif step is operator.mul:
        for sized, factor in ((left, right), (right, left)):
            if isinstance(sized, str | bytes | list | tuple) and len(sized) * max(factor, 0) > MAX_ITEMS:
                raise ValueError("too large")
        if (
            isinstance(left, int)
            and isinstance(right, int)
            and left.bit_length() + right.bit_length() > _MAX_BITS
        ):
            raise ValueError("too large")
    elif step is operator.mod and isinstance(left, str | bytes):
        return calls.bounded_percent(left, right)
    return step(left, right)


def unpacked(target: ast.expr, item: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(target, ast.Name):
        yield target.id, item
    elif isinstance(target, ast.Tuple | ast.List):
        parts = list(item)
        if len(parts) != len(target.elts):
            raise ValueError("unpacking")
        for one, part in zip(target.elts, parts, strict=True):
            yield from unpacked(one, part)
    else:
        raise ValueError("unpacking")
