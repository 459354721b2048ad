"""Comparisons, membership and identity."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from atlas.invariants.predicate import FALSE, NONE, TRUE, Const, Each, Expr, Op, Opaque, Var
from atlas.invariants.static.iteration import known_items
from atlas.invariants.static.lowering import constant, lowered
from atlas.invariants.static.measure import opaque_in
from atlas.invariants.static.objects import Instance, Sequence, Table
from atlas.invariants.static.state import State
from atlas.invariants.static.terms import and_, if_, is_none, kind_of, not_, op, or_, truth, type_in
from atlas.invariants.static.values import (
    Choice,
    Count,
    EnumValue,
    GivenNames,
    Known,
    Mapped,
    TypeOf,
    UserKeywords,
    Value,
    is_expr,
    leaves,
)
from atlas.schema.static.values import Member

if TYPE_CHECKING:
    from atlas.invariants.static.machine import Machine

EXACT_KINDS = {
    "builtins.bool": ("bool",),
    "builtins.int": ("int",),
    "builtins.float": ("float",),
    "builtins.str": ("str",),
    "builtins.list": ("list",),
    "builtins.dict": ("dict",),
    "types.NoneType": ("null",),
}
"""JSON types of which the values are exactly instances of a Python type, its subclasses left out."""
_ORDER = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}


def compare(m: Machine, node: ast.Compare, state: State) -> Expr:
    """A chain of comparisons: all of them hold."""
    left = m.value(node.left, state)
    parts: list[Expr] = []
    for sign, right_node in zip(node.ops, node.comparators, strict=True):
        right = m.value(right_node, state)
        parts.append(_one(m, sign, left, right, node, state))
        left = right
    return and_(*parts)


def _one(m: Machine, sign: ast.cmpop, left: Value, right: Value, node: ast.AST, state: State) -> Expr:
    left, right = _as_expression(left, state), _as_expression(right, state)
    for at, value in enumerate((left, right)):
        if isinstance(value, Choice):
            sides = [(one, right) if at == 0 else (left, one) for one in (value.then, value.other)]
            then, other = (_one(m, sign, *side, node, state) for side in sides)
            return if_(value.condition, then, other)
    if isinstance(sign, ast.Is | ast.IsNot):
        its = identical(m, left, right, state, node)
        return its if isinstance(sign, ast.Is) else not_(its)
    if isinstance(sign, ast.Eq | ast.NotEq):
        its = equal(m, left, right, state, node)
        return its if isinstance(sign, ast.Eq) else not_(its)
    if isinstance(sign, ast.In | ast.NotIn):
        its = contained(m, left, right, state, node)
        return its if isinstance(sign, ast.In) else not_(its)
    return _ordered(m, _ORDER[type(sign)], left, right, node, state)


def _as_expression(value: Value, state: State) -> Value:
    """A choice as one expression, where both sides are expressions; members of enums are more than that."""
    if isinstance(value, Choice) and not any(isinstance(one, Member | EnumValue) for _, one in leaves(value)):
        its = lowered(value, state)
        return its if its is not None else value
    return value


def _ordered(m: Machine, name: str, left: Value, right: Value, node: ast.AST, state: State) -> Expr:
    if isinstance(left, Count) and isinstance(right, Const):
        filled = or_(*left.whens)
        if (name, right.value) in ((">", 0), (">=", 1)):
            return filled
        if (name, right.value) in (("<", 1), ("<=", 0)):
            return not_(filled)
    sides = [lowered(one, state) if not _is_set(one, state) else None for one in (left, right)]
    if any(one is None or isinstance(one, Opaque) for one in sides):
        return m.opaque(node, state, left, right)
    return op(name, *(one for one in sides if one is not None))


def _is_set(value: Value, state: State) -> bool:
    thing = state.object(value)
    return isinstance(thing, Sequence) and thing.kind in ("set", "frozenset")


def identical(m: Machine, left: Value, right: Value, state: State, node: ast.AST) -> Expr:
    for one, other in ((left, right), (right, left)):
        if isinstance(other, Const) and (other.value is None or isinstance(other.value, bool)):
            return _is_constant(m, one, other, state, node)
    if isinstance(left, Known | Member | TypeOf) or isinstance(right, Known | Member | TypeOf):
        return equal(m, left, right, state, node)
    if _is_new(left, right, state) or _is_new(right, left, state):
        return FALSE
    if is_expr(left) or is_expr(right):
        return m.opaque(node, state, left, right, environment=False)
    return TRUE if left == right else FALSE


def _is_constant(m: Machine, value: Value, wanted: Const, state: State, node: ast.AST) -> Expr:
    if isinstance(value, Opaque):
        return m.opaque(node, state, value, environment=value.environment)
    if not is_expr(value):
        return FALSE
    its: Expr = value
    if wanted == NONE:
        return is_none(its)
    if kind_of(its) == "bool":
        return truth(its) if wanted.value else not_(truth(its))
    return and_(type_in(its, ("bool",)), op("==", its, wanted))


def equal(m: Machine, left: Value, right: Value, state: State, node: ast.AST) -> Expr:
    for at, value in enumerate((left, right)):
        if isinstance(value, Choice) and isinstance(_as_expression(value, state), Choice):
            sides_ = [(one, right) if at == 0 else (left, one) for one in (value.then, value.other)]
            then, other = (equal(m, *side, state, node) for side in sides_)
            return if_(value.condition, then, other)
    if isinstance(right, Member | EnumValue) and not isinstance(left, Member | EnumValue):
        left, right = right, left
    if isinstance(left, Member):
        return _equals_member(m, left, right, state, node)
    if isinstance(left, Known) or isinstance(right, Known):
        return _same_class(m, left, right, state, node)
    if isinstance(left, Count) and right == Const(0):
        return not_(or_(*left.whens))
    if _is_read_twice(left, right):
        return TRUE
    sides = [lowered(one, state) for one in (left, right)]
    if any(one is None or isinstance(one, Opaque) for one in sides):
        if _never(left, right, state) or _never(right, left, state):
            return FALSE
        return m.opaque(node, state, left, right)
    return op("==", *(one for one in sides if one is not None))


def _is_read_twice(left: Value, right: Value) -> bool:
    """Whether both are one value that was made once: nobody knows it, but it is equal to itself."""
    if not is_expr(left) or not is_expr(right) or left != right:
        return False
    lost, same = list(opaque_in(left)), opaque_in(right)
    return bool(lost) and all(one is other for one, other in zip(lost, same, strict=True))


def _is_new(value: Value, other: Value, state: State) -> bool:
    """Whether one is the configuration itself, and the other one something that was there before it."""
    thing = state.object(value)
    return isinstance(thing, Instance) and thing.user and isinstance(other, Opaque) and other.environment


def _never(value: Value, other: Value, state: State) -> bool:
    """Whether an object is compared with something that it cannot be equal to."""
    thing = state.object(value)
    return isinstance(thing, Instance) and is_expr(other) and not isinstance(other, Opaque)


def _equals_member(m: Machine, member: Member, other: Value, state: State, node: ast.AST) -> Expr:
    its = constant(member.value)
    if isinstance(other, Member):
        same = member == other or (_mixes(m, member) and constant(other.value) == its)
        return TRUE if same else FALSE
    if isinstance(other, EnumValue):
        if other.enum != member.enum or its is None:
            return FALSE
        looked_up = isinstance(other.value, Op) and other.value.name == "get"
        if looked_up and other.name is not None:
            return op("in", other.name, Const(_names(m, member)))
        return op("==", other.value, its)
    if not is_expr(other) or its is None:
        return m.opaque(node, state, other, environment=False)
    if isinstance(other, Opaque):
        return m.opaque(node, state, other)
    computed = isinstance(other, Op | Each | Var) and m.target.converts == "lax"
    if any(opaque_in(other)) or (computed and not _mixes(m, member)):
        return m.opaque(node, state, other, environment=False)
    if _mixes(m, member) or m.fields.converts_to_enum(other, member.enum):
        return op("==", other, its)
    return FALSE


def _names(m: Machine, member: Member) -> tuple[str, ...]:
    """The names of a member: others may be given to the same value."""
    cls = m.reader.index.resolve(member.enum)
    known = m.reader.class_attribute(cls, "__members__") if cls else None
    if not isinstance(known, dict):
        return (member.name,)
    return tuple(name for name, one in known.items() if one.value == member.value)


def _mixes(m: Machine, member: Member) -> bool:
    """Whether members of the enum equal their plain values (`class E(str, Enum)`)."""
    found = m.reader.index.resolve(member.enum)
    view = m.reader.classifier.view(found) if found else None
    names = {name.rpartition(".")[2] for name in view.outside} if view else set()
    return bool(names & {"str", "int", "float", "StrEnum", "IntEnum", "IntFlag", "ReprEnum"})


def _same_class(m: Machine, left: Value, right: Value, state: State, node: ast.AST) -> Expr:
    if isinstance(left, Known) and isinstance(right, Known):
        return TRUE if left.qualname == right.qualname else FALSE
    other = right if isinstance(left, Known) else left
    known = left if isinstance(left, Known) else right
    if isinstance(other, TypeOf) and isinstance(known, Known):
        return type_in(other.value, EXACT_KINDS.get(known.qualname, ()))
    return (
        FALSE
        if lowered(other, state) is not None and not isinstance(other, Opaque)
        else m.opaque(node, state, other)
    )


def contained(m: Machine, item: Value, container: Value, state: State, node: ast.AST) -> Expr:
    if isinstance(container, GivenNames | UserKeywords):
        if isinstance(item, Const) and isinstance(item.value, str):
            return m.fields.is_given(item.value, container)
        return m.opaque(node, state, item, environment=False)
    if isinstance(container, Mapped):
        its = lowered(item, state)
        if container.value == Var(container.var) and its is not None and not isinstance(its, Opaque):
            if container.condition == TRUE:
                return op("in", its, container.over)
            same = op("==", its, Var(container.var))
            return Each("any", container.var, container.over, and_(container.condition, same))
        return m.opaque(node, state, container, item, environment=False)
    if isinstance(container, Op) and container.name == "if" and any(opaque_in(container.args[0])):
        then, other = (contained(m, item, one, state, node) for one in container.args[1:])
        return if_(container.args[0], then, other)
    if container == NONE:
        return FALSE
    thing = state.object(container)
    its = lowered(container, state)
    left = lowered(item, state)
    plain = its is not None and not isinstance(its, Opaque) and not isinstance(thing, Table)
    if plain and left is not None and not isinstance(left, Opaque) and not _members_in(thing, item):
        assert its is not None
        return _in(left, its)
    items = known_items(m, container, state)
    if items is None:
        return m.opaque(node, state, item, container)
    listed = [_plain(m, one) if when == TRUE else None for when, one in items]
    if left is not None and left == item and not isinstance(left, Opaque) and None not in listed:
        return op("in", left, Const(tuple(one.value for one in listed if one is not None)))
    return or_(*(and_(when, equal(m, item, one, state, node)) for when, one in items))


def _plain(m: Machine, value: Value) -> Const | None:
    """The constant that a value compares as."""
    if isinstance(value, Member):
        return constant(value.value) if _mixes(m, value) else None
    return value if isinstance(value, Const) else None


def _in(left: Expr, container: Expr) -> Expr:
    if isinstance(container, Op) and container.name == "list":
        return or_(*(op("==", left, one) for one in container.args))
    if isinstance(container, Const) and isinstance(container.value, dict):
        container = Const(tuple(container.value))
    return op("in", left, container)


def _members_in(thing: object, item: Value) -> bool:
    if any(isinstance(one, Member | EnumValue) for _, one in leaves(item)):
        return True
    return isinstance(thing, Sequence) and any(isinstance(one.value, Member) for one in thing.items)
