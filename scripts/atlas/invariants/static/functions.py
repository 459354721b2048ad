"""The engine's functions, executed where they are called."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import TYPE_CHECKING

from atlas.invariants.predicate import NONE, TRUE, Const, Field, Op, Opaque
from atlas.invariants.static.attributes import decorations
from atlas.invariants.static.dead import DeadError
from atlas.invariants.static.frames import Result
from atlas.invariants.static.joins import settle
from atlas.invariants.static.lowering import lowered
from atlas.invariants.static.mappings import conditional, unpacked
from atlas.invariants.static.measure import opaque_in
from atlas.invariants.static.objects import Item, Sequence, Table
from atlas.invariants.static.state import Over, State
from atlas.invariants.static.values import (
    Absent,
    Choice,
    Function,
    Known,
    Ref,
    UserKeywords,
    Value,
    combined,
    filled,
    merge,
    presence,
)
from atlas.schema.static.modules import Scope
from atlas.schema.static.values import Member

if TYPE_CHECKING:
    from atlas.invariants.static.machine import Machine

REST = "**"
"""Among keyword arguments: what the user gave and is passed on."""


COSTLY = 200
"""A call that takes so many statements is not executed over and over with the same arguments."""


class SignatureError(Exception):
    """The arguments do not fit the parameters."""


def run(
    m: Machine,
    function: Function,
    positional: list[Value],
    keywords: Mapping[str, Value],
    node: ast.AST,
    state: State,
) -> Value:
    """Execute a function's body on these arguments; the value is what it returns."""
    reason = _refused(m, function, state)
    given = [function.bound, *positional] if function.bound is not None else list(positional)
    if reason:
        m.cut.setdefault(id(function.node), reason)
        m.not_executed(function)
        return _unknown(m, given, keywords, node, state)
    try:
        names = bound(m, function, given, keywords, node, state)
    except SignatureError:
        return _unknown(m, given, keywords, node, state)
    if isinstance(function.node, ast.Lambda):
        return _lambda(m, function, names, state)
    key = (id(function.node), function.bound, tuple(names.values()))
    known, keeps = m.results.get(key), _keeps(function, names)
    if known is not None and (keeps or known.times >= m.budget.repeats):
        if isinstance(known.value, Ref | Choice):
            state.heap = {**known.heap, **state.heap}
        return known.value
    before = m.budget.statements
    value = _body(m, function, function.node, names, state)
    if keeps or before - m.budget.statements >= COSTLY:
        its = lowered(value, state)
        kept = its if isinstance(its, Const) else value
        m.results[key] = Result(known.times + 1 if known else 1, kept, state.heap)
    return value


def _keeps(function: Function, names: Mapping[str, Value]) -> bool:
    """Whether a function keeps its results, and these arguments are always the same."""
    assert not isinstance(function.node, ast.Lambda)
    if not decorations(function.node) & {"cache", "lru_cache"} or function.closure:
        return False
    return all(isinstance(one, Const | Known | Member) for one in names.values())


def _unknown(
    m: Machine, given: list[Value], keywords: Mapping[str, Value], node: ast.AST, state: State
) -> Value:
    made = m.opaque(node, state, *given, *keywords.values(), environment=False)
    m.may_raise(("Exception",), made, state)
    return made


def _refused(m: Machine, function: Function, state: State) -> str:
    """Why a function is not executed."""
    depth = sum(frame.node is function.node for frame in m.frames)
    if depth >= m.budget.repeats:
        return "recursion"
    if len(m.frames) >= m.budget.calls or m.budget.spent:
        return "budget"
    if len(state.path) > m.budget.doubts and _doubts(state) > m.budget.doubts:
        return "too much is unknown on the way to it"
    if isinstance(function.node, ast.AsyncFunctionDef):
        return "asynchronous"
    if isinstance(function.node, ast.FunctionDef):
        if decorations(function.node) & {"contextmanager", "asynccontextmanager"}:
            return "context manager"
        if m.is_generator(function.node):
            return "generator"
    return ""


def _doubts(state: State) -> int:
    """How many conditions on the way here nobody knows."""
    return sum(any(True for _ in opaque_in(one)) for one in state.path if not isinstance(one, Over))


def _lambda(m: Machine, function: Function, names: dict[str, Value], state: State) -> Value:
    assert isinstance(function.node, ast.Lambda)
    inner = state.callee(names)
    with m.inside(function):
        value = m.value(function.node.body, inner)
    state.heap, state.path = inner.heap, inner.path
    return value


