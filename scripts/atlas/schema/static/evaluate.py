"""Constant evaluation of expressions in engine sources, without running them.

Total: every expression gives a value or an `Unknown` with its text. Only pure operations on constants are
computed; anything that depends on the machine, the environment or a library is unknown.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from atlas.schema.static import calls
from atlas.schema.static.expressions import STEPS, unknown
from atlas.schema.static.modules import Definition, Scope, SourceIndex
from atlas.schema.static.operations import BINARY, MAX_ITEMS, apply
from atlas.schema.static.values import Reference, Unknown, unknown_inside

_MAX_DEPTH = 80
_FAILURES = (
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    RecursionError,
    TypeError,
    ValueError,
)

ClassAttribute = Callable[[Definition, str], Any]


class Evaluator:
    """Evaluates expressions over a source index.

    `class_attribute` answers `SomeClass.name` (a field's default, an enum member) and `literal_values` what
    an alias for a `Literal` lists; the parts that understand classes and annotations put them in.
    """

    def __init__(self, index: SourceIndex) -> None:
        self.index = index
        self.class_attribute: ClassAttribute = lambda owner, name: Unknown(f"{owner.qualname}.{name}")
        self.literal_values: Callable[[ast.expr, Scope], list[Any] | None] = lambda _node, _scope: None
        self._values: dict[int, Any] = {}
        self._active: set[int] = set()

    def evaluate(self, node: ast.expr, scope: Scope, depth: int = 0) -> Any:
        """The value of an expression, or an Unknown; a container with an unknown part is unknown."""
        try:
            value = self.step(node, scope, depth)
        except _FAILURES:
            return unknown(node, scope)
        inner = unknown_inside(value)
        return value if inner is None or inner is value else unknown(node, scope, inner)

    def definition(self, found: Definition, depth: int = 0) -> Any:
        """The value that a definition stands for; classes, functions and externals are References."""
        if found.kind != "value" or not isinstance(found.node, ast.expr) or found.scope is None:
            return calls.external_value(found.qualname, Reference(found, found.qualname))
        key = id(found.node)
        if key in self._values:
            return self._values[key]
        if key in self._active or depth > _MAX_DEPTH:
            return Unknown(found.qualname)
        self._active.add(key)
        try:
            value = self._assigned(found, found.node, found.scope, depth + 1)
        except _FAILURES:
            value = Unknown(found.qualname)
        finally:
            self._active.discard(key)
        self._values[key] = value
        return value

    def _assigned(self, found: Definition, node: ast.expr, scope: Scope, depth: int) -> Any:
        """The value a name has at the end of its module: after all that is added to it, in every case."""
        value = self.evaluate(node, scope, depth)
        for other in found.others:
            if repr(self.evaluate(other, scope, depth)) != repr(value):
                return Unknown(found.qualname)
        for grow in found.grows:
            if isinstance(value, Unknown):
                break
            value = self._grown(value, grow, scope, depth)
        return Unknown(found.qualname, value.env) if isinstance(value, Unknown) and found.grows else value

    def _grown(self, value: Any, grow: ast.AST, scope: Scope, depth: int) -> Any:
        if isinstance(grow, ast.AugAssign):
            extra = self.evaluate(grow.value, scope, depth)
            return extra if isinstance(extra, Unknown) else apply(BINARY[type(grow.op)], value, extra)
        if not isinstance(grow, ast.Expr) or not isinstance(grow.value, ast.Call):
            return Unknown("")
        change = grow.value
        arguments = [self.evaluate(argument, scope, depth) for argument in change.args]
        if unknown_inside(arguments) or change.keywords or not isinstance(change.func, ast.Attribute):
            return Unknown("")
        value = calls.copied(value)
        getattr(value, change.func.attr)(*arguments)
        return value

    def step(self, node: ast.expr, scope: Scope, depth: int) -> Any:
        """The value of a part of an expression; raises where its operands do not fit."""
        rule = STEPS.get(type(node))
        if rule is None or depth > _MAX_DEPTH:
            return unknown(node, scope)
        return rule(self, node, scope, depth + 1)

    def elements(self, nodes: list[ast.expr], scope: Scope, depth: int) -> list[Any]:
        """Values of a display or an argument list, `*` unpacked."""
        out: list[Any] = []
        for node in nodes:
            if isinstance(node, ast.Starred):
                out.extend(self.iterate(self.step(node.value, scope, depth)))
            else:
                out.append(self.step(node, scope, depth))
        return out

    def iterate(self, value: Any) -> list[Any]:
        """The items of an iterable constant; an enum class gives its members."""
        if isinstance(value, Reference) and value.definition.kind == "class":
            members = self.class_attribute(value.definition, "__members__")
            if isinstance(members, dict):
                return list(members.values())
        if isinstance(value, str | list | tuple | dict | set | frozenset | range) and len(value) <= MAX_ITEMS:
            return sorted(value, key=repr) if isinstance(value, set | frozenset) else list(value)
        raise TypeError("not iterable here")
