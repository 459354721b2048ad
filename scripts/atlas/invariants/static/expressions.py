"""Expressions and their values."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from atlas.invariants.predicate import FALSE, TRUE, Const, Opaque, Var
from atlas.invariants.static import arithmetic, assignment, attributes, calling, comparison, names, strings
from atlas.invariants.static.assignment import assign
from atlas.invariants.static.dead import DeadError
from atlas.invariants.static.iteration import iterated, known_items, symbolic_items
from atlas.invariants.static.lowering import lowered
from atlas.invariants.static.mappings import updated
from atlas.invariants.static.objects import Item, Sequence, Table
from atlas.invariants.static.state import State
from atlas.invariants.static.subscripts import subscript
from atlas.invariants.static.terms import and_, not_
from atlas.invariants.static.values import Choice, Function, Mapped, Value, is_expr, merge
from atlas.schema.static.values import Member

if TYPE_CHECKING:
    from atlas.invariants.static.machine import Machine

Rule = Callable[["Machine", "ast.AST", State], Value]


def _constant(m: Machine, node: ast.Constant, state: State) -> Value:
    if node.value is None or isinstance(node.value, bool | int | float | str):
        return Const(node.value)
    return Opaque(m.text(node), (), False)


def _tuple(m: Machine, node: ast.Tuple, state: State) -> Value:
    return display(m, "tuple", node.elts, state)


def _list(m: Machine, node: ast.List, state: State) -> Value:
    return display(m, "list", node.elts, state)


def _set(m: Machine, node: ast.Set, state: State) -> Value:
    return display(m, "set", node.elts, state)


def display(m: Machine, kind: str, nodes: list[ast.expr], state: State) -> Value:
    items: list[Item] = []
    unknown: Opaque | None = None
    for node in nodes:
        if not isinstance(node, ast.Starred):
            items.append(Item(m.value(node, state)))
            continue
        value = m.value(node.value, state)
        inner = known_items(m, value, state)
        if inner is None:
            unknown = m.opaque(node, state, value, environment=False)
        else:
            items += [Item(item, when) for when, item in inner]
    return state.new(Sequence(kind, tuple(items), unknown))


def _dict(m: Machine, node: ast.Dict, state: State) -> Value:
    items: dict[str | int | float | bool | Member | None, Item] = {}
    unknown: Opaque | None = None
    for key_node, value_node in zip(node.keys, node.values, strict=True):
        value = m.value(value_node, state)
        key = m.value(key_node, state) if key_node is not None else None
        thing = state.object(value)
        if isinstance(key, Member):
            items[key] = Item(value)
        elif isinstance(key, Const) and not isinstance(key.value, tuple | frozenset | dict):
            items[key.value] = Item(value)
        elif key is None and isinstance(thing, Table):
            items = updated(items, thing.items)
            unknown = unknown or thing.unknown
        else:
            unknown = m.opaque(node, state, value, environment=False)
    return state.new(Table(items, unknown))


def _conditional(m: Machine, node: ast.IfExp, state: State) -> Value:
    condition = m.test(node.test, state)
    if isinstance(condition, Const):
        return m.value(node.body if condition.value else node.orelse, state)
    sides: list[Value | None] = []
    base = state.path
    for side, its in ((node.body, condition), (node.orelse, not_(condition))):
        state.path = (*base, its)
        try:
            sides.append(m.value(side, state))
        except DeadError:
            sides.append(None)
    state.path = base
    then, other = sides
    if then is None and other is None:
        raise DeadError
    if then is None or other is None:
        return then if then is not None else other  # type: ignore[return-value]
    return merge(condition, then, other)


def _lambda(m: Machine, node: ast.Lambda, state: State) -> Value:
    return Function(node, m.scope, "<lambda>", closure={**m.frame.closure, **state.names})


# --- comprehensions ---------------------------------------------------------------------------------


def _comprehension(m: Machine, node: ast.ListComp | ast.SetComp | ast.GeneratorExp, state: State) -> Value:
    kind = "set" if isinstance(node, ast.SetComp) else "list"
    inner = state.fork()
    if len(node.generators) == 1:
        first = node.generators[0]
        value = m.value(first.iter, inner)
        items = known_items(m, value, inner)
        if isinstance(value, Choice) and items is None:
            return _of_choice(m, node, value, state)
        name = first.target.id if isinstance(first.target, ast.Name) else "item"
        mapped = symbolic_items(m, value, inner, name) if items is None else None
        if mapped is not None:
            if is_expr(value):
                iterated(m, value, inner, node)
            return _mapped(m, node, first, mapped, kind, inner)
    else:
        value = state.names.get("*none*", Const(None))
    rows = _rows(m, node.generators, TRUE, inner)
    if rows is None:
        return m.opaque(node, state, value, environment=False)
    items_ = tuple(Item(m.value(node.elt, row), when) for when, row in rows)  # type: ignore[arg-type]
    state.heap = inner.heap
    for _, row in rows:
        if len(row.heap) > len(inner.heap):
            state.heap = {**row.heap, **state.heap}
    return state.new(Sequence(kind, items_))


def _of_choice(
    m: Machine, node: ast.ListComp | ast.SetComp | ast.GeneratorExp, value: Choice, state: State
) -> Value:
    """Over one of two lists: one of two comprehensions."""
    out: list[Value] = []
    for side, condition in ((value.then, value.condition), (value.other, not_(value.condition))):
        name = f"*over {state.fresh()}*"
        first = ast.comprehension(
            node.generators[0].target, ast.Name(name, ast.Load()), node.generators[0].ifs, 0
        )
        again = type(node)(node.elt, [first])
        inner = state.fork(condition)
        inner.names[name] = side
        out.append(_comprehension(m, ast.copy_location(again, node), inner))
        state.heap = {**inner.heap, **state.heap}
    return merge(value.condition, out[0], out[1])


def _mapped(
    m: Machine,
    node: ast.ListComp | ast.SetComp | ast.GeneratorExp,
    first: ast.comprehension,
    mapped: Mapped,
    kind: str,
    inner: State,
) -> Value:
    assign(m, first.target, mapped.value, inner, m.statement or ast.Pass())
    condition = and_(mapped.condition, *(m.test(one, inner) for one in first.ifs))
    value = m.value(node.elt, inner)
    its = lowered(value, inner)
    made = Mapped(kind, mapped.var, mapped.over, condition, its if its is not None else value)
    is_same = condition == TRUE and value == Var(mapped.var) and kind == "list"
    return mapped.over if is_same and not is_expr(value) else made


def _rows(
    m: Machine, generators: list[ast.comprehension], when: object, state: State
) -> list[tuple[object, State]] | None:
    if not generators:
        return [(when, state)]
    first, rest = generators[0], generators[1:]
    items = known_items(m, m.value(first.iter, state), state)
    if items is None or len(items) > m.budget.rows:
        return None
    out: list[tuple[object, State]] = []
    for there, item in items:
        inner = state.fork()
        assign(m, first.target, item, inner, m.statement or ast.Pass())
        its = and_(when, there, *(m.test(test, inner) for test in first.ifs))  # type: ignore[arg-type]
        if its == FALSE:
            continue
        rows = _rows(m, rest, its, inner)
        if rows is None:
            return None
        out += rows
    return out


def _dict_comprehension(m: Machine, node: ast.DictComp, state: State) -> Value:
    rows = _rows(m, node.generators, TRUE, state.fork())
    if rows is None:
        value = m.value(node.generators[0].iter, state)
        return m.opaque(node, state, value, environment=False)
    items: dict[str | int | float | bool | Member | None, Item] = {}
    for when, row in rows:
        key = m.value(node.key, row)
        value = m.value(node.value, row)
        if len(row.heap) > len(state.heap):
            state.heap = {**row.heap, **state.heap}
        known = key.value if isinstance(key, Const) else key
        if not (isinstance(known, Member | str | int | float) or known is None):
            return m.opaque(node, state, key, value, environment=False)
        items[known] = Item(value, when)  # type: ignore[arg-type]
    return state.new(Table(items))


EXPRESSIONS: Mapping[type[ast.AST], Any] = {
    ast.Constant: _constant,
    ast.Name: names.name,
    ast.Attribute: attributes.attribute,
    ast.Subscript: subscript,
    ast.Call: calling.call,
    ast.Tuple: _tuple,
    ast.List: _list,
    ast.Set: _set,
    ast.Dict: _dict,
    ast.JoinedStr: strings.joined,
    ast.BinOp: arithmetic.binary,
    ast.UnaryOp: arithmetic.unary,
    ast.BoolOp: arithmetic.boolean,
    ast.Compare: comparison.compare,
    ast.IfExp: _conditional,
    ast.NamedExpr: assignment.named,
    ast.Lambda: _lambda,
    ast.ListComp: _comprehension,
    ast.SetComp: _comprehension,
    ast.GeneratorExp: _comprehension,
    ast.DictComp: _dict_comprehension,
}
