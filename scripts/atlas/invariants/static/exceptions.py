"""Exceptions: what a `raise` raises, and what a handler catches."""

from __future__ import annotations

import ast
import builtins
from typing import TYPE_CHECKING

from atlas.invariants.predicate import NONE
from atlas.invariants.static.state import State
from atlas.invariants.static.values import Choice, Known, Raised, Value
from atlas.schema.static.calls import short
from atlas.schema.static.modules import Definition

if TYPE_CHECKING:
    from atlas.invariants.static.machine import Machine

ANY = Raised("Exception", ("BaseException",), NONE)


def of_statement(m: Machine, node: ast.Raise, state: State) -> Raised:
    if node.exc is None:
        return _active(state)
    return of_value(m, m.value(node.exc, state))


def of_value(m: Machine, value: Value) -> Raised:
    if isinstance(value, Raised):
        return value
    if isinstance(value, Known):
        return made(m, value, NONE)
    if isinstance(value, Choice):
        return of_value(m, value.then)
    return ANY


def _active(state: State) -> Raised:
    """What a bare `raise` raises again."""
    found = state.names.get("*handled*")
    return found if isinstance(found, Raised) else ANY


def made(m: Machine, cls: Known, message: Value) -> Raised:
    return Raised(short(cls.qualname), bases(m, cls.definition), message)


def is_exception(m: Machine, found: Definition) -> bool:
    return "BaseException" in bases(m, found) or short(found.qualname) in ("Exception", "BaseException")


def bases(m: Machine, found: Definition) -> tuple[str, ...]:
    """The names of the classes that an exception class inherits from, its own name left out."""
    if found.kind == "class":
        view = m.reader.classifier.view(found)
        if view is None:
            return ()
        inside = [short(base.qualname) for base in view.mro[1:]]
        outside = [name for base in view.outside for name in (short(base), *_builtin_bases(short(base)))]
        return tuple(dict.fromkeys([*inside, *outside]))
    return _builtin_bases(short(found.qualname))


def _builtin_bases(name: str) -> tuple[str, ...]:
    found = getattr(builtins, name, None)
    if isinstance(found, type) and issubclass(found, BaseException):
        return tuple(base.__name__ for base in found.__mro__[1:] if base is not object)
    return ("Exception", "BaseException") if name.endswith(("Error", "Exception")) else ()


def handled(m: Machine, node: ast.ExceptHandler, state: State) -> frozenset[str]:
    """The names of the exceptions that a handler takes."""
    if node.type is None:
        return frozenset({"BaseException"})
    parts = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
    return frozenset(ast.unparse(part).rpartition(".")[2] for part in parts)
