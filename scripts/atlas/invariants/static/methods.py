"""Methods of values that are no objects of the engine's: strings, lists, dicts, the user's keywords."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import TYPE_CHECKING

from atlas.invariants.predicate import NONE, Const, Field
from atlas.invariants.static import enums
from atlas.invariants.static.attribute_calls import setattr_
from atlas.invariants.static.call import Call
from atlas.invariants.static.container_methods import of_mapped, of_sequence, of_table
from atlas.invariants.static.conversions import HANDLER, converted
from atlas.invariants.static.objects import Sequence, Table
from atlas.invariants.static.state import State
from atlas.invariants.static.terms import op
from atlas.invariants.static.value_methods import of_expression
from atlas.invariants.static.values import (
    GivenNames,
    Known,
    Mapped,
    Method,
    Ref,
    Super,
    UserItem,
    UserKeywords,
    Value,
    is_expr,
)

if TYPE_CHECKING:
    from atlas.invariants.static.machine import Machine


def call_method(
    m: Machine,
    method: Method,
    given: list[Value],
    keywords: Mapping[str, Value],
    node: ast.AST,
    state: State,
) -> Value:
    owner = method.owner
    if method.name == HANDLER:
        return _handled(m, owner, given, state)
    thing = state.object(owner)
    found: Value | None = None
    if isinstance(owner, UserKeywords):
        found = _of_keywords(m, owner, method.name, given, node, state)
    elif isinstance(owner, Super):
        found = _of_super(m, owner, method.name, given, keywords, node, state)
    elif isinstance(thing, Table) and isinstance(owner, Ref):
        found = of_table(m, owner, thing, method.name, given, keywords, node, state)
    elif isinstance(thing, Sequence) and isinstance(owner, Ref):
        found = of_sequence(m, owner, thing, method.name, given, node, state)
    elif isinstance(owner, Mapped):
        found = of_mapped(m, owner, method.name, given, node, state)
    elif is_expr(owner):
        found = of_expression(m, owner, method.name, given, keywords, node, state)
    if found is not None:
        return found
    if isinstance(owner, Method) and owner.name == "__dict__":
        return m.opaque(node, state, environment=False)
    made = m.opaque(node, state, owner, *given, *keywords.values())
    m.may_raise(("Exception",), made, state)
    return made


def _handled(m: Machine, now: Value, given: list[Value], state: State) -> Value:
    """pydantic's own validation, called by a validator around it."""
    if given and (given[0] == now or given[0] == op("raw", now)):  # type: ignore[arg-type]
        return now
    name = now.path[0] if isinstance(now, Field) else ""
    return converted(m, given[0] if given else NONE, name, state)


# --- the user's keywords ------------------------------------------------------------------------------


def _of_keywords(
    m: Machine, owner: UserKeywords, name: str, given: list[Value], node: ast.AST, state: State
) -> Value | None:
    key = given[0] if given else None
    if name in ("pop", "get", "setdefault") and isinstance(key, Const) and isinstance(key.value, str):
        default = given[1] if len(given) > 1 else NONE
        if key.value in owner.taken:
            return default
        if name == "pop":
            take(owner, key.value, state)
        return m.fields.passed_or(owner, key.value, default, state)
    if name == "items":
        return UserItem("items")
    if name in ("keys", "copy"):
        return GivenNames() if name == "keys" else owner
    return None


def take(owner: UserKeywords, name: str, state: State) -> None:
    """`kwargs.pop(name)`."""
    for its, value in state.names.items():
        if value == owner:
            state.names[its] = owner.without(frozenset({name}))


def _of_super(
    m: Machine,
    owner: Super,
    name: str,
    given: list[Value],
    keywords: Mapping[str, Value],
    node: ast.AST,
    state: State,
) -> Value | None:
    """Methods of classes outside of the engine."""
    if name == "__setattr__" and len(given) == 2:
        return setattr_(Call(m, [owner.of, *given], {}, node, state))
    if name == "__getitem__" and len(given) == 1 and isinstance(owner.of, Known):
        return enums.item(m, owner.of, given[0], node, state)
    return NONE if name in ("__init__", "__post_init__", "__init_subclass__") else None
