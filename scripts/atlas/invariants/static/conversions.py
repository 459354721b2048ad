"""Values as pydantic converts them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from atlas.invariants.predicate import NONE, Const, Field, Op, Opaque
from atlas.invariants.static.lowering import lowered
from atlas.invariants.static.state import State
from atlas.invariants.static.terms import op
from atlas.invariants.static.values import Choice, EnumValue, Value, merge
from atlas.schema.static.values import Member

if TYPE_CHECKING:
    from atlas.invariants.static.machine import Machine

HANDLER = "*handler*"
"""The name under which a validator around pydantic's own calls that."""


def converted(m: Machine, value: Value, name: str, state: State) -> Value:
    """A value as pydantic takes it for a field; what was given is the field itself then."""
    if isinstance(value, Member | EnumValue) or value == Op("raw", (Field((name,)),)):
        return Field((name,)) if isinstance(value, Op) else value
    if isinstance(value, Choice):
        then, other = converted(m, value.then, name, state), converted(m, value.other, name, state)
        return merge(value.condition, then, other)
    if isinstance(value, Op) and value.name == "if":
        condition, then_, other_ = value.args
        return merge(condition, converted(m, then_, name, state), converted(m, other_, name, state))
    its = lowered(value, state)
    if its == NONE and m.fields.takes_none(name):
        return NONE
    spec = next((one for one in m.target.fields if one.name == name), None)
    if its is None or spec is None or isinstance(its, Opaque):
        return Opaque(f"the value that pydantic makes of {name}", (Field((name,)),), False)
    return op("convert", its, Const(spec.display))
