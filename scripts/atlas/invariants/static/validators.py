"""pydantic's validators (and attrs'): which functions check which fields, and what they make of them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import TYPE_CHECKING

from atlas.invariants.predicate import TRUE, Const, Field, Op, Opaque
from atlas.invariants.static.conversions import HANDLER, converted
from atlas.invariants.static.functions import run
from atlas.invariants.static.lowering import lowered
from atlas.invariants.static.state import State
from atlas.invariants.static.terms import not_, op
from atlas.invariants.static.values import Function, Known, Method, Ref, UserKeywords, Value, is_expr, merge
from atlas.schema.static import settings
from atlas.schema.static.calls import short
from atlas.schema.static.classify import ClassView
from atlas.schema.static.modules import Definition

if TYPE_CHECKING:
    from atlas.invariants.static.machine import Machine

_FIELD = ("field_validator", "validator")
_WHOLE = ("model_validator", "root_validator")


@dataclass(frozen=True)
class Validator:
    """`mode`: before, after, wrap or plain. `names` are its fields; `*` is all of them."""

    node: ast.FunctionDef
    owner: Definition
    mode: str
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Validators:
    before: tuple[Validator, ...] = ()
    after: tuple[Validator, ...] = ()
    fields: tuple[Validator, ...] = ()
    defaults: bool = dataclass_field(default=False)
    """Whether defaults are validated too."""

    def of(self, name: str) -> FieldValidators:
        chosen = tuple(one for one in self.fields if name in one.names or "*" in one.names)
        return FieldValidators(chosen, self.defaults)


@dataclass(frozen=True)
class FieldValidators:
    all: tuple[Validator, ...]
    defaults: bool


def of_class(m: Machine, view: ClassView) -> Validators:
    """The validators of a class and its bases, in the order in which they run."""
    if view.family not in ("pydantic", "pydantic_dataclass", "attrs"):
        return Validators()
    every: dict[str, tuple[str, Validator]] = {}
    for base in reversed(view.mro):
        if isinstance(base.node, ast.ClassDef):
            for kind, one in _own(m, base, base.node):
                every[one.node.name] = (kind, one)
    whole = [one for kind, one in every.values() if kind == "whole"]
    return Validators(
        before=tuple(one for one in whole if one.mode in ("before", "wrap")),
        after=tuple(one for one in whole if one.mode == "after"),
        fields=tuple(one for kind, one in every.values() if kind == "field"),
        defaults=settings.model_config(view, m.reader).get("validate_default") is True,
    )


def _own(m: Machine, base: Definition, node: ast.ClassDef) -> Iterator[tuple[str, Validator]]:
    for statement in node.body:
        if not isinstance(statement, ast.FunctionDef):
            continue
        for decorator in statement.decorator_list:
            call = decorator if isinstance(decorator, ast.Call) else None
            name = short(ast.unparse(call.func if call else decorator))
            if name in _FIELD and call:
                names = tuple(str(one.value) for one in call.args if isinstance(one, ast.Constant))
                default = "before" if _flag(call, "pre") else "after"
                yield "field", Validator(statement, base, _mode(call, default), names)
            elif name in _WHOLE:
                default = "before" if name == "root_validator" and _flag(call, "pre") else "after"
                yield "whole", Validator(statement, base, _mode(call, default))
            elif name == "validator" and isinstance(decorator, ast.Attribute):
                yield "field", Validator(statement, base, "attrs", (ast.unparse(decorator.value),))


def _mode(call: ast.Call | None, default: str) -> str:
    for one in call.keywords if call else ():
        if one.arg == "mode" and isinstance(one.value, ast.Constant):
            return str(one.value.value)
    return default


def _flag(call: ast.Call | None, name: str) -> bool:
    return any(
        one.arg == name and isinstance(one.value, ast.Constant) and one.value.value is True
        for one in (call.keywords if call else ())
    )


# --- running them ---------------------------------------------------------------------------------------


def field(
    m: Machine,
    found: FieldValidators,
    name: str,
    value: Value,
    view: ClassView,
    node: ast.AST,
    state: State,
) -> Value:
    """What the validators of a field make of its value; defaults are not validated."""
    if not found.all:
        return value
    its = lowered(value, state)
    given = op("given", its) if isinstance(its, Field) and not found.defaults else TRUE
    inner = state.fork(given)
    now = value
    order = {"before": 0, "wrap": 1, "plain": 1, "after": 2, "attrs": 3}
    for one in sorted(found.all, key=lambda one: order.get(one.mode, 2)):
        now = _validated(m, one, name, value, now, view, node, inner)
    other = state.fork(not_(given))
    if given == TRUE:
        state.become(inner)
    else:
        state.join(given, inner, other)
    if now == value:
        return value
    result = merge(given, now, value)
    m.record_change(name, result, found.all[-1].node, view, state.fork(given))
    return result


def _validated(
    m: Machine,
    one: Validator,
    name: str,
    first: Value,
    now: Value,
    view: ClassView,
    node: ast.AST,
    state: State,
) -> Value:
    raw: Value = op("raw", first) if isinstance(first, Field) and m.target.converts == "lax" else now
    handler = Method(now, HANDLER)
    info: Value = Opaque("info", (), False)
    if one.mode == "attrs":
        _run(m, one, view, [info, now], node, state)
        return now
    arguments = {"before": [raw, info], "wrap": [raw, handler, info], "after": [now, info]}.get(
        one.mode, [now, info]
    )
    made = _run(m, one, view, arguments[: _parameters(one)], node, state)
    if one.mode == "before":
        return now if made == raw else converted(m, made, name, state)
    return skipping_none(made, raw, now)


def skipping_none(made: Value, raw: Value, now: Value) -> Value:
    """`None if raw is None else value` of a value that is None itself then."""
    if isinstance(made, Op) and made.name == "if":
        condition, then, other = made.args
        is_none = is_expr(raw) and condition == Op("==", (raw, Const(None)))
        if is_none and then in (Const(None), raw) and other == now:
            return now
    return made


def _parameters(one: Validator) -> int:
    """How many arguments besides the class it takes."""
    count = len(one.node.args.posonlyargs) + len(one.node.args.args)
    static = any("staticmethod" in ast.unparse(deco) for deco in one.node.decorator_list)
    return count if static else count - 1


def _run(
    m: Machine, one: Validator, view: ClassView, arguments: list[Value], node: ast.AST, state: State
) -> Value:
    assert one.owner.scope and isinstance(one.owner.node, ast.ClassDef)
    first = Known(view.qualname, view.definition)
    static = any("staticmethod" in ast.unparse(deco) for deco in one.node.decorator_list)
    function = Function(
        one.node,
        one.owner.scope.inside(one.owner.node),
        f"{one.owner.qualname}.{one.node.name}",
        one.owner,
        bound=None if static else first,
    )
    return run(m, function, arguments, {}, node, state)


def whole_before(
    m: Machine, one: Validator, view: ClassView, rest: Value | None, node: ast.AST, state: State
) -> None:
    given = rest if isinstance(rest, UserKeywords) else Opaque("data", (), False)
    arguments: list[Value] = [given, Opaque("info", (), False), Opaque("info", (), False)]
    _run(m, one, view, arguments[: _parameters(one)], node, state)


def whole_after(m: Machine, one: Validator, view: ClassView, ref: Ref, node: ast.AST, state: State) -> None:
    assert one.owner.scope and isinstance(one.owner.node, ast.ClassDef)
    its_class = any("classmethod" in ast.unparse(deco) for deco in one.node.decorator_list)
    if its_class:
        with_class: list[Value] = [ref, Opaque("info", (), False)]
        _run(m, one, view, with_class[: _parameters(one)], node, state)
        return
    function = Function(
        one.node,
        one.owner.scope.inside(one.owner.node),
        f"{one.owner.qualname}.{one.node.name}",
        one.owner,
        bound=ref,
    )
    info: list[Value] = [Opaque("info", (), False)]
    run(m, function, info[: _parameters(one)], {}, node, state)
