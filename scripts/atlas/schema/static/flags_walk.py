"""A walk through the code that builds a parser: every `add_argument` it reaches, with its arguments.

Both sides of a condition are taken, since which one runs depends on the machine. Nothing is executed:
values come from the evaluator, and what can't be told is reported.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from atlas.schema.facts import FieldFact, FlagFact, Limitation
from atlas.schema.static.evaluate import Evaluator
from atlas.schema.static.flags_argument import read_argument
from atlas.schema.static.flags_callee import callee_of, mentions
from atlas.schema.static.flags_fields import field_flags
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
    spread_items,
)
from atlas.schema.static.modules import Definition, Scope, SourceIndex
from atlas.schema.static.values import Unknown

FieldsOf = Callable[[str], Mapping[str, FieldFact]]

_GROUPS = {"add_argument_group", "add_mutually_exclusive_group", "add_subparsers", "add_parser"}
_CHANGES = {"append", "add", "extend", "insert", "remove", "update", "pop", "discard", "clear", "setdefault"}
_MAX_DEPTH = 20
_MAX_ROWS = 1000


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
        arguments = [a for a in _positional(target.node) if a.arg not in ("self", "cls")]
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
                self._changed(target, frame, value)
            case ast.AugAssign(target=ast.Name(id=name), value=value):
                self._value(value, frame)
                frame.local[name] = Known(Unknown(name))
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                frame.local[statement.name] = Nested(statement, frame)
            case ast.Import() | ast.ImportFrom():
                self._import(statement, frame)
            case ast.For(body=body) if (owner := self._loop_owner(statement, frame)) is not None:
                self._field_loop(statement, owner)
            case ast.For(target=target, body=body) if (rows := self._rows(statement.iter, frame)) is not None:
                for row in rows:
                    self._bind(target, row, frame)
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

    def _rows(self, node: ast.expr, frame: Frame) -> list[Any] | None:
        """What a loop over constants goes over."""
        match node:
            case ast.List(elts=items) | ast.Tuple(elts=items) | ast.Set(elts=items):
                return [self._value(item, frame) for item in items][:_MAX_ROWS]
            case ast.Call(func=ast.Attribute(value=ast.Dict(keys=keys, values=values), attr="items")):
                pairs = [ast.Tuple([key, value]) for key, value in zip(keys, values, strict=True) if key]
                return [Bound(pair, frame) for pair in pairs][:_MAX_ROWS]
        value = self._constants.of(Bound(node, frame))
        return [Known(item) for item in value[:_MAX_ROWS]] if isinstance(value, list | tuple) else None

    def _bind(self, target: ast.expr, row: Any, frame: Frame) -> None:
        if isinstance(target, ast.Name):
            frame.local[target.id] = row
        elif isinstance(target, ast.Tuple):
            parts: Sequence[Any] = ()
            if isinstance(row, Bound) and isinstance(row.node, ast.Tuple | ast.List):
                parts = [self._value(part, row.frame) for part in row.node.elts]
            elif isinstance(row, Known) and isinstance(row.value, list | tuple):
                parts = [Known(part) for part in row.value]
            for name, part in zip(target.elts, parts, strict=False):
                self._bind(name, part, frame)

    def _import(self, statement: ast.Import | ast.ImportFrom, frame: Frame) -> None:
        """Names imported inside a function, as definitions."""
        if not isinstance(statement, ast.ImportFrom):
            return
        module = frame.scope.module
        parts = module.name.split(".")[: None if module.is_package else -1]
        parts = parts[: len(parts) - statement.level + 1] if statement.level else []
        base = ".".join([*parts, *([statement.module] if statement.module else [])])
        for alias in statement.names:
            found = self._index.resolve(f"{base}.{alias.name}")
            if found:
                frame.local[alias.asname or alias.name] = found

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
                return self._spread(keys, values, frame) or Bound(node, frame)
        for part in ast.iter_child_nodes(node):
            if isinstance(part, ast.expr):
                self._value(part, frame)
        return Bound(node, frame)

    def _spread(
        self, keys: Sequence[ast.expr | None], values: Sequence[ast.expr], frame: Frame
    ) -> Entry | None:
        """`{**table["x"], "default": None}`."""
        entry: Entry | None = None
        for key, value in zip(keys, values, strict=True):
            if key is None and isinstance(found := self._value(value, frame), Entry):
                entry = found
            elif entry and isinstance(key, ast.Constant):
                entry = replace(entry, instead={**entry.instead, str(key.value): Bound(value, frame)})
        return entry

    def _call(self, node: ast.Call, frame: Frame) -> Any:
        if isinstance(node.func, ast.Attribute) and node.func.attr in _GROUPS:
            return ParserValue()
        if self._adds(node.func, frame):
            self._argument(node, frame)
            return Bound(node, frame)
        if isinstance(node.func, ast.Attribute) and node.func.attr in _CHANGES:
            self._changed(node.func.value, frame)
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

    def _changed(self, node: ast.expr, frame: Frame, value: ast.expr | None = None) -> None:
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

    def _adds(self, function: ast.expr, frame: Frame) -> bool:
        """Whether a call of this adds an argument: `parser.add_argument`, also under a local name."""
        if isinstance(function, ast.Name):
            bound = frame.local.get(function.id)
            return (
                isinstance(bound, Bound)
                and bound.node is not function
                and self._adds(bound.node, bound.frame)
            )
        return (
            isinstance(function, ast.Attribute)
            and function.attr == "add_argument"
            and isinstance(self._value(function.value, frame), ParserValue)
        )

    def _follow(
        self, node: ast.Call, callee: Definition | Nested | None, given: list[Any], named: dict[str, Any]
    ) -> bool:
        """Walk a function that is handed the parser; whether it gives a parser back."""
        if isinstance(callee, Nested):
            local = {**callee.frame.local, **self._arguments(callee.node, given, named, callee.frame)}
            name = f"{self._active[-1]}.<locals>.{callee.node.name}"
            target = Definition(name, "function", callee.node, callee.frame.scope)
        elif callee and isinstance(callee.node, FunctionNode) and callee.scope:
            target = callee
            local = self._arguments(callee.node, given, named, Frame(callee.scope, {}))
        else:
            if callee is None or self._index.owns(callee.qualname):
                text = ast.unparse(node.func)
                self._limit("cli_call_not_followed", text, "which function this is depends on the run")
            return True
        self._run(target, local)
        return any(
            isinstance(part, ast.Return)
            and isinstance(part.value, ast.Name)
            and isinstance(local.get(part.value.id), ParserValue)
            for part in ast.walk(target.node or ast.Pass())
        )

    def _arguments(
        self, node: FunctionNode, given: list[Any], named: dict[str, Any], frame: Frame
    ) -> dict[str, Any]:
        """What a call binds to the parameters of a function, defaults included."""
        positional = _positional(node)
        bound: dict[str, Any] = {}
        for argument, default in zip(reversed(positional), reversed(node.args.defaults), strict=False):
            bound[argument.arg] = Bound(default, frame)
        for argument, keyword_default in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True):
            if keyword_default is not None:
                bound[argument.arg] = Bound(keyword_default, frame)
        if positional and positional[0].arg in ("self", "cls"):
            positional = positional[1:]
        bound.update({argument.arg: value for argument, value in zip(positional, given, strict=False)})
        taken = {argument.arg for argument in [*positional, *node.args.kwonlyargs]}
        bound.update({name: value for name, value in named.items() if name in taken})
        if node.args.vararg:
            rest = [value for value in given[len(positional) :] if isinstance(value, Bound)]
            bound[node.args.vararg.arg] = Known([self._constants.of(value) for value in rest])
        if node.args.kwarg:
            extra = {name: value for name, value in named.items() if name not in taken}
            bound[node.args.kwarg.arg] = Keywords(extra)
        return bound

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

    def _loop_owner(self, statement: ast.For, frame: Frame) -> str | None:
        """The class over whose fields a loop goes and adds arguments."""
        adds = any(
            isinstance(part, ast.Attribute) and part.attr == "add_argument"
            for inner in statement.body
            for part in ast.walk(inner)
        )
        for part in ast.walk(statement.iter) if adds else ():
            if isinstance(part, ast.Name | ast.Attribute):
                found = frame.local.get(part.id) if isinstance(part, ast.Name) else None
                found = found or self._index.expression(part, frame.scope)
                if isinstance(found, Definition) and found.kind == "class":
                    return found.qualname
        return None

    def _field_loop(self, statement: ast.For, owner: str) -> None:
        fields = self._fields if owner == self._owner else self._fields_of(owner)
        if not fields:
            self._limit("cli_fields_unknown", owner, "flags are made from fields that are not known")
        self.flags += field_flags(statement, fields.values(), self._scope_of, self._constants.evaluator)

    def _scope_of(self, fact: FieldFact) -> Scope | None:
        """The module in which the annotation of a field was written."""
        name = (fact.file or "").removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        module = self._index.module(name) if name else None
        return Scope(module) if module else None


def _positional(node: FunctionNode) -> list[ast.arg]:
    return [*node.args.posonlyargs, *node.args.args]
