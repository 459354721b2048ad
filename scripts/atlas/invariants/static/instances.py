"""Objects of the engine's classes, made as their constructors make them."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import TYPE_CHECKING

from atlas.invariants.predicate import NONE, Const
from atlas.invariants.static import enums, exceptions, record_classes, reflection
from atlas.invariants.static.functions import run
from atlas.invariants.static.objects import Instance
from atlas.invariants.static.state import State
from atlas.invariants.static.userfields import RECORDS
from atlas.invariants.static.values import Function, Known, Ref, Text, Value
from atlas.schema.static.classes import takes_written_init
from atlas.schema.static.classify import ClassView

if TYPE_CHECKING:
    from atlas.invariants.static.machine import Machine


def is_foreign_exception(m: Machine, found: Known) -> bool:
    return found.kind == "external" and exceptions.is_exception(m, found.definition)


def make(
    m: Machine,
    cls: Known,
    positional: list[Value],
    keywords: Mapping[str, Value],
    node: ast.AST,
    state: State,
) -> Value:
    if exceptions.is_exception(m, cls.definition):
        return exceptions.made(m, cls, _message(positional, keywords))
    view = m.reader.classifier.view(cls.definition)
    if view is None:
        return m.opaque(node, state, *positional, *keywords.values(), environment=False)
    if view.family == "enum":
        return enums.by_value(m, cls, positional, node, state)
    if m.budget.spent or len(m.frames) >= m.budget.calls:
        return m.opaque(node, state, *positional, *keywords.values(), environment=False)
    ref = state.new(Instance(cls.definition, {}))
    return construct(m, view, ref, positional, keywords, node, state)


def construct(
    m: Machine,
    view: ClassView,
    ref: Ref,
    positional: list[Value],
    keywords: Mapping[str, Value],
    node: ast.AST,
    state: State,
) -> Value:
    """Run what makes an object of a class ready."""
    written = m.reader.classifier.owner(view.definition, "__init__")
    used = written is not None and (takes_written_init(view, m.reader) or view.family not in RECORDS)
    if used and written and isinstance(written.node, ast.FunctionDef) and written.scope:
        home = m.home(view.definition, written)
        function = Function(written.node, written.scope, written.qualname, home, bound=ref)
        run(m, function, positional, keywords, node, state)
        return ref
    if view.family in RECORDS or reflection.remade(m, view.definition)[0]:
        record_classes.construct(m, view, ref, positional, keywords, node, state)
        return ref
    if view.outside and any(not name.startswith(("typing.", "abc.", "builtins.")) for name in view.outside):
        return m.opaque(node, state, *positional, *keywords.values(), environment=False)
    return ref


def _message(positional: list[Value], keywords: Mapping[str, Value]) -> Value:
    for one in (*positional, *(keywords[name] for name in ("message", "msg") if name in keywords)):
        if isinstance(one, Text) or (isinstance(one, Const) and isinstance(one.value, str)):
            return one
    return positional[0] if positional else NONE
