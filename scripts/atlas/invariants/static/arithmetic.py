"""Operators on values."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from atlas.invariants.predicate import Const, Opaque
from atlas.invariants.static.lowering import lowered
from atlas.invariants.static.objects import Sequence, Table
from atlas.invariants.static.sets import among
from atlas.invariants.static.state import State
from atlas.invariants.static.strings import percent
from atlas.invariants.static.terms import not_, op
from atlas.invariants.static.truths import truth_of
from atlas.invariants.static.values import Choice, Text, Value, merge

if TYPE_CHECKING:
    from atlas.invariants.static.machine import Machine

SIGNS: dict[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Pow: "**",
    ast.BitAnd: "&",
    ast.BitOr: "|",
    ast.BitXor: "^",
    ast.LShift: "<<",
    ast.RShift: ">>",
}


def binary(m: Machine, node: ast.BinOp, state: State) -> Value:
    left, right = m.value(node.left, state), m.value(node.right, state)
    return apply(m, node.op, left, right, node, state)


def apply(m: Machine, sign: ast.operator, left: Value, right: Value, node: ast.AST, state: State) -> Value:
    for at, value in enumerate((left, right)):
        if isinstance(value, Choice) and lowered(value, state) is None:
            sides = [(one, right) if at == 0 else (left, one) for one in (value.then, value.other)]
            then, other = (apply(m, sign, *side, node, state) for side in sides)
            return merge(value.condition, then, other)
    if isinstance(sign, ast.Add) and (joined := _joined(left, right, state)) is not None:
        return joined
    if isinstance(sign, ast.Mod) and (formatted := percent(m, left, right, state)) is not None:
        return formatted
    if (
        isinstance(sign, ast.Sub | ast.BitAnd)
        and (kept := among(m, sign, left, right, node, state)) is not None
    ):
        return kept
    sides_ = [lowered(one, state) for one in (left, right)]
    if type(sign) not in SIGNS or any(one is None or isinstance(one, Opaque) for one in sides_):
        return m.opaque(node, state, left, right)
    return op(SIGNS[type(sign)], *(one for one in sides_ if one is not None))


def _joined(left: Value, right: Value, state: State) -> Value | None:
    """Texts and lists one after the other."""
    parts = [_parts(one) for one in (left, right)]
    if any(isinstance(one, Text) for one in (left, right)) and parts[0] is not None and parts[1] is not None:
        return Text((*parts[0], *parts[1]))  # type: ignore[arg-type]
    one, other = state.object(left), state.object(right)
    if isinstance(one, Sequence) and isinstance(other, Sequence):
        unknown = one.unknown or other.unknown
        return state.new(Sequence(one.kind, (*one.items, *other.items), unknown))
    return None


def _parts(value: Value) -> tuple[object, ...] | None:
    if isinstance(value, Text):
        return value.parts
    if isinstance(value, Const) and isinstance(value.value, str):
        return (value.value,)
    return None


def unary(m: Machine, node: ast.UnaryOp, state: State) -> Value:
    if isinstance(node.op, ast.Not):
        return not_(m.test(node.operand, state))
    value = m.value(node.operand, state)
    its = lowered(value, state)
    if its is None or isinstance(its, Opaque) or isinstance(node.op, ast.Invert):
        return m.opaque(node, state, value)
    return op("neg", its) if isinstance(node.op, ast.USub) else its


def boolean(m: Machine, node: ast.BoolOp, state: State) -> Value:
    """`a or b` is a where a is true, else b."""
    return _boolean(m, node, list(node.values), state)


def _boolean(m: Machine, node: ast.BoolOp, parts: list[ast.expr], state: State) -> Value:
    first = m.value(parts[0], state)
    if len(parts) == 1:
        return first
    if isinstance(node.op, ast.Or) and len(parts) == 2 and _is_empty_of(parts[1], first, state):
        return first
    decided = truth_of(m, first, state, parts[0])
    if isinstance(node.op, ast.And):
        decided = not_(decided)
    if isinstance(decided, Const):
        return first if decided.value else _boolean(m, node, parts[1:], state)
    base = state.path
    state.path = (*base, not_(decided))
    rest = _boolean(m, node, parts[1:], state)
    state.path = base
    return merge(decided, first, rest)


def _is_empty_of(node: ast.expr, value: Value, state: State) -> bool:
    """`container or ()`: without items it is as good as what stands for it."""
    thing = state.object(value)
    if isinstance(thing, Sequence):
        return isinstance(node, ast.List | ast.Tuple) and not node.elts
    return isinstance(thing, Table) and isinstance(node, ast.Dict) and not node.keys
