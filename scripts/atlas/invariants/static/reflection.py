"""What Python tells of classes at run time: their fields, and what they are made of by a call."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from atlas.invariants.predicate import FALSE, TRUE, Opaque
from atlas.invariants.static.call import Call
from atlas.invariants.static.lowering import from_constant
from atlas.invariants.static.objects import Instance, Item, Sequence
from atlas.invariants.static.state import State
from atlas.invariants.static.userfields import RECORDS
from atlas.invariants.static.values import Known, Ref, TypeOf, Value
from atlas.schema.static import records
from atlas.schema.static.classify import ClassView
from atlas.schema.static.modules import Definition, Scope, external

if TYPE_CHECKING:
    from atlas.invariants.static.machine import Machine

_MADE = {
    "msgspec.defstruct": ("msgspec", "msgspec.Struct"),
    "dataclasses.make_dataclass": ("dataclass", ""),
    "dataclasses.dataclass": ("dataclass", ""),
    "pydantic.create_model": ("pydantic", "pydantic.BaseModel"),
}
"""Functions that make a class with fields: its family, and the base it gets."""
_FIELD = external("dataclasses.Field")


def remade(m: Machine, cls: Definition) -> tuple[str, str]:
    """The family and the base of what a module makes of its class by a call that binds the name again."""
    module = cls.scope.module if cls.scope else None
    if module is None or cls.qualname != f"{module.name}.{cls.qualname.rpartition('.')[2]}":
        return "", ""
    for binding in module.bound.names.get(cls.qualname.rpartition(".")[2], ()):
        if binding.kind == "value" and isinstance(binding.node, ast.Call):
            found = m.reader.index.expression(binding.node.func, Scope(module))
            if found is not None and found.qualname in _MADE:
                return _MADE[found.qualname]
    return "", ""


def is_record(m: Machine, cls: Definition) -> bool:
    """Whether a class is one of generated fields."""
    view = m.reader.classifier.view(cls)
    return view is not None and (view.family in RECORDS or bool(remade(m, cls)[0]))


def fields(call: Call) -> Value | None:
    """`dataclasses.fields(x)`, `msgspec.structs.fields(x)`: the names; the rest is known of few."""
    found = _class(call.given[0], call.state) if len(call.given) == 1 else None
    view = call.m.reader.classifier.view(found) if found is not None else None
    if view is None or found is None or not is_record(call.m, found):
        return None
    made = call.m.field_lists.get(found.qualname)
    if made is None:
        before = set(call.state.heap)
        rows = [Item(_field(name, call.m, found, call.state)) for name in _names(call.m, view)]
        call.state.new(Sequence("tuple", tuple(rows)))
        made = {Ref(at): thing for at, thing in call.state.heap.items() if at not in before}
        call.m.field_lists[found.qualname] = made
    for ref, thing in made.items():
        call.state.heap.setdefault(ref.at, thing)
    return list(made)[-1]


def _class(value: Value, state: State) -> Definition | None:
    thing = state.object(value)
    if isinstance(thing, Instance):
        return thing.cls
    return value.definition if isinstance(value, Known) and value.kind == "class" else None


def _names(m: Machine, view: ClassView) -> list[str]:
    own = list(records.rows(view, m.reader))
    if view.qualname != m.target.cls:
        return own
    return list(dict.fromkeys((*own, *m.target.given, *(one.name for one in m.target.fields))))


def _field(name: str, m: Machine, cls: Definition, state: State) -> Ref:
    spec = m.fields.spec(name) if cls.qualname == m.target.cls else None
    default = from_constant(spec.default, state) if spec is not None and spec.has_default else None
    its = from_constant(name, state)
    assert its is not None
    unknown = Opaque(f"the default of {name}", (), True)
    attrs: dict[str, Value] = {"name": its, "default": default if default is not None else unknown}
    return state.new(Instance(_FIELD, attrs, outside=True))


def is_dataclass(call: Call) -> Value | None:
    found = _class(call.given[0], call.state) if call.given else None
    if call.given and isinstance(call.given[0], TypeOf):
        return FALSE
    if isinstance(call.state.object(call.given[0]) if call.given else None, Instance):
        return TRUE
    return TRUE if found is not None and is_record(call.m, found) else None
