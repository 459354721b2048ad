"""Constant evaluation of expressions in engine sources, without running them.

Total: every expression gives a value or an `Unknown` with its text. Only pure operations on constants are
computed; anything that depends on the machine, the environment or a library is unknown.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from atlas.schema.static import calls
from atlas.schema.static.modules import Definition, Module, Scope, SourceIndex
from atlas.schema.static.values import Member, Reference, Unknown, unknown_inside

_MAX_DEPTH = 60
_MAX_ITEMS = 20_000
_MAX_BITS = 4096

_BINARY: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.LShift: operator.lshift,
    ast.RShift: operator.rshift,
    ast.BitOr: operator.or_,
    ast.BitAnd: operator.and_,
    ast.BitXor: operator.xor,
}
_UNARY: Mapping[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Not: operator.not_,
    ast.Invert: operator.invert,
}
_COMPARE: Mapping[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda left, right: left in right,
    ast.NotIn: lambda left, right: left not in right,
    ast.Is: lambda left, right: left is right,
    ast.IsNot: lambda left, right: left is not right,
}
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

    `class_attribute` answers `SomeClass.name` (a field's default, an enum member); it is given by the
    part that understands classes and returns an `Unknown` where it cannot tell.
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
            value = self._expression(node, scope, depth)
        except _FAILURES:
            return Unknown(_text(node, scope))
        inner = unknown_inside(value)
        if inner is None or inner is value:
            return value
        return Unknown(_text(node, scope), inner.env)

    def definition(self, found: Definition, depth: int = 0) -> Any:
        """The value that a definition stands for; classes, functions and externals are References."""
        if found.kind != "value" or not isinstance(found.node, ast.expr) or found.scope is None:
            return calls.external_value(found.qualname, Reference(found, found.qualname))
        key = id(found.node)
        if key in self._values and not found.grows:
            return self._values[key]
        if key in self._active or depth > _MAX_DEPTH:
            return Unknown(found.qualname)
        self._active.add(key)
        try:
            value = self._grown(found, self.evaluate(found.node, found.scope, depth + 1), depth)
            for other in found.others:
                if repr(self.evaluate(other, found.scope, depth + 1)) != repr(value):
                    value = Unknown(found.qualname)
        finally:
            self._active.discard(key)
        if not found.grows:
            self._values[key] = value
        return value

    def _grown(self, found: Definition, value: Any, depth: int) -> Any:
        for grow in found.grows:
            assert found.scope is not None
            if isinstance(value, Unknown):
                return value
            if isinstance(grow, ast.AugAssign):
                step = _BINARY.get(type(grow.op))
                extra = self.evaluate(grow.value, found.scope, depth + 1)
                if step is None or isinstance(extra, Unknown):
                    return Unknown(found.qualname)
                value = _guarded(step, value, extra)
            elif isinstance(grow, ast.Expr) and isinstance(grow.value, ast.Call):
                call = grow.value
                arguments = [self.evaluate(argument, found.scope, depth + 1) for argument in call.args]
                assert isinstance(call.func, ast.Attribute)
                if unknown_inside(arguments) or call.keywords:
                    return Unknown(found.qualname)
                value = calls.copied(value)
                getattr(value, call.func.attr)(*arguments)
        return value

    # --- expressions -------------------------------------------------------------------------------

    def _expression(self, node: ast.expr, scope: Scope, depth: int) -> Any:
        if depth > _MAX_DEPTH:
            return Unknown(_text(node, scope))
        step = getattr(self, f"_{type(node).__name__}", None)
        return step(node, scope, depth + 1) if step else Unknown(_text(node, scope))

    def _Constant(self, node: ast.Constant, scope: Scope, depth: int) -> Any:  # noqa: ARG002
        return node.value

    def _Name(self, node: ast.Name, scope: Scope, depth: int) -> Any:
        if node.id in scope.local:
            return scope.local[node.id]
        found = self.index.name(scope, node.id)
        return self.definition(found, depth) if found else Unknown(node.id)

    def _Attribute(self, node: ast.Attribute, scope: Scope, depth: int) -> Any:
        found = self.index.expression(node, scope)
        if found and found.kind == "value" and isinstance(node.value, ast.Name | ast.Attribute):
            owner = self.index.expression(node.value, scope)
            if owner and owner.kind != "class":
                return self.definition(found, depth)
        elif found:
            return self.definition(found, depth)
        return self._member(self._expression(node.value, scope, depth), node, scope)

    def _member(self, owner: Any, node: ast.Attribute, scope: Scope) -> Any:
        if isinstance(owner, Unknown):
            return Unknown(_text(node, scope), owner.env)
        if isinstance(owner, Member) and node.attr in ("value", "name", "_value_", "_name_"):
            return owner.name if "name" in node.attr else owner.value
        if isinstance(owner, Reference):
            if owner.definition.kind == "class":
                return self.class_attribute(owner.definition, node.attr)
            found = self.index.member(owner.definition, node.attr)
            return self.definition(found) if found else Unknown(_text(node, scope))
        return Unknown(_text(node, scope))

    def _elements(self, nodes: list[ast.expr], scope: Scope, depth: int) -> list[Any]:
        out: list[Any] = []
        for node in nodes:
            if isinstance(node, ast.Starred):
                out.extend(self.iterate(self._expression(node.value, scope, depth)))
            else:
                out.append(self._expression(node, scope, depth))
        return out

    def iterate(self, value: Any) -> list[Any]:
        """The items of an iterable constant; an enum class gives its members."""
        if isinstance(value, Reference) and value.definition.kind == "class":
            members = self.class_attribute(value.definition, "__members__")
            if isinstance(members, dict):
                return list(members.values())
        if (
            isinstance(value, str | list | tuple | dict | set | frozenset | range)
            and len(value) <= _MAX_ITEMS
        ):
            return sorted(value, key=repr) if isinstance(value, set | frozenset) else list(value)
        raise TypeError("not iterable here")

    def _List(self, node: ast.List, scope: Scope, depth: int) -> Any:
        return self._elements(node.elts, scope, depth)

    def _Tuple(self, node: ast.Tuple, scope: Scope, depth: int) -> Any:
        return tuple(self._elements(node.elts, scope, depth))

    def _Set(self, node: ast.Set, scope: Scope, depth: int) -> Any:
        return set(self._elements(node.elts, scope, depth))

    def _Dict(self, node: ast.Dict, scope: Scope, depth: int) -> Any:
        out: dict[Any, Any] = {}
        for key, value in zip(node.keys, node.values, strict=True):
            its = self._expression(value, scope, depth)
            if key is None:
                if not isinstance(its, dict):
                    return Unknown(_text(node, scope))
                out.update(its)
            else:
                out[self._expression(key, scope, depth)] = its
        return out

    def _UnaryOp(self, node: ast.UnaryOp, scope: Scope, depth: int) -> Any:
        value = _plain(self._expression(node.operand, scope, depth))
        return _failed(node, scope, value) or _UNARY[type(node.op)](value)

    def _BinOp(self, node: ast.BinOp, scope: Scope, depth: int) -> Any:
        left = _plain(self._expression(node.left, scope, depth))
        right = _plain(self._expression(node.right, scope, depth))
        return _failed(node, scope, left, right) or _guarded(_BINARY[type(node.op)], left, right)

    def _BoolOp(self, node: ast.BoolOp, scope: Scope, depth: int) -> Any:
        value: Any = None
        for part in node.values:
            value = self._expression(part, scope, depth)
            if isinstance(value, Unknown | Reference):
                return Unknown(_text(node, scope), getattr(value, "env", None))
            if bool(value) == isinstance(node.op, ast.Or):
                return value
        return value

    def _Compare(self, node: ast.Compare, scope: Scope, depth: int) -> Any:
        left = self._expression(node.left, scope, depth)
        for sign, right_node in zip(node.ops, node.comparators, strict=True):
            right = self._expression(right_node, scope, depth)
            if failed := _failed(node, scope, left, right):
                return failed
            if not _COMPARE[type(sign)](left, right):
                return False
            left = right
        return True

    def _IfExp(self, node: ast.IfExp, scope: Scope, depth: int) -> Any:
        test = self._expression(node.test, scope, depth)
        if isinstance(test, Unknown | Reference):
            return Unknown(_text(node, scope), getattr(test, "env", None))
        return self._expression(node.body if test else node.orelse, scope, depth)

    def _JoinedStr(self, node: ast.JoinedStr, scope: Scope, depth: int) -> Any:
        parts: list[str] = []
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                value = _plain(self._expression(part.value, scope, depth))
                form = self._expression(part.format_spec, scope, depth) if part.format_spec else ""
                if failed := _failed(node, scope, value, form):
                    return failed
                parts.append(calls.formatted(value, part.conversion, form))
            else:
                parts.append(str(self._expression(part, scope, depth)))
        return "".join(parts)

    def _Subscript(self, node: ast.Subscript, scope: Scope, depth: int) -> Any:
        owner = self._expression(node.value, scope, depth)
        if isinstance(owner, Reference):
            name = owner.definition.qualname
            if owner.definition.kind == "class" and not isinstance(node.slice, ast.Slice):
                member = self._expression(node.slice, scope, depth)
                members = self.class_attribute(owner.definition, "__members__")
                if isinstance(members, dict) and isinstance(member, str):
                    return members[member]
            env = self._expression(node.slice, scope, depth) if name == "os.environ" else None
            return Unknown(_text(node, scope), env if isinstance(env, str) else None)
        if isinstance(node.slice, ast.Slice):
            bounds = [
                self._expression(part, scope, depth) if part else None
                for part in (node.slice.lower, node.slice.upper, node.slice.step)
            ]
            return _failed(node, scope, owner, *bounds) or owner[slice(*bounds)]
        key = self._expression(node.slice, scope, depth)
        return _failed(node, scope, owner, key) or owner[key]

    def _NamedExpr(self, node: ast.NamedExpr, scope: Scope, depth: int) -> Any:
        return self._expression(node.value, scope, depth)

    def _Lambda(self, node: ast.Lambda, scope: Scope, depth: int) -> Any:  # noqa: ARG002
        return Unknown(_text(node, scope))

    # --- comprehensions ------------------------------------------------------------------------------

    def _ListComp(self, node: ast.ListComp, scope: Scope, depth: int) -> Any:
        return [self._expression(node.elt, one, depth) for one in self._rows(node.generators, scope, depth)]

    def _GeneratorExp(self, node: ast.GeneratorExp, scope: Scope, depth: int) -> Any:
        return [self._expression(node.elt, one, depth) for one in self._rows(node.generators, scope, depth)]

    def _SetComp(self, node: ast.SetComp, scope: Scope, depth: int) -> Any:
        return {self._expression(node.elt, one, depth) for one in self._rows(node.generators, scope, depth)}

    def _DictComp(self, node: ast.DictComp, scope: Scope, depth: int) -> Any:
        return {
            self._expression(node.key, one, depth): self._expression(node.value, one, depth)
            for one in self._rows(node.generators, scope, depth)
        }

    def _rows(self, generators: list[ast.comprehension], scope: Scope, depth: int) -> Iterator[Scope]:
        if not generators:
            yield scope
            return
        first, rest = generators[0], generators[1:]
        for item in self.iterate(self._expression(first.iter, scope, depth)):
            inner = scope.with_local(dict(_unpacked(first.target, item)))
            tests = [self._expression(test, inner, depth) for test in first.ifs]
            if unknown_inside(tests):
                raise ValueError("condition unknown")
            if all(tests):
                yield from self._rows(rest, inner, depth)

    # --- calls ----------------------------------------------------------------------------------------

    def _Call(self, node: ast.Call, scope: Scope, depth: int) -> Any:
        if isinstance(node.func, ast.Attribute):
            found = self.index.expression(node.func, scope)
            if found is None or (found.kind == "value"):
                return self._method(node, node.func, scope, depth)
        function = self._expression(node.func, scope, depth)
        if not isinstance(function, Reference):
            return Unknown(_text(node, scope), getattr(function, "env", None))
        found = function.definition
        if calls.short(found.qualname) == "get_args" and len(node.args) == 1:
            values = self.literal_values(node.args[0], scope)
            return Unknown(_text(node, scope)) if values is None else tuple(values)
        arguments = self._elements(node.args, scope, depth)
        if found.qualname in ("os.getenv", "os.environ.get"):
            return Unknown(_text(node, scope), arguments[0] if isinstance(arguments[0], str) else None)
        keywords = self._keywords(node, scope, depth)
        inner = unknown_inside([arguments, keywords])
        if inner:
            return Unknown(_text(node, scope), inner.env)
        if found.kind == "external":
            result = calls.call_builtin(found.qualname, arguments, keywords, self.iterate)
            return Unknown(_text(node, scope)) if isinstance(result, Unknown) else result
        if found.kind == "class":
            return self._made(found, node, scope, arguments)
        if found.kind == "function" and isinstance(found.node, ast.FunctionDef):
            return self._function(found, found.node, node, scope, arguments, keywords, depth)
        return Unknown(_text(node, scope))

    def _keywords(self, node: ast.Call, scope: Scope, depth: int) -> dict[str, Any]:
        out: dict[str, Any] = {}
        for keyword in node.keywords:
            value = self._expression(keyword.value, scope, depth)
            if keyword.arg is None:
                if not isinstance(value, dict):
                    raise ValueError("keywords unknown")
                out.update(value)
            else:
                out[keyword.arg] = value
        return out

    def _method(self, node: ast.Call, func: ast.Attribute, scope: Scope, depth: int) -> Any:
        owner = self._expression(func.value, scope, depth)
        arguments = self._elements(node.args, scope, depth)
        inner = unknown_inside([owner, arguments])
        if inner or isinstance(owner, Reference) or node.keywords:
            return Unknown(_text(node, scope), inner.env if inner else None)
        return calls.call_method(_plain(owner), func.attr, arguments)

    def _made(self, found: Definition, node: ast.Call, scope: Scope, arguments: list[Any]) -> Any:
        """`SomeEnum(value)` is a member; other instances are not constants."""
        members = self.class_attribute(found, "__members__")
        if isinstance(members, dict) and len(arguments) == 1:
            for member in members.values():
                if member == arguments[0] or _plain(member) == _plain(arguments[0]):
                    return member
        return Unknown(_text(node, scope))

    def _function(
        self,
        found: Definition,
        function: ast.FunctionDef,
        node: ast.Call,
        scope: Scope,
        arguments: list[Any],
        keywords: dict[str, Any],
        depth: int,
    ) -> Any:
        """A project function whose body is one `return`: its value with the arguments put in."""
        body = [one for one in function.body if not _is_docstring(one)]
        if len(body) != 1 or not isinstance(body[0], ast.Return) or body[0].value is None or not found.scope:
            return Unknown(_text(node, scope))
        if function.args.vararg or function.args.kwarg or id(function) in self._active:
            return Unknown(_text(node, scope))
        local = self._bound(function, arguments, keywords, found.scope, depth)
        self._active.add(id(function))
        try:
            value = self.evaluate(body[0].value, Scope(found.scope.module, local=local), depth + 1)
        finally:
            self._active.discard(id(function))
        return Unknown(_text(node, scope), value.env) if isinstance(value, Unknown) else value

    def _bound(
        self,
        function: ast.FunctionDef,
        arguments: list[Any],
        keywords: dict[str, Any],
        scope: Scope,
        depth: int,
    ) -> dict[str, Any]:
        positional = [one.arg for one in (*function.args.posonlyargs, *function.args.args)]
        defaults = dict(zip(reversed(positional), reversed(function.args.defaults), strict=False))
        for one, value in zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True):
            if value is not None:
                defaults[one.arg] = value
        local = {name: self.evaluate(value, scope, depth + 1) for name, value in defaults.items()}
        if len(arguments) > len(positional):
            raise TypeError("too many arguments")
        return {**local, **dict(zip(positional, arguments, strict=False)), **keywords}


def _text(node: ast.AST, scope: Scope) -> str:
    return source_text(node, scope.module)


def source_text(node: ast.AST, module: Module) -> str:
    """The node as written, on one line."""
    text = module.segment(node)
    return ast.unparse(node) if "\n" in text else text


def _plain(value: Any) -> Any:
    """An enum member as the constant it is compared and computed with."""
    return value.value if isinstance(value, Member) else value


def _failed(node: ast.AST, scope: Scope, *parts: Any) -> Unknown | None:
    for part in parts:
        if isinstance(part, Unknown):
            return Unknown(_text(node, scope), part.env)
        if isinstance(part, Reference):
            return Unknown(_text(node, scope))
    return None


def _guarded(step: Callable[[Any, Any], Any], left: Any, right: Any) -> Any:
    """A binary operation that cannot grow without bound."""
    if step is operator.pow and isinstance(left, int) and isinstance(right, int):
        if abs(left).bit_length() * abs(right) > _MAX_BITS:
            raise ValueError("too large")
    elif step is operator.lshift and (right > _MAX_BITS or abs(left).bit_length() > _MAX_BITS):
        raise ValueError("too large")
    elif step is operator.mul:
        for sized, factor in ((left, right), (right, left)):
            if isinstance(sized, str | bytes | list | tuple) and len(sized) * max(factor, 0) > _MAX_ITEMS:
                raise ValueError("too large")
        if (
            isinstance(left, int)
            and isinstance(right, int)
            and left.bit_length() + right.bit_length() > _MAX_BITS
        ):
            raise ValueError("too large")
    elif step is operator.mod and isinstance(left, str | bytes):
        return calls.bounded_percent(left, right)
    return step(left, right)


def _unpacked(target: ast.expr, item: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(target, ast.Name):
        yield target.id, item
    elif isinstance(target, ast.Tuple | ast.List):
        parts = list(item)
        if len(parts) != len(target.elts):
            raise ValueError("unpacking")
        for one, part in zip(target.elts, parts, strict=True):
            yield from _unpacked(one, part)
    else:
        raise ValueError("unpacking")


def _is_docstring(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
