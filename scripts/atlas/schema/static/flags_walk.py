"""A walk through the code that builds a parser: every `add_argument` it reaches, with its arguments.

Both sides of a condition are taken, since which one runs depends on the machine. Nothing is executed:
values come from the evaluator, and what can't be told is reported.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from atlas.schema.facts import DefaultFact, FieldFact, FlagFact, Limitation
from atlas.schema.static.docs.attributes import literal_text
from atlas.schema.static.docs.model import fold
from atlas.schema.static.evaluate import Evaluator
from atlas.schema.static.flags_fields import field_flags, has_boolean, literal_choices, negated
from atlas.schema.static.modules import Definition, Scope, SourceIndex
from atlas.schema.static.values import NotJsonError, Unknown, to_json

FieldsOf = Callable[[str], Mapping[str, FieldFact]]
FunctionNode: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef

_GROUPS = {"add_argument_group", "add_mutually_exclusive_group", "add_subparsers", "add_parser"}
_MAX_DEPTH = 20
_MAX_ROWS = 1000


@dataclass(frozen=True)
class _Parser:
    """A parser, or a group of one."""


@dataclass(frozen=True)
class _Table:
    """Arguments made from the fields of a class, by field: what `f(Config)` gives."""

    owner: str
    negatable: bool


@dataclass(frozen=True)
class _Entry:
    """The arguments made from one field, with what the code says instead."""

    table: _Table
    name: str
    instead: Mapping[str, _Bound] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class _Frame:
    """Where code runs: the scope of its names, and the values of its local variables."""

    scope: Scope
    local: dict[str, Any]


@dataclass(frozen=True)
class _Bound:
    """An expression and where it stands."""

    node: ast.expr
    frame: _Frame


@dataclass(frozen=True, eq=False)
class _Known:
    """A constant: an item of what a loop goes over, or the `*names` that a helper was given."""

    value: Any


@dataclass(frozen=True, eq=False)
class _Keywords:
    """The `**options` that a helper was given."""

    items: Mapping[str, Any]


@dataclass(frozen=True)
class _Nested:
    """A function defined inside another."""

    node: FunctionNode
    frame: _Frame


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
        self._evaluator = evaluator
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
        self._run(target, {a.arg: _Parser() for a in named})

    def _run(self, target: Definition, local: dict[str, Any]) -> None:
        if target.qualname in self._active or len(self._active) > _MAX_DEPTH or target.scope is None:
            return
        assert isinstance(target.node, FunctionNode)
        self._active.append(target.qualname)
        self._block(target.node.body, _Frame(target.scope, local))
        self._active.pop()

    # --- statements ----------------------------------------------------------------------------------

    def _block(self, body: Sequence[ast.stmt], frame: _Frame) -> None:
        for statement in body:
            self._statement(statement, frame)

    def _statement(self, statement: ast.stmt, frame: _Frame) -> None:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                frame.local[name] = self._value(value, frame)
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                frame.local[name] = self._value(value, frame)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                frame.local[statement.name] = _Nested(statement, frame)
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

    def _rows(self, node: ast.expr, frame: _Frame) -> list[Any] | None:
        """What a loop over constants goes over."""
        match node:
            case ast.List(elts=items) | ast.Tuple(elts=items) | ast.Set(elts=items):
                return [self._value(item, frame) for item in items][:_MAX_ROWS]
            case ast.Call(func=ast.Attribute(value=ast.Dict(keys=keys, values=values), attr="items")):
                pairs = [ast.Tuple([key, value]) for key, value in zip(keys, values, strict=True) if key]
                return [_Bound(pair, frame) for pair in pairs][:_MAX_ROWS]
        value = self._constant(_Bound(node, frame))
        return [_Known(item) for item in value[:_MAX_ROWS]] if isinstance(value, list | tuple) else None

    def _bind(self, target: ast.expr, row: Any, frame: _Frame) -> None:
        if isinstance(target, ast.Name):
            frame.local[target.id] = row
        elif isinstance(target, ast.Tuple):
            parts: Sequence[Any] = ()
            if isinstance(row, _Bound) and isinstance(row.node, ast.Tuple | ast.List):
                parts = [self._value(part, row.frame) for part in row.node.elts]
            elif isinstance(row, _Known) and isinstance(row.value, list | tuple):
                parts = [_Known(part) for part in row.value]
            for name, part in zip(target.elts, parts, strict=False):
                self._bind(name, part, frame)

    def _import(self, statement: ast.Import | ast.ImportFrom, frame: _Frame) -> None:
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

    def _value(self, node: ast.expr, frame: _Frame) -> Any:
        """What an expression stands for, as far as parsers go; calls in it are followed."""
        match node:
            case ast.Name(id=name):
                if name in frame.local:
                    return frame.local[name]
                return self._index.expression(node, frame.scope) or _Bound(node, frame)
            case ast.Call():
                return self._call(node, frame)
            case ast.Attribute(value=value, attr=attr):
                if attr in ("parser", "subparsers"):
                    return _Parser()
                self._value(value, frame)
                return self._index.expression(node, frame.scope) or _Bound(node, frame)
            case ast.Subscript(value=value, slice=ast.Constant(value=str(name))):
                table = self._value(value, frame)
                return _Entry(table, name) if isinstance(table, _Table) else _Bound(node, frame)
            case ast.Dict(keys=keys, values=values) if None in keys:
                return self._spread(keys, values, frame) or _Bound(node, frame)
        for part in ast.iter_child_nodes(node):
            if isinstance(part, ast.expr):
                self._value(part, frame)
        return _Bound(node, frame)

    def _spread(
        self, keys: Sequence[ast.expr | None], values: Sequence[ast.expr], frame: _Frame
    ) -> _Entry | None:
        """`{**table["x"], "default": None}`."""
        entry: _Entry | None = None
        for key, value in zip(keys, values, strict=True):
            if key is None and isinstance(found := self._value(value, frame), _Entry):
                entry = found
            elif entry and isinstance(key, ast.Constant):
                entry = replace(entry, instead={**entry.instead, str(key.value): _Bound(value, frame)})
        return entry

    def _call(self, node: ast.Call, frame: _Frame) -> Any:
        if isinstance(node.func, ast.Attribute):
            if node.func.attr in _GROUPS:
                return _Parser()
        if self._adds(node.func, frame):
            self._argument(node, frame)
            return _Bound(node, frame)
        given = [self._value(argument, frame) for argument in node.args]
        named = {each.arg: self._value(each.value, frame) for each in node.keywords if each.arg}
        callee = self._callee(node.func, frame)
        if any(isinstance(value, _Parser) for value in [*given, *named.values()]):
            returned = self._follow(node, callee, given, named)
            return _Parser() if returned else _Bound(node, frame)
        if isinstance(callee, Definition) and callee.qualname.endswith("Parser"):
            return _Parser()
        classes = [value for value in given if isinstance(value, Definition) and value.kind == "class"]
        if len(given) == 1 and classes and isinstance(callee, Definition) and callee.kind == "function":
            return _Table(classes[0].qualname, self._mentions(callee, "BooleanOptionalAction"))
        return _Bound(node, frame)

    def _adds(self, function: ast.expr, frame: _Frame) -> bool:
        """Whether a call of this adds an argument: `parser.add_argument`, also under a local name."""
        if isinstance(function, ast.Name):
            bound = frame.local.get(function.id)
            return (
                isinstance(bound, _Bound)
                and bound.node is not function
                and self._adds(bound.node, bound.frame)
            )
        return (
            isinstance(function, ast.Attribute)
            and function.attr == "add_argument"
            and isinstance(self._value(function.value, frame), _Parser)
        )

    def _callee(self, node: ast.expr, frame: _Frame) -> Definition | _Nested | None:
        if isinstance(node, ast.Name) and node.id in frame.local:
            found = frame.local[node.id]
            return found if isinstance(found, Definition | _Nested) else None
        if isinstance(node, ast.Attribute) and (home := self._home(node.value, frame)) is not None:
            return inherited(self._index, home, node.attr)
        return self._index.expression(node, frame.scope)

    def _home(self, node: ast.expr, frame: _Frame) -> Definition | None:
        """The class whose method is called: `self`, `cls`, `super()` or a class by name."""
        own = frame.scope.classes[-1] if frame.scope.classes else None
        match node:
            case ast.Name(id="self" | "cls"):
                return self._index.name(Scope(frame.scope.module), own.name) if own else None
            case ast.Call(func=ast.Name(id="super")) if own and own.bases:
                return self._index.expression(own.bases[0], Scope(frame.scope.module))
            case ast.Name(id=name) if isinstance(frame.local.get(name), Definition):
                found = frame.local[name]
            case ast.Name() | ast.Attribute():
                found = self._index.expression(node, frame.scope)
            case _:
                return None
        return found if found and found.kind == "class" else None

    def _follow(
        self, node: ast.Call, callee: Definition | _Nested | None, given: list[Any], named: dict[str, Any]
    ) -> bool:
        """Walk a function that is handed the parser; whether it gives a parser back."""
        if isinstance(callee, _Nested):
            local = {**callee.frame.local, **self._arguments(callee.node, given, named, callee.frame)}
            name = f"{self._active[-1]}.<locals>.{callee.node.name}"
            target = Definition(name, "function", callee.node, callee.frame.scope)
        elif callee and isinstance(callee.node, FunctionNode) and callee.scope:
            target = callee
            local = self._arguments(callee.node, given, named, _Frame(callee.scope, {}))
        else:
            if callee is None or self._index.owns(callee.qualname):
                text = ast.unparse(node.func)
                self._limit("cli_call_not_followed", text, "which function this is depends on the run")
            return True
        self._run(target, local)
        return any(
            isinstance(part, ast.Return)
            and isinstance(part.value, ast.Name)
            and isinstance(local.get(part.value.id), _Parser)
            for part in ast.walk(target.node or ast.Pass())
        )

    def _arguments(
        self, node: FunctionNode, given: list[Any], named: dict[str, Any], frame: _Frame
    ) -> dict[str, Any]:
        """What a call binds to the parameters of a function, defaults included."""
        positional = _positional(node)
        bound: dict[str, Any] = {}
        for argument, default in zip(reversed(positional), reversed(node.args.defaults), strict=False):
            bound[argument.arg] = _Bound(default, frame)
        for argument, keyword_default in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True):
            if keyword_default is not None:
                bound[argument.arg] = _Bound(keyword_default, frame)
        if positional and positional[0].arg in ("self", "cls"):
            positional = positional[1:]
        bound.update({argument.arg: value for argument, value in zip(positional, given, strict=False)})
        taken = {argument.arg for argument in [*positional, *node.args.kwonlyargs]}
        bound.update({name: value for name, value in named.items() if name in taken})
        if node.args.vararg:
            rest = [value for value in given[len(positional) :] if isinstance(value, _Bound)]
            bound[node.args.vararg.arg] = _Known([self._constant(value) for value in rest])
        if node.args.kwarg:
            extra = {name: value for name, value in named.items() if name not in taken}
            bound[node.args.kwarg.arg] = _Keywords(extra)
        return bound

    def _mentions(self, callee: Definition, name: str, depth: int = 0) -> bool:
        """Whether a function, or one that it calls, names something."""
        if not isinstance(callee.node, FunctionNode) or callee.scope is None:
            return False
        for part in ast.walk(callee.node):
            if getattr(part, "attr", getattr(part, "id", None)) == name:
                return True
            if isinstance(part, ast.Call) and depth < 2:
                inner = self._index.expression(part.func, callee.scope)
                if inner and inner.kind == "function" and self._mentions(inner, name, depth + 1):
                    return True
        return False

    # --- one flag ------------------------------------------------------------------------------------

    def _argument(self, node: ast.Call, frame: _Frame) -> None:
        entry: _Entry | None = None
        given: dict[str, _Bound] = {}
        for keyword in node.keywords:
            if keyword.arg:
                given[keyword.arg] = _Bound(keyword.value, frame)
                continue
            spread = self._value(keyword.value, frame)
            if isinstance(spread, _Entry):
                entry = spread
                given.update(spread.instead)
            elif isinstance(spread, _Keywords):
                given.update({name: v for name, v in spread.items.items() if isinstance(v, _Bound)})
            elif isinstance(spread, _Bound):
                given.update(_spread_items(spread))
        names = [name for argument in node.args for name in self._names(argument, frame)]
        if not names:
            self._limit("flag_not_read", ast.unparse(node)[:120], "its name depends on the run")
            return
        origin = self._fields_of(entry.table.owner).get(entry.name) if entry else None
        negatable = bool(entry and entry.table.negatable and origin and has_boolean(origin.type))
        action = self._action(given.get("action"), negatable)
        flags = negated(names) if action == "BooleanOptionalAction" else tuple(names)
        dest = self._constant(given["dest"]) if "dest" in given else None
        dest = dest if isinstance(dest, str) else _dest(names)
        if "deprecated" in given and self._constant(given["deprecated"]) is True:
            self.deprecated.add(dest)
        self.flags.append(
            FlagFact(
                flags=flags,
                dest=dest,
                action=action,
                type=_text(given.get("type")),
                choices=self._choices(given.get("choices"), origin),
                default=self._default(given.get("default"), origin, action),
                help=self._help(given.get("help")) or (origin.description if origin else None),
                file=frame.scope.module.path,
                line=node.lineno,
            )
        )

    def _names(self, argument: ast.expr, frame: _Frame) -> list[str]:
        starred = isinstance(argument, ast.Starred)
        value = self._constant(
            _Bound(argument.value if isinstance(argument, ast.Starred) else argument, frame)
        )
        values = value if starred and isinstance(value, list | tuple) else [value]
        return [each for each in values if isinstance(each, str)]

    def _constant(self, bound: _Bound, depth: int = 0) -> Any:
        """The value of an expression, local variables included."""
        frame = bound.frame
        local: dict[str, object] = {}
        for part in ast.walk(bound.node):
            if isinstance(part, ast.Name) and part.id in frame.local:
                local[part.id] = self._local(frame.local[part.id], bound.node, depth)
        return self._evaluator.evaluate(bound.node, frame.scope.with_local(local))

    def _local(self, value: Any, within: ast.expr, depth: int) -> Any:
        if isinstance(value, _Known):
            return value.value
        if isinstance(value, Definition):
            return self._evaluator.definition(value)
        if isinstance(value, _Bound) and value.node is not within and depth < _MAX_DEPTH:
            return self._constant(value, depth + 1)
        return Unknown(ast.unparse(within))

    def _action(self, bound: _Bound | None, negatable: bool) -> str | None:
        if bound is None:
            return "BooleanOptionalAction" if negatable else None
        value = self._constant(bound)
        return value if isinstance(value, str) else ast.unparse(bound.node).rpartition(".")[2]

    def _choices(self, bound: _Bound | None, origin: FieldFact | None) -> tuple[Any, ...] | None:
        if bound is None:
            return literal_choices(origin.type) if origin else None
        try:
            value = to_json(self._constant(bound))
        except NotJsonError:
            return None
        return tuple(value) if isinstance(value, list) else None

    def _default(self, bound: _Bound | None, origin: FieldFact | None, action: str | None) -> DefaultFact:
        if bound is None:
            if origin is not None:
                return origin.default
            if action in ("store_true", "store_false"):
                return DefaultFact("value", action == "store_false", str(action == "store_false"))
            return DefaultFact("none")
        text = ast.unparse(bound.node)
        value = self._constant(bound)
        if value is None:
            return DefaultFact("none", None, text)
        try:
            return DefaultFact("value", to_json(value), text)
        except NotJsonError:
            return DefaultFact("computed", None, text)

    def _help(self, bound: _Bound | None) -> str | None:
        if bound is None:
            return None
        value = self._constant(bound)
        return fold(value) or None if isinstance(value, str) else literal_text(bound.node)

    def _limit(self, code: str, subject: str, reason: str) -> None:
        limitation = Limitation(code, subject, reason)
        if limitation not in self.limitations:
            self.limitations.append(limitation)

    # --- flags made in a loop over fields --------------------------------------------------------------

    def _loop_owner(self, statement: ast.For, frame: _Frame) -> str | None:
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
        self.flags += field_flags(statement, fields.values(), self._scope_of, self._evaluator)

    def _scope_of(self, fact: FieldFact) -> Scope | None:
        """The module in which the annotation of a field was written."""
        name = (fact.file or "").removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        module = self._index.module(name) if name else None
        return Scope(module) if module else None


def inherited(index: SourceIndex, home: Definition, name: str, depth: int = 0) -> Definition | None:
    """A member of a class, its own or the nearest base's."""
    found = index.member(home, name)
    if found is not None or depth > _MAX_DEPTH or not isinstance(home.node, ast.ClassDef) or not home.scope:
        return found
    for base in home.node.bases:
        parent = index.expression(base, home.scope)
        if parent and parent.kind == "class" and (found := inherited(index, parent, name, depth + 1)):
            return found
    return None


def _positional(node: FunctionNode) -> list[ast.arg]:
    return [*node.args.posonlyargs, *node.args.args]


def _spread_items(spread: _Bound) -> Iterator[tuple[str, _Bound]]:
    """Arguments in `**{"default": None}` or `**dict(default=None)`."""
    match spread.node:
        case ast.Dict(keys=keys, values=values):
            for key, value in zip(keys, values, strict=True):
                if isinstance(key, ast.Constant):
                    yield str(key.value), _Bound(value, spread.frame)
        case ast.Call(func=ast.Name(id="dict"), keywords=keywords):
            for keyword in keywords:
                if keyword.arg:
                    yield keyword.arg, _Bound(keyword.value, spread.frame)


def _dest(names: Sequence[str]) -> str:
    """Where argparse stores the value: after the first long option, else the first name."""
    chosen = next((name for name in names if name.startswith("--")), names[0])
    return chosen.lstrip("-").replace("-", "_")


def _text(bound: _Bound | None) -> str | None:
    return ast.unparse(bound.node) if bound else None
