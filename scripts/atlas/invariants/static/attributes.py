"""Attributes of values."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import TYPE_CHECKING

from atlas.invariants.predicate import FALSE, Const, Field, Opaque
from atlas.invariants.static.dead import DeadError
from atlas.invariants.static.facts import here
from atlas.invariants.static.lowering import from_constant
from atlas.invariants.static.names import of_definition, of_member, present
from atlas.invariants.static.objects import Instance
from atlas.invariants.static.state import State
from atlas.invariants.static.terms import and_, op, or_
from atlas.invariants.static.values import (
    Absent,
    Choice,
    EnumValue,
    Function,
    Known,
    Method,
    Raised,
    Ref,
    Super,
    TypeOf,
    Value,
    filled,
    is_expr,
    merge,
)
from atlas.schema.static.bindings import FunctionNode
from atlas.schema.static.calls import short
from atlas.schema.static.modules import Definition
from atlas.schema.static.values import Member

if TYPE_CHECKING:
    from atlas.invariants.static.machine import Machine

_PROPERTIES = frozenset({"property", "cached_property", "abstractproperty"})


def attribute(m: Machine, node: ast.Attribute, state: State) -> Value:
    return of_value(m, m.value(node.value, state), node.attr, node, state)


def of_value(m: Machine, owner: Value, name: str, node: ast.AST, state: State) -> Value:
    found = maybe(m, owner, name, node, state)
    its = here(present(found), state)
    return m.opaque(node, state, owner, environment=False) if isinstance(its, Absent) else its


def maybe(m: Machine, owner: Value, name: str, node: ast.AST, state: State) -> Value:
    """`owner.name`, or Absent where it is known that there is none."""
    if isinstance(owner, Choice):
        return merge(
            owner.condition,
            maybe(m, owner.then, name, node, state),
            maybe(m, owner.other, name, node, state),
        )
    if isinstance(owner, Ref):
        thing = state.object(owner)
        if isinstance(thing, Instance):
            return _of_instance(m, owner, thing, name, node, state)
        return Method(owner, name)
    if isinstance(owner, Known):
        return _of_known(m, owner, name, node, state)
    if isinstance(owner, Member):
        return _of_member(m, owner, name, node, state)
    if isinstance(owner, EnumValue):
        return owner.value if name == "value" else m.opaque(node, state, owner.value, environment=False)
    if isinstance(owner, Super):
        return _of_super(m, owner, name, node, state)
    if isinstance(owner, Function) and name in ("__name__", "__qualname__"):
        return Const(_own_name(owner, whole=name == "__qualname__"))
    if isinstance(owner, Raised | TypeOf | Function):
        return m.opaque(node, state, environment=isinstance(owner, Function))
    if isinstance(owner, Opaque):
        return m.opaque(node, state, owner, environment=owner.environment)
    if is_expr(owner) and name in ("value", "name") and m.fields.is_enum(owner):
        return owner if name == "value" else m.opaque(node, state, owner, environment=False)
    if is_expr(owner) and not any(hasattr(kind, name) for kind in (str, list, dict, int, float)):
        return m.opaque(node, state, owner, environment=False)
    return Method(owner, name)


def _of_instance(m: Machine, owner: Ref, thing: Instance, name: str, node: ast.AST, state: State) -> Value:
    its = thing.attrs.get(name, Absent())
    if isinstance(its, Absent) and thing.outside and m.reader.classifier.owner(thing.cls, name) is None:
        return m.opaque(node, state, environment=True)
    if isinstance(present(its), Absent) or isinstance(its, Choice):
        of_class = _of_class(m, owner, thing.cls, name, node, state)
        if isinstance(of_class, Absent) and thing.is_open != FALSE:
            field = Field((name,))
            of_class = merge(and_(thing.is_open, op("given", field)), field, Absent())
        its = filled(its, of_class)
    if name == "__class__" and isinstance(its, Absent):
        return Known(thing.cls.qualname, thing.cls)
    if name == "__dict__" and isinstance(its, Absent):
        return Method(owner, "__dict__")
    return its


def _of_class(m: Machine, owner: Value, cls: Definition, name: str, node: ast.AST, state: State) -> Value:
    """What the class of an object says about one of its attributes."""
    found = m.reader.classifier.owner(cls, name)
    if found is None:
        view = m.reader.classifier.view(cls)
        foreign = view is not None and any(not _is_plain(base) for base in view.outside)
        dynamic = m.reader.classifier.owner(cls, "__getattr__")
        if dynamic is not None and not foreign and not (name.startswith("__") and name.endswith("__")):
            return _computed(m, owner, cls, dynamic, name, node, state)
        unknown = m.opaque(node, state, environment=False)
        return unknown if (foreign or dynamic) and name not in ("__dict__", "__class__") else Absent()
    return _member(m, owner, cls, found, name, node, state)


def _computed(
    m: Machine, owner: Value, cls: Definition, found: Definition, name: str, node: ast.AST, state: State
) -> Value:
    """What `__getattr__` makes of a name that is no attribute; Absent where it finds that there is none."""
    read = _member(m, owner, cls, found, "__getattr__", node, state)
    if not isinstance(read, Function):
        return m.opaque(node, state, environment=False)
    base, inner = state.path, state.fork()
    with m.catching(frozenset({"AttributeError"})) as catcher:
        try:
            value = m.call(read, [Const(name)], {}, node, inner)
        except DeadError:
            return Absent()
    state.heap = inner.heap
    lost = or_(*(its.since(base) for _, its in catcher.caught))
    return merge(lost, Absent(), value)


def _is_plain(base: str) -> bool:
    return base.startswith(("typing.", "abc.", "enum.", "msgspec.", "builtins.", "pydantic.")) or base in (
        "object",
        "pydantic_settings.BaseSettings",
    )


def _member(
    m: Machine, owner: Value, cls: Definition, found: Definition, name: str, node: ast.AST, state: State
) -> Value:
    if isinstance(found.node, FunctionNode) and found.scope:
        home = m.home(cls, found)
        found = _getter(home, found)
        assert isinstance(found.node, FunctionNode) and found.scope
        marks = decorations(found.node)
        made = Function(found.node, found.scope, found.qualname, home)
        if "staticmethod" in marks:
            return made
        if "classmethod" in marks:
            return Function(found.node, found.scope, found.qualname, home, bound=Known(cls.qualname, cls))
        bound = Function(found.node, found.scope, found.qualname, home, bound=owner)
        if marks & _PROPERTIES:
            return m.call(bound, [], {}, node, state)
        return bound if not isinstance(owner, Known) else made
    if found.kind == "class":
        return of_definition(m, found, state)
    value = from_constant(m.reader.class_attribute(cls, name), state)
    return value if value is not None else m.opaque(node, state, environment=False)


def _getter(home: Definition, found: Definition) -> Definition:
    """The function that reads a property, where the last one of that name is the one that sets it."""
    assert isinstance(found.node, FunctionNode)
    if not decorations(found.node) & {"setter", "deleter"} or not isinstance(home.node, ast.ClassDef):
        return found
    for one in home.node.body:
        if not isinstance(one, ast.FunctionDef) or one.name != found.node.name:
            continue
        if decorations(one) & _PROPERTIES:
            return replace(found, node=one)
    return found


def _own_name(function: Function, *, whole: bool) -> str:
    """What a function is called: by its last name, or by the names of what it stands in, too."""
    inside = function.qualname.removeprefix(f"{function.scope.module.name}.")
    return inside if whole else inside.rpartition(".")[2]


def decorations(node: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    """The last parts of the names of a function's decorators."""
    out = set()
    for one in node.decorator_list:
        its = one.func if isinstance(one, ast.Call) else one
        out.add(short(ast.unparse(its)))
    return out


