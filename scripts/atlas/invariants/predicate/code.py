"""The Python source of expressions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from atlas.invariants.predicate.containers import items_of, ordered_items
from atlas.invariants.predicate.context import (
    UNDEFINED,
    Config,
    Context,
    converted,
    field_value,
    is_given,
)
from atlas.invariants.predicate.conversion import Converter, conforms
from atlas.invariants.predicate.errors import WITHOUT_VALUE, Unknown
from atlas.invariants.predicate.expr import Const, Each, Expr, Field, Json, Op, Var
from atlas.invariants.predicate.kleene import evaluate, thawed
from atlas.invariants.predicate.missing import MISSING, known
from atlas.invariants.predicate.shapes import is_condition
from atlas.invariants.predicate.values import CALLS
from atlas.invariants.predicate.walk import every_part, parts_of

_INFIX = frozenset(("==", "!=", "<", "<=", ">", ">=", "in", "-", "/", "//", "&", "|", "^", ">>"))
MAX_PARTS = 2_000
MAX_DEPTH = 40
"""Larger predicates are walked: Python's own compiler has limits."""


def is_large(expr: Expr) -> bool:
    """Whether Python's compiler could refuse it."""
    if sum(1 for _ in every_part(expr)) > MAX_PARTS:
        return True
    level: tuple[Expr, ...] = (expr,)
    for _ in range(MAX_DEPTH):
        level = tuple(part for one in level for part in parts_of(one))
    return bool(level)


def walker(expr: Expr, context: Context) -> Callable[[Config], Json]:
    """The expression walked, as a function."""
    return lambda config: evaluate(expr, config, context)


class Code:
    """The source of expressions, and the objects that it names."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.names: dict[str, Any] = {}
        self.constants: dict[int, str] = {}
        self.fields: dict[tuple[tuple[str, ...], bool], str] = {}

    def constant(self, value: Any) -> str:
        """A name for the object."""
        if id(value) not in self.constants:
            self.constants[id(value)] = f"k{len(self.constants)}"
            self.names[self.constants[id(value)]] = value
        return self.constants[id(value)]

    def text(self, expr: Expr) -> str:
        """The source of the whole expression."""
        if is_large(expr):
            return f"{self.constant(walker(expr, self.context))}(config)"
        return self.part(expr, {})

    def part(self, expr: Expr, bound: Mapping[str, str]) -> str:
        if isinstance(expr, Const):
            return self.literal(expr.value)
        if isinstance(expr, Field):
            return self.field(expr.path, raw=False)
        if isinstance(expr, Var):
            return bound.get(expr.name, "MISSING")
        if isinstance(expr, Each):
            name = f"v{len(bound)}"
            inner = {**bound, expr.var: name}
            body = self.part(expr.body, inner)
            if expr.kind == "list":
                items = f"{self.constant(ordered_items)}({self.part(expr.over, bound)})"
                return (
                    f"[{self.constant(known)}({body}) for {name} in {items} if {self.part(expr.only, inner)}]"
                )
            items = f"{self.constant(items_of)}({self.part(expr.over, bound)})"
            return f"{expr.kind}({body} for {name} in {items})"
        return self.operation(expr, bound) if isinstance(expr, Op) else "MISSING"

    def literal(self, value: Json) -> str:
        if value is None or isinstance(value, bool | str) or (isinstance(value, int) and abs(value) < 2**60):
            return f"({value!r})"
        return self.constant(thawed(value))

    def field(self, path: tuple[str, ...], *, raw: bool) -> str:
        raw = raw or self.context.converter_of(".".join(path)) is None
        return self.fields.setdefault((path, raw), f"f{len(self.fields)}")

    def operation(self, expr: Op, bound: Mapping[str, str]) -> str:
        name, args = expr.name, expr.args
        if name == "given" and isinstance(args[0], Field):
            return f"{self.constant(is_given)}({args[0].path!r}, config)"
        if name == "raw" and isinstance(args[0], Field):
            return self.field(args[0].path, raw=True)
        if name in ("raises", "convert"):
            return self.walked(expr, bound)
        parts = [self.part(arg, bound) for arg in args]
        if name == "conforms":
            return f"{self.constant(_conforms)}({', '.join(parts)})"
        if name in ("and", "or"):
            whole = f" {name} ".join(self.truth(arg, part) for arg, part in zip(args, parts, strict=True))
            return f"({whole or name == 'and'})"
        if name == "if":
            return f"({parts[1]} if {parts[0]} else {parts[2]})"
        if name == "not":
            return f"(not {parts[0]})"
        if name in ("in", "not_in") and not (isinstance(args[1], Const) and args[1].value):
            return f"{self.constant(CALLS[name])}({', '.join(parts)})"
        if name in _INFIX:
            return f"({parts[0]} {name} {parts[1]})"
        if name == "not_in":
            return f"({parts[0]} not in {parts[1]})"
        return f"{self.constant(CALLS[name])}({', '.join(parts)})"

    def truth(self, expr: Expr, part: str) -> str:
        return part if is_condition(expr) else f"bool({part})"

    def walked(self, expr: Expr, bound: Mapping[str, str]) -> str:
        context = self.context
        given = ", ".join(f"{name!r}: {value}" for name, value in bound.items())

        def walk(config: Config, values: Mapping[str, Json]) -> Json:
            return _defined(evaluate(expr, config, context, values))

        return f"{self.constant(walk)}(config, {{{given}}})"

    def loads(self) -> Iterable[str]:
        """The lines that read the fields."""
        for (path, raw), local in self.fields.items():
            convert = None if raw else self.context.converter_of(".".join(path))
            yield from self.load(path, local, convert)

    def load(self, path: tuple[str, ...], local: str, convert: Converter | None) -> Iterable[str]:
        name = ".".join(path)
        if len(path) > 1:
            read = self.constant(_nested(path, self.context, raw=convert is None))
            yield f"{local} = {read}(config)"
            return
        default = self.context.defaults.get(name, MISSING)
        yield f"{local} = config.get({name!r}, {self.constant(default)})"
        if convert is not None:
            kept = self.constant(convert.unchanged)
            change = self.constant(_conversion(convert))
            yield f"if type({local}) not in {kept} and {name!r} in config:"
            yield f"    {local} = {change}({local})"


def _conversion(convert: Converter) -> Callable[[Json], Json]:
    def change(value: Json) -> Json:
        if type(value) is str and value in convert.words:
            return value
        try:
            return converted(convert, value)
        except WITHOUT_VALUE:
            return MISSING

    return change


def _nested(path: tuple[str, ...], context: Context, *, raw: bool) -> Callable[[Config], Json]:
    def read(config: Config) -> Json:
        try:
            return field_value(path, config, context, raw=raw)
        except WITHOUT_VALUE:
            return MISSING

    return read


def _conforms(value: Json, text: str) -> bool:
    verdict = None if value is MISSING else conforms(value, text)
    if verdict is None:
        raise Unknown
    return verdict


def _defined(value: Json) -> Json:
    if value is UNDEFINED:
        raise Unknown
    return value
