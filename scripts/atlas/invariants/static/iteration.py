"""What a loop or a comprehension goes over."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from atlas.invariants.predicate import TRUE, Const, Expr, Field, Op, Opaque, Var
from atlas.invariants.static.objects import Sequence, Table
from atlas.invariants.static.state import Over, State
from atlas.invariants.static.terms import and_, kind_of, not_, type_in
from atlas.invariants.static.values import Choice, Known, Mapped, Value, is_expr, leaves
from atlas.schema.static.values import Member

if TYPE_CHECKING:
    from atlas.invariants.static.machine import Machine


def known_items(m: Machine, value: Value, state: State) -> list[tuple[Expr, Value]] | None:
    """The items, each with the condition under which it is there; None where they are not known."""
    thing = state.object(value)
    if isinstance(thing, Sequence):
        if thing.unknown is not None or any(item.many for item in thing.items):
            return None
        return [(item.when, item.value) for item in thing.items]
    if isinstance(thing, Table):
        if thing.unknown is not None:
            return None
        return [
            (item.when, key if isinstance(key, Member) else Const(key)) for key, item in thing.items.items()
        ]
    if isinstance(value, Const):
        return _of_constant(value)
    if isinstance(value, Known) and value.kind == "class":
        members = m.reader.class_attribute(value.definition, "__members__")
        return [(TRUE, one) for one in members.values()] if isinstance(members, dict) else None
    if isinstance(value, Choice):
        out: list[tuple[Expr, Value]] = []
        for condition, leaf in leaves(value):
            items = known_items(m, leaf, state)
            if items is None:
                return None
            out += [(and_(condition, when), item) for when, item in items]
        return out
    return None


def _of_constant(value: Const) -> list[tuple[Expr, Value]] | None:
    its = value.value
    if isinstance(its, tuple | str):
        return [(TRUE, Const(one)) for one in its]
    if isinstance(its, frozenset):
        return [(TRUE, Const(one)) for one in sorted(its, key=repr)]
    if isinstance(its, dict):
        return [(TRUE, Const(one)) for one in its]
    return None


def symbolic_items(m: Machine, value: Value, state: State, name: str) -> Mapped | None:
    """An item of a list that only the user knows."""
    if isinstance(value, Mapped):
        return value
    if not is_expr(value) or isinstance(value, Const | Opaque):
        return None
    var = variable(name, state)
    return Mapped("list", var, value, TRUE, Var(var))


def iterated(m: Machine, value: Expr, state: State, node: ast.AST) -> None:
    """A value of the user's is gone through: numbers, for instance, cannot be."""
    if _is_checked(m, value):
        m.fails("TypeError", not_(type_in(value, ("list", "str", "dict"))), node, state)


def _is_checked(m: Machine, value: Expr) -> bool:
    """Whether nobody has seen to the type of a value before."""
    if isinstance(value, Op) and value.name == "if":
        return all(_is_checked(m, one) or kind_of(one) == "list" for one in value.args[1:])
    if isinstance(value, Op):
        return value.name == "raw"
    return isinstance(value, Field) and not m.fields.is_converted(value)


def variable(name: str, state: State) -> str:
    """A name for an item that no loop around uses."""
    used = {step.var for step in state.path if isinstance(step, Over)}
    return name if name not in used else f"{name}{state.fresh()}"
