"""A walk through the code that builds a parser: every `add_argument` it reaches, with its arguments.

Both sides of a condition are taken, since which one runs depends on the machine. Nothing is executed:
values come from the evaluator, and what can't be told is reported.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from atlas.schema.facts import FieldFact, FlagFact, Limitation
from atlas.schema.static.evaluate import Evaluator
from atlas.schema.static.flags_argument import read_argument
from atlas.schema.static.flags_callee import adds_argument, callee_of, mentions
from atlas.schema.static.flags_calls import arguments_of, imported, positional, returns_parser
from atlas.schema.static.flags_fields import field_flags
from atlas.schema.static.flags_loops import bind, owner_of_loop, rows_of, scope_of
from atlas.schema.static.flags_values import (
    Bound,
    Constants,
    Entry,
    Frame,
    FunctionNode,
    Keywords,
    Known,
    Nested,
    ParserValue,
    Table,
    change,
    spread_entry,
    spread_items,
)
from atlas.schema.static.modules import Definition, SourceIndex
from atlas.schema.static.values import Unknown

FieldsOf = Callable[[str], Mapping[str, FieldFact]]

_GROUPS = {"add_argument_group", "add_mutually_exclusive_group", "add_subparsers", "add_parser"}
_CHANGES = {"append", "add", "extend", "insert", "remove", "update", "pop", "discard", "clear", "setdefault"}
_MAX_DEPTH = 20


class Walker:
    """Collects the flags of one parser."""

    def __init__(
        self,
        index: SourceIndex,
        evaluator: Evaluator,
        owner: str | None,
        fields: Mapping[str, FieldFact],
        fields_of: FieldsOf,
    ) -> None:
        self._index = index
        self._constants = Constants(evaluator)
        self._owner = owner
        self._fields = fields
        self._fields_of = fields_of
        self._active: list[str] = []
        self.flags: list[FlagFact] = []
        self.deprecated: set[str] = set()
        self.limitations: list[Limitation] = []

    def enter(self, target: Definition) -> None:
        """Walk a function from outside: its first parameter, if any, is the parser."""
        assert isinstance(target.node, FunctionNode)
        arguments = [a for a in positional(target.node) if a.arg not in ("self", "cls")]
        named = [a for a in arguments if "parser" in a.arg.lower()] or arguments[:1]
        self._run(target, {a.arg: ParserValue() for a in named})

    def _run(self, target: Definition, local: dict[str, Any]) -> None:
        if target.qualname in self._active or len(self._active) > _MAX_DEPTH or target.scope is None:
            return
        assert isinstance(target.node, FunctionNode)
        self._active.append(target.qualname)
        self._block(target.node.body, Frame(target.scope, local))
        self._active.pop()

    # --- statements ----------------------------------------------------------------------------------

    def _block(self, body: Sequence[ast.stmt], frame: Frame) -> None:
        for statement in body:
            self._statement(statement, frame)

    def _statement(self, statement: ast.stmt, frame: Frame) -> None:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                frame.local[name] = self._value(value, frame)
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                frame.local[name] = self._value(value, frame)
            case ast.Assign(targets=[ast.Subscript() as target], value=value):
                self._value(value, frame)
                change(target, frame, value)
            case ast.AugAssign(target=ast.Name(id=name), value=value):
                self._value(value, frame)
                frame.local[name] = Known(Unknown(name))
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                frame.local[statement.name] = Nested(statement, frame)
            case ast.Import() | ast.ImportFrom():
                frame.local.update(imported(statement, frame.scope, self._index))
            case ast.For(body=body) if (owner := owner_of_loop(statement, frame, self._index)) is not None:
                self._field_loop(statement, owner)
            case ast.For(target=target, body=body, iter=rows) if (
                found := rows_of(rows, frame, self._value, self._constants)
            ) is not None:
                for row in found:
                    bind(target, row, frame, self._value)
                    self._block(body, frame)
            case ast.If(body=body, orelse=orelse) | ast.For(body=body, orelse=orelse):
                self._block([*body, *orelse], frame)
            case ast.While(body=body) | ast.With(body=body):
                self._block(body, frame)
            case ast.Try(body=body, handlers=handlers, orelse=orelse, finalbody=final):
                self._block([*body, *(s for h in handlers for s in h.body), *orelse, *final], frame)
            case _:
                for part in ast.iter_child_nodes(statement):
                    if isinstance(part, ast.expr):
                        self._value(part, frame)

    # --- expressions ---------------------------------------------------------------------------------

    def _value(self, node: ast.expr, frame: Frame) -> Any:
        """What an expression stands for, as far as parsers go; calls in it are followed."""
        match node:
            case ast.Name(id=name):
                if name in frame.local:
                    return frame.local[name]
                return self._index.expression(node, frame.scope) or Bound(node, frame)
            case ast.Call():
                return self._call(node, frame)
            case ast.Attribute(value=value, attr=attr):
                if attr in ("parser", "subparsers"):
                    return ParserValue()
                self._value(value, frame)
                return self._index.expression(node, frame.scope) or Bound(node, frame)
            case ast.Subscript(value=value, slice=ast.Constant(value=str(name))):
                table = self._value(value, frame)
                if isinstance(table, Table):
                    return Entry(table, name, table.changed.get(name, {}))
                return Bound(node, frame)
            case ast.Dict(keys=keys, values=values) if None in keys:
                return spread_entry(keys, values, frame, self._value) or Bound(node, frame)
        for part in ast.iter_child_nodes(node):
            if isinstance(part, ast.expr):
                self._value(part, frame)
        return Bound(node, frame)

    def _call(self, node: ast.Call, frame: Frame) -> Any:
        if isinstance(node.func, ast.Attribute) and node.func.attr in _GROUPS:
            return ParserValue()
        if adds_argument(node.func, frame, self._value):
            self._argument(node, frame)
            return Bound(node, frame)
        if isinstance(node.func, ast.Attribute) and node.func.attr in _CHANGES:
            change(node.func.value, frame)
        given = [self._value(argument, frame) for argument in node.args]
        named = {each.arg: self._value(each.value, frame) for each in node.keywords if each.arg}
        callee = callee_of(self._index, node.func, frame)
        # A function defined in place has the parser without being handed it.
        handed = any(isinstance(value, ParserValue) for value in [*given, *named.values()])
        if handed or isinstance(callee, Nested):
            returned = self._follow(node, callee, given, named)
            return ParserValue() if returned else Bound(node, frame)
        if isinstance(callee, Definition) and callee.qualname.endswith("Parser"):
            return ParserValue()
        classes = [value for value in given if isinstance(value, Definition) and value.kind == "class"]
        if len(given) == 1 and classes and isinstance(callee, Definition) and callee.kind == "function":
            return Table(classes[0].qualname, mentions(self._index, callee, "BooleanOptionalAction"))
        return Bound(node, frame)

    def _follow(
        self, node: ast.Call, callee: Definition | Nested | None, given: list[Any], named: dict[str, Any]
    ) -> bool:
        """Walk a function that is handed the parser; whether it gives a parser back."""
        if isinstance(callee, Nested):
            passed = arguments_of(callee.node, given, named, callee.frame, self._constants)
            local = {**callee.frame.local, **passed}
            name = f"{self._active[-1]}.<locals>.{callee.node.name}"
            target = Definition(name, "function", callee.node, callee.frame.scope)
        elif callee and isinstance(callee.node, FunctionNode) and callee.scope:
            target = callee
            local = arguments_of(callee.node, given, named, Frame(callee.scope, {}), self._constants)
        else:
            if callee is None or self._index.owns(callee.qualname):
                text = ast.unparse(node.func)
                self._limit("cli_call_not_followed", text, "which function this is depends on the run")
            return True
        self._run(target, local)
        return returns_parser(target, local)

    # --- one flag ------------------------------------------------------------------------------------

    def _argument(self, node: ast.Call, frame: Frame) -> None:
        entry: Entry | None = None
        given: dict[str, Bound] = {}
        for keyword in node.keywords:
            if keyword.arg:
                given[keyword.arg] = Bound(keyword.value, frame)
                continue
            spread = self._value(keyword.value, frame)
            if isinstance(spread, Entry):
                entry = spread
                given.update(spread.instead)
            elif isinstance(spread, Keywords):
                given.update({name: v for name, v in spread.items.items() if isinstance(v, Bound)})
            elif isinstance(spread, Bound):
                given.update(spread_items(spread))
        origin = self._fields_of(entry.table.owner).get(entry.name) if entry else None
        negatable = entry is not None and entry.table.negatable
        read = read_argument(node, frame, given, self._constants, origin, negatable)
        if read is None:
            self._limit("flag_not_read", ast.unparse(node)[:120], "its name depends on the run")
            return
        flag, deprecated = read
        self.flags.append(flag)
        if deprecated and flag.dest:
            self.deprecated.add(flag.dest)

    def _limit(self, code: str, subject: str, reason: str) -> None:
        limitation = Limitation(code, subject, reason)
        if limitation not in self.limitations:
            self.limitations.append(limitation)

    # --- flags made in a loop over fields --------------------------------------------------------------

    def _field_loop(self, statement: ast.For, owner: str) -> None:
        fields = self._fields if owner == self._owner else self._fields_of(owner)
        if not fields:
            self._limit("cli_fields_unknown", owner, "flags are made from fields that are not known")
        self.flags += field_flags(
            statement, fields.values(), partial(scope_of, self._index), self._constants.evaluator
        )
