"""Objects whose constructors are generated: fields, their validators, and what runs after them."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import TYPE_CHECKING

from atlas.invariants.predicate import NONE, TRUE, Expr, Field, Op, Opaque
from atlas.invariants.static import validators
from atlas.invariants.static.dead import DeadError
from atlas.invariants.static.functions import REST, run
from atlas.invariants.static.lowering import from_constant
from atlas.invariants.static.mappings import unpacked
from atlas.invariants.static.objects import Instance
from atlas.invariants.static.state import State
from atlas.invariants.static.terms import is_none, not_, op
from atlas.invariants.static.values import Absent, Function, Known, Ref, Value, filled, merge, presence
from atlas.schema.static import records
from atlas.schema.static.classify import ClassView
from atlas.schema.static.records import Row
from atlas.schema.static.wrappers import FIELD_CALLS

if TYPE_CHECKING:
    from atlas.invariants.static.machine import Machine

_MARKERS = frozenset({"ClassVar", "KW_ONLY"})
_AFTER = ("__post_init__", "__attrs_post_init__", "model_post_init")


def construct(
    m: Machine,
    view: ClassView,
    ref: Ref,
    positional: list[Value],
    keywords: Mapping[str, Value],
    node: ast.AST,
    state: State,
) -> None:
    """Give each field its value, then run validators and what comes after the constructor."""
    found = validators.of_class(m, view)
    rows = [row for row in records.rows(view, m.reader).values() if _mark(row) not in _MARKERS]
    rest = keywords.get(REST)
    for one in found.before:
        validators.whole_before(m, one, view, rest, node, state)
    if not view.family.startswith("pydantic"):
        needed = {row.name for row in rows if isinstance(_default(m, row, state), Absent)}
        taken = {*(row.name for row in rows[: len(positional)]), *(name for name in keywords if name != REST)}
        unpacked(m, rest, {row.name for row in rows}, needed, taken, node, state)
    given = dict(zip((row.name for row in rows), positional, strict=False)) | dict(keywords)
    passed: list[Value] = []
    for row in rows:
        value, is_given = _value(m, row, given, rest, state)
        is_given = is_given and not isinstance(value, Absent)
        if is_given and rest is not None:
            value = _nested(m, row.name, value, node, state)
        if is_given and view.family.startswith("pydantic") and isinstance(value, Op):
            value = value.args[0] if value.name == "raw" else value  # it is converted here
        if is_given:
            value = validators.field(m, found.of(row.name), row.name, value, view, node, state)
        if _mark(row) == "InitVar":
            passed.append(value)
        else:
            state.put(ref, row.name, value)
    _complete(m, ref, state)
    for name in _AFTER:
        _after(m, view, ref, name, passed, node, state)
    for one in found.after:
        validators.whole_after(m, one, view, ref, node, state)


def _mark(row: Row) -> str:
    """`InitVar`, `ClassVar` or nothing."""
    head = row.annotation.value if isinstance(row.annotation, ast.Subscript) else row.annotation
    name = ast.unparse(head).rpartition(".")[2] if head is not None else ""
    return name if name in {*_MARKERS, "InitVar"} else ""


def _value(
    m: Machine, row: Row, given: Mapping[str, Value], rest: Value | None, state: State
) -> tuple[Value, bool]:
    """The value of a field, and whether a validator sees it."""
    if row.name in given:
        its = given[row.name]
        return its if presence(its) == TRUE else filled(its, _default(m, row, state)), True
    if isinstance(rest, Field):
        its = Field((*rest.path, row.name))
        return _given_or(its, _default(m, row, state)), False
    if rest is not None and (m.fields.field_of(row.name) is not None or row.name in m.target.given):
        its_default = _default(m, row, state)
        is_object = isinstance(state.object(its_default), Instance)
        spec = m.fields.spec(row.name)
        unsaid = spec is not None and not spec.has_default
        wanted = m.target.converts == "none" if is_object else unsaid
        if wanted and row.name not in m.target.given:
            return _given_or(m.fields.value_of(row.name), its_default), True
        return m.fields.given_or(row.name, Absent(), state), True
    return _default(m, row, state), False


def _given_or(its: Expr, default: Value) -> Value:
    field = its.args[0] if isinstance(its, Op) else its
    return its if isinstance(default, Absent | Opaque) else merge(op("given", field), its, default)


def _default(m: Machine, row: Row, state: State) -> Value:
    if row.value is None:
        return Absent()
    spec = m.reader.defaults.read(row.value, row.scope)
    if spec.default.kind == "required":
        return Absent()
    made = from_constant(spec.raw, state) if spec.default.kind in ("value", "none") else None
    if made is not None:
        return made
    if spec.joined is not None and made is None:
        there = m.reader.defaults.statement(*spec.joined)
        if there is not None and there[1].scope and isinstance(there[1].node, ast.ClassDef):
            statement, owner = there
            inside = there[1].scope.inside(there[1].node)
            return _default(
                m, Row(row.name, statement, statement.annotation, statement.value, owner, inside), state
            )
    factory = _factory(m, row)
    if factory is not None:
        with m.outside(row.scope):
            return _made(m, factory, row, state)
    if spec.default.kind == "factory" and spec.default.value is not None:
        made = from_constant(spec.default.value, state)
    return made if made is not None else Opaque(f"default of {row.name}", (), True)


def _factory(m: Machine, row: Row) -> ast.expr | None:
    """The expression of `default_factory=…`."""
    if not isinstance(row.value, ast.Call):
        return None
    found = m.reader.index.expression(row.value.func, row.scope)
    if found is None or found.qualname not in FIELD_CALLS:
        return None
    names = ("default_factory", "factory")
    return next((one.value for one in row.value.keywords if one.arg in names), None)


def _made(m: Machine, factory: ast.expr, row: Row, state: State) -> Value:
    inner = state.callee({})
    function = m.value(factory, inner)
    value = (
        m.call(function, [], {}, factory, inner)
        if isinstance(function, Known | Function)
        else Opaque(f"default of {row.name}", (), True)
    )
    state.heap = inner.heap
    return value


def _nested(m: Machine, name: str, value: Value, node: ast.AST, state: State) -> Value:
    """A field for which an object is given that becomes a configuration of its own: what it is then."""
    found = m.fields.nested_class(name) if isinstance(value, Field) and len(value.path) == 1 else None
    if found is None or not isinstance(value, Field):
        return value
    view, optional = found
    inner = state.fork(not_(is_none(value))) if optional else state.fork()
    ref = inner.new(Instance(view.definition, {}))
    given: dict[str, Value] = {}
    for row in records.rows(view, m.reader).values():
        if _mark(row) in _MARKERS:
            continue
        default = _default(m, row, inner)
        given[row.name] = _given_or(Field((*value.path, row.name)), default)
    try:
        construct(m, view, ref, [], given, node, inner)
    except DeadError:
        return value
    state.heap = {**state.heap, **inner.heap}
    return merge(is_none(value), NONE, ref) if optional else ref


def _complete(m: Machine, ref: Ref, state: State) -> None:
    """Fields of the target that its class does not declare by itself."""
    thing = state.object(ref)
    if isinstance(thing, Instance) and thing.user:
        for spec in m.target.fields:
            if isinstance(thing.attrs.get(spec.name, Absent()), Absent):
                state.put(ref, spec.name, m.fields.given_or(spec.name, Absent(), state))


def _after(
    m: Machine, view: ClassView, ref: Ref, name: str, passed: list[Value], node: ast.AST, state: State
) -> None:
    found = m.reader.classifier.owner(view.definition, name)
    if found is None or not isinstance(found.node, ast.FunctionDef) or found.scope is None:
        return
    function = Function(found.node, found.scope, found.qualname, m.home(view.definition, found), bound=ref)
    arguments: list[Value] = [NONE] if name == "model_post_init" else passed
    run(m, function, arguments, {}, node, state)