def _of_known(m: Machine, owner: Known, name: str, node: ast.AST, state: State) -> Value:
    if owner.kind == "class":
        found = m.reader.classifier.owner(owner.definition, name)
        value = m.reader.class_attribute(owner.definition, name)
        if isinstance(value, Member) or name in ("__name__", "__members__"):
            made = from_constant(value, state)
            return made if made is not None else m.opaque(node, state)
        if found is not None:
            return _member(m, owner, owner.definition, found, name, node, state)
        return m.opaque(node, state, environment=False)
    found = m.reader.index.member(owner.definition, name)
    if found is None:
        return m.opaque(node, state, environment=True)
    module = m.reader.index.module(owner.qualname) if owner.kind == "module" else None
    definition = m.reader.index.follow(found)
    return of_member(m, module, name, definition, state) if module else of_definition(m, definition, state)


def _of_member(m: Machine, owner: Member, name: str, node: ast.AST, state: State) -> Value:
    if name in ("value", "_value_"):
        made = from_constant(owner.value, state)
        return made if made is not None else m.opaque(node, state)
    if name == "name":
        return Const(owner.name)
    cls = m.reader.index.resolve(owner.enum)
    found = m.reader.classifier.owner(cls, name) if cls else None
    if cls is not None and found is not None:
        return _member(m, owner, cls, found, name, node, state)
    made = from_constant(owner.value, state)
    return Method(made, name) if made is not None else m.opaque(node, state)


def _of_super(m: Machine, owner: Super, name: str, node: ast.AST, state: State) -> Value:
    thing = state.object(owner.of)
    cls = thing.cls if isinstance(thing, Instance) else None
    if cls is None and isinstance(owner.of, Known):
        cls = owner.of.definition
    view = m.reader.classifier.view(cls) if cls else None
    line = view.mro if view else ()
    after = next((at for at, one in enumerate(line) if one.qualname == owner.after.qualname), len(line))
    for base in line[after + 1 :]:
        found = m.reader.index.class_member(base, name)
        if found is not None and cls is not None:
            return _member(m, owner.of, cls, found, name, node, state)
    return Method(owner, name)
