"""Values as pydantic converts them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from atlas.invariants.predicate import Const, Field, Opaque
from atlas.invariants.static.lowering import lowered
from atlas.invariants.static.state import State
from atlas.invariants.static.terms import op
from atlas.invariants.static.values import Value

if TYPE_CHECKING:
    from atlas.invariants.static.machine import Machine

HANDLER = "*handler*"
"""The name under which a validator around pydantic's own calls that."""


def converted(m: Machine, value: Value, name: str, state: State) -> Value:
    """A value as pydantic takes it for a field."""
    its = lowered(value, state)
    spec = next((one for one in m.target.fields if one.name == name), None)
    if its is None or spec is None or isinstance(its, Opaque):
        return Opaque(f"the value that pydantic makes of {name}", (Field((name,)),), False)
    return op("convert", its, Const(spec.display))