def _body(
    m: Machine,
    function: Function,
    node: ast.FunctionDef | ast.AsyncFunctionDef,
    names: dict[str, Value],
    state: State,
) -> Value:
    inner = state.callee(names)
    base = state.fork()
    caught = m.caught
    with m.inside(function) as frame:
        falls = m.block(node.body, inner)
    ends: list[tuple[Value, State]] = [*frame.returns, *([(NONE, inner)] if falls else [])]
    if not ends:
        raise DeadError
    values = [(end.since(base.path), value) for value, end in ends]
    if not settle(base, [end for _, end in ends], caught != m.caught):
        raise DeadError
    state.heap, state.path = base.heap, base.path
    return combined(values)


# --- parameters ---------------------------------------------------------------------------------------


def bound(
    m: Machine,
    function: Function,
    positional: list[Value],
    keywords: Mapping[str, Value],
    node: ast.AST,
    state: State,
) -> dict[str, Value]:
    """Parameters with their values."""
    arguments = function.node.args
    names = [one.arg for one in (*arguments.posonlyargs, *arguments.args)]
    if len(positional) > len(names) and arguments.vararg is None:
        raise SignatureError
    out: dict[str, Value] = dict(zip(names, positional, strict=False))
    if arguments.vararg is not None:
        more = tuple(Item(one) for one in positional[len(names) :])
        out[arguments.vararg.arg] = state.new(Sequence("tuple", more))
    rest = keywords.get(REST)
    every = {*names, *(one.arg for one in arguments.kwonlyargs)}
    taken = {*names[: len(positional)], *(name for name in keywords if name != REST)}
    unpacked(m, rest, every if arguments.kwarg is None else None, _required(arguments), taken, node, state)
    extra = {name: value for name, value in keywords.items() if name not in every and name != REST}
    out.update({name: value for name, value in keywords.items() if name in every})
    _defaults(m, function, arguments, out, rest, state)
    if arguments.kwarg is not None:
        out[arguments.kwarg.arg] = _open(rest, extra, every, state)
    elif extra:
        raise SignatureError
    missing = every - out.keys()
    for name in missing:
        out[name] = Opaque(f"{name}", (), False)
    return out


def _required(arguments: ast.arguments) -> set[str]:
    """The parameters without a default."""
    names = [one.arg for one in (*arguments.posonlyargs, *arguments.args)]
    first = names[: len(names) - len(arguments.defaults)]
    pairs = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    return {*first, *(one.arg for one, default in pairs if default is None)}


def _open(rest: Value | None, extra: Mapping[str, Value], taken: set[str], state: State) -> Value:
    """What `**kwargs` holds."""
    if isinstance(rest, UserKeywords) and not extra:
        return rest.without(frozenset(taken))
    unknown = Opaque("**kwargs", (), False) if rest is not None else None
    return state.new(Table(conditional(extra), unknown))


def _defaults(
    m: Machine,
    function: Function,
    arguments: ast.arguments,
    out: dict[str, Value],
    rest: Value | None,
    state: State,
) -> None:
    """Parameters that the caller leaves out; what the user gives is passed on by `rest`."""
    names = [one.arg for one in (*arguments.posonlyargs, *arguments.args)]
    pairs = [*zip(reversed(names), reversed(arguments.defaults), strict=False)]
    pairs += [
        (one.arg, value)
        for one, value in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
        if value is not None
    ]
    defaults = dict(pairs)
    for name in [*names, *(one.arg for one in arguments.kwonlyargs)]:
        if name in out:
            if name in defaults and presence(out[name]) != TRUE:
                out[name] = filled(out[name], _evaluated(m, function, defaults[name], state))
            continue
        if isinstance(rest, UserKeywords) and name not in rest.taken:
            default = _evaluated(m, function, defaults[name], state) if name in defaults else Absent()
            out[name] = m.fields.passed_or(rest, name, default, state)
        elif isinstance(rest, Field):
            its, its_default = Field((*rest.path, name)), defaults.get(name)
            default = _evaluated(m, function, its_default, state) if its_default else Absent()
            given = Op("given", (its,))
            out[name] = its if isinstance(default, Absent | Opaque) else merge(given, its, default)
        elif name in defaults:
            out[name] = _evaluated(m, function, defaults[name], state)


def _evaluated(m: Machine, function: Function, node: ast.expr, state: State) -> Value:
    """A default, where the function was defined."""
    if isinstance(node, ast.Constant) and (
        node.value is None or isinstance(node.value, bool | int | float | str)
    ):
        return Const(node.value)
    with m.inside(function, Scope(function.scope.module, function.scope.classes)):
        return m.value(node, state.callee({}))
