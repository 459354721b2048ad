"""`isinstance` and its kin: what types the user's JSON values have for the engine."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from atlas.invariants.predicate import FALSE, TRUE, Const, Expr, Opaque, Var
from atlas.invariants.static import reflection
from atlas.invariants.static.call import Call
from atlas.invariants.static.objects import Instance, Sequence, Table
from atlas.invariants.static.state import State
from atlas.invariants.static.terms import if_, kind_of, or_, type_in
from atlas.invariants.static.values import (
    Choice,
    EnumValue,
    Function,
    Known,
    Mapped,
    Text,
    TypeOf,
    UserKeywords,
    Value,
    is_expr,
)
from atlas.schema.static.modules import Definition
from atlas.schema.static.values import Member

if TYPE_CHECKING:
    from atlas.invariants.static.machine import Machine

KINDS: Mapping[str, tuple[str, ...]] = {
    "bool": ("bool",),
    "int": ("bool", "int"),
    "Integral": ("bool", "int"),
    "float": ("float",),
    "complex": (),
    "Number": ("bool", "int", "float"),
    "Real": ("bool", "int", "float"),
    "str": ("str",),
    "bytes": (),
    "list": ("list",),
    "dict": ("dict",),
    "tuple": (),
    "set": (),
    "frozenset": (),
    "NoneType": ("null",),
    "Sequence": ("str", "list"),
    "MutableSequence": ("list",),
    "Mapping": ("dict",),
    "MutableMapping": ("dict",),
    "Iterable": ("str", "list", "dict"),
    "Collection": ("str", "list", "dict"),
    "Sized": ("str", "list", "dict"),
    "Container": ("str", "list", "dict"),
    "Hashable": ("null", "bool", "int", "float", "str"),
    "Callable": (),
    "Enum": (),
    "type": (),
    "Set": (),
    "PathLike": (),
    "Path": (),
}
"""JSON types whose values are instances of a class of the standard library."""
_HOMES = ("builtins", "typing", "collections", "collections.abc", "numbers", "types", "enum", "os", "pathlib")


def isinstance_(call: Call) -> Value | None:
    if len(call.given) != 2:
        return None
    wanted = list(_classes(call.given[1], call.state))
    return _is_any(call.m, call.given[0], wanted, call.node, call.state)


def _classes(value: Value, state: State) -> Iterator[Value]:
    thing = state.object(value)
    if isinstance(thing, Sequence):
        for item in thing.items:
            yield from _classes(item.value, state)
    else:
        yield value


def _is_any(m: Machine, value: Value, wanted: list[Value], node: ast.AST, state: State) -> Expr:
    if isinstance(value, Choice):
        return if_(
            value.condition,
            _is_any(m, value.then, wanted, node, state),
            _is_any(m, value.other, wanted, node, state),
        )
    return or_(*(_is(m, value, one, node, state) for one in wanted))


def _is(m: Machine, value: Value, cls: Value, node: ast.AST, state: State) -> Expr:
    if isinstance(cls, Opaque) or not isinstance(cls, Known | Const | TypeOf):
        return m.opaque(node, state, value, environment=False)
    if isinstance(cls, Const):
        kinds: tuple[str, ...] | None = ("null",) if cls.value is None else None
    elif isinstance(cls, TypeOf):
        kind = kind_of(cls.value)
        kinds = ("bool", "int") if kind == "int" else (kind,) if kind else None
        if kinds is None:
            return m.opaque(node, state, value, environment=False)
    else:
        kinds = kinds_of(cls.qualname)
    if isinstance(value, Opaque):
        return m.opaque(node, state, value, environment=value.environment)
    if is_expr(value):
        return _of_user(m, value, cls, kinds, node, state)
    if not isinstance(cls, Known):
        return FALSE
    return _of_object(m, value, cls, kinds, node, state)


def kinds_of(dotted: str) -> tuple[str, ...] | None:
    home, _, name = dotted.rpartition(".")
    return KINDS.get(name) if home in _HOMES else None


def _of_user(
    m: Machine, value: Expr, cls: Value, kinds: tuple[str, ...] | None, node: ast.AST, state: State
) -> Expr:
    if isinstance(value, Const) and isinstance(value.value, frozenset):
        return TRUE if isinstance(cls, Known) and cls.qualname.endswith(("set", "Set")) else FALSE
    if kinds is not None:
        return type_in(value, kinds)
    if isinstance(cls, Known) and not isinstance(value, Const | Var):
        found = m.fields.converts_to(value, cls.definition)
        return found if found is not None else m.opaque(node, state, value, environment=False)
    return FALSE


def _of_object(
    m: Machine, value: Value, cls: Known, kinds: tuple[str, ...] | None, node: ast.AST, state: State
) -> Expr:
    name = cls.qualname.rpartition(".")[2]
    if isinstance(value, Text):
        return TRUE if name == "str" else FALSE
    thing = state.object(value)
    if isinstance(thing, Sequence):
        return TRUE if name in (thing.kind, "Sequence", "Iterable", "Collection") else FALSE
    if isinstance(thing, Table) or isinstance(value, UserKeywords):
        return TRUE if name in ("dict", "Mapping", "MutableMapping", "Iterable", "Collection") else FALSE
    if isinstance(value, Mapped):
        return TRUE if name == value.kind else FALSE
    if isinstance(thing, Instance):
        return _inherits(m, thing.cls, cls)
    if isinstance(value, Member | EnumValue):
        found = m.reader.index.resolve(value.enum)
        return _inherits(m, found, cls) if found else m.opaque(node, state)
    if isinstance(value, Known):
        return TRUE if name == "type" and value.kind == "class" else m.opaque(node, state)
    if isinstance(value, Function):
        return TRUE if name in ("Callable", "FunctionType") else FALSE
    return m.opaque(node, state, value, environment=False)


def _inherits(m: Machine, found: Definition, cls: Known) -> Expr:
    view = m.reader.classifier.view(found)
    names = {base.qualname for base in view.mro} | set(view.outside) if view else set()
    short = {name.rpartition(".")[2] for name in (view.outside if view else ())}
    is_same = (
        cls.qualname in names
        or cls.qualname.rpartition(".")[2] in short
        or cls.qualname.endswith("builtins.object")
        or cls.qualname == reflection.remade(m, found)[1]
    )
    return TRUE if is_same else FALSE


def issubclass_(call: Call) -> Value | None:
    if len(call.given) != 2:
        return None
    one, other = call.given
    if isinstance(one, TypeOf) and isinstance(other, Known):
        return _is(call.m, one.value, other, call.node, call.state)
    if isinstance(one, Known) and isinstance(other, Known) and one.kind == "class":
        return _inherits(call.m, one.definition, other)
    return None
