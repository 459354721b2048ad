"""Writing an expression as text that `parse` reads."""

from __future__ import annotations

import keyword
import math
import re
from collections.abc import Callable
from functools import lru_cache

from atlas.invariants.predicate.expr import NONE, TRUE, Const, Each, Expr, Field, Json, Op, Opaque, Var

_LEVELS = {
    "if": 0,
    "or": 1,
    "and": 2,
    "not": 3,
    **dict.fromkeys(("==", "!=", "<", "<=", ">", ">=", "in", "not_in"), 4),
    "|": 5,
    "^": 6,
    "&": 7,
    **dict.fromkeys(("<<", ">>"), 8),
    **dict.fromkeys(("+", "-"), 9),
    **dict.fromkeys(("*", "/", "//", "%"), 10),
    "neg": 11,
    "**": 12,
}
ATOM = 13
_SHOWN = {"truth": "bool"}


@lru_cache(maxsize=20_000)
def exact_text(expr: Expr) -> str:
    """The expression as it is, in Python's notation."""
    return _Writer(frozenset()).condition(expr, 0)


class _Writer:
    """`bound` holds the names of the loops around: a field of such a name is written with `field`."""

    def __init__(self, bound: frozenset[str]) -> None:
        self.bound = bound

    def condition(self, expr: Expr, level: int) -> str:
        """In a place where only truth counts, for an operator that binds as tightly as `level`."""
        if isinstance(expr, Op) and expr.name in ("and", "or"):
            inner = _LEVELS[expr.name]
            if len(expr.args) < 2:
                return self._short(expr, level)
            text = f" {expr.name} ".join(self.condition(arg, inner + 1) for arg in expr.args)
            return _within(text, inner, level)
        return self.value(expr, level)

    def _short(self, expr: Op, level: int) -> str:
        if expr.args:
            return self.condition(Op("truth", expr.args), level)
        return repr(expr.name == "and")

    def value(self, expr: Expr, level: int) -> str:
        if isinstance(expr, Const):
            return self._constant(expr.value, level)
        if isinstance(expr, Field):
            return self._field(expr)
        if isinstance(expr, Var):
            return expr.name
        if isinstance(expr, Opaque):
            name = "environment" if expr.environment else "opaque"
            return f"{name}({', '.join([repr(expr.text), *map(self._field, expr.fields)])})"
        if isinstance(expr, Each):
            return self._each(expr)
        return self._op(expr, level)

    def _field(self, field: Field) -> str:
        plain = all(map(_is_name, field.path)) and field.path[0] not in self.bound
        return ".".join(field.path) if plain else f"field({', '.join(map(repr, field.path))})"

    def _each(self, expr: Each) -> str:
        inner = _Writer(self.bound | {expr.var})
        if expr.kind == "list":
            only = f" if {inner.condition(expr.only, 1)}" if expr.only != TRUE else ""
            return f"[{inner.value(expr.body, 0)} for {expr.var} in {self.value(expr.over, 1)}{only}]"
        body = inner.condition(expr.body, 0)
        return f"{expr.kind}({body} for {expr.var} in {self.value(expr.over, 1)})"

    def _op(self, expr: Op, level: int) -> str:
        name, args = expr.name, expr.args
        if name in ("and", "or"):
            return self.value(Op("truth", (expr,)), level)
        if name in ("list", "set", "dict"):
            return self._display(name, [self.value(arg, 0) for arg in args])
        if name == "get" and len(args) == 2:
            return f"{self.value(args[0], ATOM)}[{self.value(args[1], 0)}]"
        if name == "slice":
            start, end = ("" if one == NONE else self.value(one, 0) for one in args[1:])
            return f"{self.value(args[0], ATOM)}[{start}:{end}]"
        if name == "truth":
            return f"bool({self.condition(args[0], 0)})"
        inner = _LEVELS.get(name)
        if inner is None:
            return f"{name}({', '.join(self.value(arg, 0) for arg in args)})"
        return _within(self._operator(name, args, inner), inner, level)

    def _operator(self, name: str, args: tuple[Expr, ...], level: int) -> str:
        if name == "if":
            condition = self.condition(args[0], 1)
            return f"{self.value(args[1], 1)} if {condition} else {self.value(args[2], 0)}"
        if name == "not":
            return f"not {self.condition(args[0], level)}"
        if name == "neg":
            return f"-{self.value(args[0], level)}"
        if name == "**":
            return f"{self.value(args[0], ATOM)} ** {self.value(args[1], 11)}"
        left = self.value(args[0], level + (level == 4))
        return f"{left} {self._symbol(name, args[1])} {self._right(name, args[1], level + 1)}"

    def _symbol(self, name: str, right: Expr) -> str:
        if isinstance(right, Const) and right.value is None:
            name = {"==": "is", "!=": "is not"}.get(name, name)
        return "not in" if name == "not_in" else name

    def _right(self, name: str, right: Expr, level: int) -> str:
        if name in ("in", "not_in") and isinstance(right, Const) and isinstance(right.value, tuple):
            items = [self._constant(item, 0) for item in right.value]
            return f"({items[0]},)" if len(items) == 1 else f"({', '.join(items)})"
        return self.value(right, level)

    def _constant(self, value: Json, level: int) -> str:
        if isinstance(value, tuple):
            return self._display("list", [self._constant(item, 0) for item in value])
        if isinstance(value, frozenset):
            return self._display("set", sorted(self._constant(item, 0) for item in value))
        if isinstance(value, dict):
            parts = [self._constant(item, 0) for entry in value.items() for item in entry]
            return self._display("dict", parts)
        if isinstance(value, float) and not math.isfinite(value):
            return f"float({str(value)!r})"
        text = repr(value)
        return _within(text, _LEVELS["neg"] if text.startswith("-") else ATOM, level)

    def _display(self, kind: str, items: list[str]) -> str:
        if kind == "list":
            return f"[{', '.join(items)}]"
        if kind == "set":
            return f"{{{', '.join(items)}}}" if items else "set()"
        pairs = zip(items[::2], items[1::2], strict=True)
        return f"{{{', '.join(f'{key}: {value}' for key, value in pairs)}}}"


def _within(text: str, inner: int, outer: int) -> str:
    return f"({text})" if inner < outer else text


_NAME: Callable[[str], object] = re.compile(r"[A-Za-z_][A-Za-z0-9_]*").fullmatch


def _is_name(text: str) -> bool:
    """Whether Python reads the text as one name, unchanged (it normalises letters outside of ASCII)."""
    return bool(_NAME(text)) and not keyword.iskeyword(text)
