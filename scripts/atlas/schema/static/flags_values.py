"""What expressions stand for in code that builds a parser, and the constants among them."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from atlas.schema.static.evaluate import Evaluator
from atlas.schema.static.modules import Definition, Scope
from atlas.schema.static.values import Unknown

FunctionNode: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef

_MAX_DEPTH = 20


@dataclass(frozen=True)
class ParserValue:
    """A parser, or a group of one."""


@dataclass(frozen=True, eq=False)
class Table:
    """Arguments made from the fields of a class, by field: what `f(Config)` gives.

    `changed`: by field, the arguments that code sets afterwards.
    """

    owner: str
    negatable: bool
    changed: dict[str, dict[str, Bound]] = field(default_factory=dict)


@dataclass(frozen=True)
class Entry:
    """The arguments made from one field, with what the code says instead."""

    table: Table
    name: str
    instead: Mapping[str, Bound] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Frame:
    """Where code runs: the scope of its names, and the values of its local variables."""

    scope: Scope
    local: dict[str, Any]


@dataclass(frozen=True)
class Bound:
    """An expression and where it stands."""

    node: ast.expr
    frame: Frame


@dataclass(frozen=True, eq=False)
class Known:
    """A constant: an item of what a loop goes over, or the `*names` that a helper was given."""

    value: Any


@dataclass(frozen=True, eq=False)
class Keywords:
    """The `**options` that a helper was given."""

    items: Mapping[str, Any]


@dataclass(frozen=True)
class Nested:
    """A function defined inside another."""

    node: FunctionNode
    frame: Frame


ValueOf: TypeAlias = Callable[[ast.expr, Frame], Any]
"""What an expression stands for where it is."""


class Constants:
    """Evaluates expressions with the local variables of the code that they stand in."""

    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator = evaluator

    def of(self, bound: Bound, depth: int = 0) -> Any:
        """The value of an expression, local variables included."""
        frame = bound.frame
        local: dict[str, object] = {}
        for part in ast.walk(bound.node):
            if isinstance(part, ast.Name) and part.id in frame.local:
                local[part.id] = self._local(frame.local[part.id], bound.node, depth)
        return self.evaluator.evaluate(bound.node, frame.scope.with_local(local))

    def _local(self, value: Any, within: ast.expr, depth: int) -> Any:
        if isinstance(value, Known):
            return value.value
        if isinstance(value, Definition):
            return self.evaluator.definition(value)
        if isinstance(value, Bound) and value.node is not within and depth < _MAX_DEPTH:
            return self.of(value, depth + 1)
        return Unknown(ast.unparse(within))


def spread_items(spread: Bound) -> Iterator[tuple[str, Bound]]:
    """Arguments in `**{"default": None}` or `**dict(default=None)`."""
    match spread.node:
        case ast.Dict(keys=keys, values=values):
            for key, value in zip(keys, values, strict=True):
                if isinstance(key, ast.Constant):
                    yield str(key.value), Bound(value, spread.frame)
        case ast.Call(func=ast.Name(id="dict"), keywords=keywords):
            for keyword in keywords:
                if keyword.arg:
                    yield keyword.arg, Bound(keyword.value, spread.frame)


def spread_entry(
    keys: Sequence[ast.expr | None], values: Sequence[ast.expr], frame: Frame, value_of: ValueOf
) -> Entry | None:
    """`{**table["x"], "default": None}`."""
    entry: Entry | None = None
    for key, value in zip(keys, values, strict=True):
        if key is None and isinstance(found := value_of(value, frame), Entry):
            entry = found
        elif entry and isinstance(key, ast.Constant):
            entry = replace(entry, instead={**entry.instead, str(key.value): Bound(value, frame)})
    return entry


def change(node: ast.expr, frame: Frame, value: ast.expr | None = None) -> None:
    """Code changes a local list, or `table["field"]["choices"]`: what was known of it holds no longer."""
    match node:
        case ast.Name(id=name) if isinstance(frame.local.get(name), Bound):
            frame.local[name] = Known(Unknown(name))
        case ast.Subscript(
            value=ast.Subscript(value=ast.Name(id=name), slice=ast.Constant(value=str(field))),
            slice=ast.Constant(value=str(key)),
        ) if isinstance(table := frame.local.get(name), Table):
            changed = Bound(value or ast.Constant(...), frame)
            table.changed[field] = {**table.changed.get(field, {}), key: changed}
