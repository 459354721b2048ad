"""One function per kind of expression node: its value from the values of its parts.

They may raise what wrong operands raise; the evaluator turns that into an `Unknown`.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from atlas.schema.static import calls
from atlas.schema.static.functions import call
from atlas.schema.static.modules import Scope
from atlas.schema.static.operations import BINARY, COMPARE, UNARY, apply, plain, unpacked
from atlas.schema.static.values import Member, Reference, Unknown, source_text, unknown_inside

if TYPE_CHECKING:
    from atlas.schema.static.evaluate import Evaluator

Step = Callable[["Evaluator", Any, Scope, int], Any]


def _constant(_: Evaluator, node: ast.Constant, _scope: Scope, _depth: int) -> Any:
    return node.value


def _name(ev: Evaluator, node: ast.Name, scope: Scope, depth: int) -> Any:
    if node.id in scope.local:
        return scope.local[node.id]
    found = ev.index.name(scope, node.id)
    return ev.definition(found, depth) if found else Unknown(node.id)


def _attribute(ev: Evaluator, node: ast.Attribute, scope: Scope, depth: int) -> Any:
    found = ev.index.expression(node, scope)
    if found and found.kind == "value" and isinstance(node.value, ast.Name | ast.Attribute):
        owner = ev.index.expression(node.value, scope)
        if owner and owner.kind != "class":  # what a class leaves of a field is for `class_attribute`
            return ev.definition(found, depth)
    elif found:
        return ev.definition(found, depth)
    return _member(ev, ev.step(node.value, scope, depth), node, scope)


def _member(ev: Evaluator, owner: Any, node: ast.Attribute, scope: Scope) -> Any:
    if isinstance(owner, Unknown):
        return unknown(node, scope, owner)
    if isinstance(owner, Member) and node.attr in ("value", "name", "_value_", "_name_"):
        return owner.name if "name" in node.attr else owner.value
    if isinstance(owner, Reference):
        if owner.definition.kind == "class":
            return ev.class_attribute(owner.definition, node.attr)
        found = ev.index.member(owner.definition, node.attr)
        return ev.definition(found) if found else unknown(node, scope)
    return unknown(node, scope)


# --- displays ---------------------------------------------------------------------------------------


def _list(ev: Evaluator, node: ast.List, scope: Scope, depth: int) -> Any:
    return ev.elements(node.elts, scope, depth)


def _tuple(ev: Evaluator, node: ast.Tuple, scope: Scope, depth: int) -> Any:
    return tuple(ev.elements(node.elts, scope, depth))


def _set(ev: Evaluator, node: ast.Set, scope: Scope, depth: int) -> Any:
    return set(ev.elements(node.elts, scope, depth))


def _dict(ev: Evaluator, node: ast.Dict, scope: Scope, depth: int) -> Any:
    out: dict[Any, Any] = {}
    for key, value in zip(node.keys, node.values, strict=True):
        its = ev.step(value, scope, depth)
        if key is not None:
            out[ev.step(key, scope, depth)] = its
        elif isinstance(its, dict):
            out.update(its)
        else:
            return unknown(node, scope)
    return out


def _joined_string(ev: Evaluator, node: ast.JoinedStr, scope: Scope, depth: int) -> Any:
    parts: list[str] = []
    for part in node.values:
        if not isinstance(part, ast.FormattedValue):
            parts.append(str(ev.step(part, scope, depth)))
            continue
        value = plain(ev.step(part.value, scope, depth))
        form = ev.step(part.format_spec, scope, depth) if part.format_spec else ""
        if failed := _failed(node, scope, value, form):
            return failed
        parts.append(calls.formatted(value, part.conversion, form))
    return "".join(parts)


# --- operators --------------------------------------------------------------------------------------


def _unary(ev: Evaluator, node: ast.UnaryOp, scope: Scope, depth: int) -> Any:
    value = plain(ev.step(node.operand, scope, depth))
    return _failed(node, scope, value) or UNARY[type(node.op)](value)


def _binary(ev: Evaluator, node: ast.BinOp, scope: Scope, depth: int) -> Any:
    left = plain(ev.step(node.left, scope, depth))
    right = plain(ev.step(node.right, scope, depth))
    return _failed(node, scope, left, right) or apply(BINARY[type(node.op)], left, right)


def _boolean(ev: Evaluator, node: ast.BoolOp, scope: Scope, depth: int) -> Any:
    value: Any = None
    for part in node.values:
        value = ev.step(part, scope, depth)
        if isinstance(value, Unknown | Reference):
            return unknown(node, scope, value)
        if bool(value) == isinstance(node.op, ast.Or):
            return value
    return value


def _compare(ev: Evaluator, node: ast.Compare, scope: Scope, depth: int) -> Any:
    left = ev.step(node.left, scope, depth)
    for sign, right_node in zip(node.ops, node.comparators, strict=True):
        right = ev.step(right_node, scope, depth)
        if failed := _failed(node, scope, left, right):
            return failed
        if not COMPARE[type(sign)](left, right):
            return False
        left = right
    return True


def _conditional(ev: Evaluator, node: ast.IfExp, scope: Scope, depth: int) -> Any:
    test = ev.step(node.test, scope, depth)
    if isinstance(test, Unknown | Reference):
        return unknown(node, scope, test)
    return ev.step(node.body if test else node.orelse, scope, depth)


def _subscript(ev: Evaluator, node: ast.Subscript, scope: Scope, depth: int) -> Any:
    owner = ev.step(node.value, scope, depth)
    if isinstance(node.slice, ast.Slice):
        bounds = [
            ev.step(part, scope, depth) if part else None
            for part in (node.slice.lower, node.slice.upper, node.slice.step)
        ]
        return _failed(node, scope, owner, *bounds) or owner[slice(*bounds)]
    key = ev.step(node.slice, scope, depth)
    if isinstance(owner, Reference):
        return _item_of_reference(ev, owner, key, node, scope)
    return _failed(node, scope, owner, key) or owner[key]


def _item_of_reference(ev: Evaluator, owner: Reference, key: Any, node: ast.Subscript, scope: Scope) -> Any:
    """`SomeEnum["NAME"]` is a member; `os.environ["NAME"]` is unknown, but tells the variable."""
    if owner.definition.kind == "class":
        members = ev.class_attribute(owner.definition, "__members__")
        if isinstance(members, dict) and isinstance(key, str):
            return members[key]
    is_environment = owner.definition.qualname == "os.environ" and isinstance(key, str)
    return Unknown(source_text(node, scope.module), key if is_environment else None)


def _walrus(ev: Evaluator, node: ast.NamedExpr, scope: Scope, depth: int) -> Any:
    return ev.step(node.value, scope, depth)


# --- comprehensions ---------------------------------------------------------------------------------


def _list_comprehension(
    ev: Evaluator, node: ast.ListComp | ast.GeneratorExp, scope: Scope, depth: int
) -> Any:
    return [ev.step(node.elt, one, depth) for one in _rows(ev, node.generators, scope, depth)]


def _set_comprehension(ev: Evaluator, node: ast.SetComp, scope: Scope, depth: int) -> Any:
    return {ev.step(node.elt, one, depth) for one in _rows(ev, node.generators, scope, depth)}


def _dict_comprehension(ev: Evaluator, node: ast.DictComp, scope: Scope, depth: int) -> Any:
    return {
        ev.step(node.key, one, depth): ev.step(node.value, one, depth)
        for one in _rows(ev, node.generators, scope, depth)
    }


def _rows(ev: Evaluator, generators: list[ast.comprehension], scope: Scope, depth: int) -> Iterator[Scope]:
    if not generators:
        yield scope
        return
    first, rest = generators[0], generators[1:]
    for item in ev.iterate(ev.step(first.iter, scope, depth)):
        inner = scope.with_local(dict(unpacked(first.target, item)))
        tests = [ev.step(test, inner, depth) for test in first.ifs]
        if unknown_inside(tests):
            raise ValueError("a condition is unknown")
        if all(tests):
            yield from _rows(ev, rest, inner, depth)


# --- results that are not known ---------------------------------------------------------------------


def unknown(node: ast.AST, scope: Scope, because: Any = None) -> Unknown:
    """The node as an Unknown, which reads the environment if its cause does."""
    return Unknown(source_text(node, scope.module), getattr(because, "env", None))


def _failed(node: ast.AST, scope: Scope, *parts: Any) -> Unknown | None:
    for part in parts:
        if isinstance(part, Unknown | Reference):
            return unknown(node, scope, part)
    return None


STEPS: Mapping[type[ast.expr], Step] = {
    ast.Constant: _constant,
    ast.Name: _name,
    ast.Attribute: _attribute,
    ast.List: _list,
    ast.Tuple: _tuple,
    ast.Set: _set,
    ast.Dict: _dict,
    ast.JoinedStr: _joined_string,
    ast.UnaryOp: _unary,
    ast.BinOp: _binary,
    ast.BoolOp: _boolean,
    ast.Compare: _compare,
    ast.IfExp: _conditional,
    ast.Subscript: _subscript,
    ast.NamedExpr: _walrus,
    ast.ListComp: _list_comprehension,
    ast.GeneratorExp: _list_comprehension,
    ast.SetComp: _set_comprehension,
    ast.DictComp: _dict_comprehension,
    ast.Call: call,
}
