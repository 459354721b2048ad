"""Evaluation by walking the expression: the meaning of the language, and what compiled code falls back on.

What raises in Python, and what is not known, is `UNDEFINED`: neither true nor false. `and`, `or`, `any` and
`all` are true or false as soon as one of their parts decides it, in whatever order the parts stand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from atlas.invariants.predicate.containers import items_of, ordered_items
from atlas.invariants.predicate.context import UNDEFINED, Config, Context, field_value, is_given
from atlas.invariants.predicate.conversion import conforms, converter
from atlas.invariants.predicate.errors import RAISES, WITHOUT_VALUE, Unknown
from atlas.invariants.predicate.expr import Const, Each, Expr, Field, Json, Op, Opaque, Var
from atlas.invariants.predicate.values import CALLS

Bound = Mapping[str, Json]


def thawed(value: Json) -> Json:
    """A constant as a value: its tuples are lists again."""
    if isinstance(value, tuple):
        return [thawed(item) for item in value]
    if isinstance(value, dict):
        return {key: thawed(item) for key, item in value.items()}
    return value


def evaluate(expr: Expr, config: Config, context: Context, bound: Bound | None = None) -> Json:
    """The value of the expression, or `UNDEFINED`. Raises nothing."""
    return _Walk(config, context).value(expr, bound or {})


class _Walk:
    """`strict` walks do as Python does, from left to right, and raise what Python raises."""

    def __init__(self, config: Config, context: Context, strict: bool = False) -> None:
        self.config = config
        self.context = context
        self.strict = strict

    def value(self, expr: Expr, bound: Bound) -> Any:
        try:
            return self.reached(expr, bound)
        except WITHOUT_VALUE:
            if self.strict:
                raise
            return UNDEFINED

    def reached(self, expr: Expr, bound: Bound) -> Any:
        if isinstance(expr, Const):
            return thawed(expr.value)
        if isinstance(expr, Field):
            return field_value(expr.path, self.config, self.context)
        if isinstance(expr, Var):
            if expr.name not in bound:
                raise Unknown
            return bound[expr.name]
        if isinstance(expr, Opaque):
            raise Unknown
        if isinstance(expr, Each):
            return self.each(expr, bound)
        special = _SPECIAL.get(expr.name)
        return special(self, expr.args, bound) if special else self.applied(expr, bound)

    def applied(self, expr: Op, bound: Bound) -> Any:
        args = [self.value(arg, bound) for arg in expr.args]
        if any(arg is UNDEFINED for arg in args):
            raise Unknown
        return CALLS[expr.name](*args)

    def truth(self, expr: Expr, bound: Bound) -> Any:
        value = self.value(expr, bound)
        return value if value is UNDEFINED else bool(value)

    def decided(self, parts: Any, decisive: bool) -> Any:
        """Whether one of the truths is the decisive one; `UNDEFINED` where only an unknown one could be."""
        result: Any = not decisive
        for truth in parts:
            if truth is decisive:
                return decisive
            if truth is UNDEFINED:
                result = UNDEFINED
        return result

    def each(self, expr: Each, bound: Bound) -> Any:
        over = self.value(expr.over, bound)
        if over is UNDEFINED:
            raise Unknown
        if expr.kind == "list":
            return list(self.listed(expr, over, bound))
        truths = (self.truth(expr.body, {**bound, expr.var: item}) for item in items_of(over))
        return self.decided(truths, expr.kind == "any")

    def listed(self, expr: Each, over: Json, bound: Bound) -> Iterator[Json]:
        """The items of a list that is made of another one; each has a value, or the list has none."""
        for item in ordered_items(over):
            inner = {**bound, expr.var: item}
            kept = self.truth(expr.only, inner)
            value = self.value(expr.body, inner) if kept is True else None
            if kept is UNDEFINED or value is UNDEFINED:
                raise Unknown
            if kept:
                yield value

    def every(self, args: tuple[Expr, ...], bound: Bound) -> Any:
        return self.decided((self.truth(arg, bound) for arg in args), False)

    def some(self, args: tuple[Expr, ...], bound: Bound) -> Any:
        return self.decided((self.truth(arg, bound) for arg in args), True)

    def negated(self, args: tuple[Expr, ...], bound: Bound) -> Any:
        truth = self.truth(args[0], bound)
        return truth if truth is UNDEFINED else not truth

    def chosen(self, args: tuple[Expr, ...], bound: Bound) -> Any:
        truth = self.truth(args[0], bound)
        if truth is UNDEFINED:
            raise Unknown
        return self.value(args[1] if truth else args[2], bound)

    def is_given(self, args: tuple[Expr, ...], _bound: Bound) -> Any:
        return is_given(_field(args).path, self.config)

    def raw(self, args: tuple[Expr, ...], _bound: Bound) -> Any:
        return field_value(_field(args).path, self.config, self.context, raw=True)

    def raises(self, args: tuple[Expr, ...], bound: Bound) -> Any:
        try:
            _Walk(self.config, self.context, strict=True).value(args[0], bound)
        except RAISES as error:
            if isinstance(error, MemoryError | RecursionError):
                raise
            return True
        return False

    def conforms(self, args: tuple[Expr, ...], bound: Bound) -> Any:
        verdict = conforms(self._known(args[0], bound), _text(args))
        if verdict is None:
            raise Unknown
        return verdict

    def converted(self, args: tuple[Expr, ...], bound: Bound) -> Any:
        outcome = converter(_text(args))(self._known(args[0], bound))
        if not outcome.verdict:
            raise Unknown
        return outcome.value

    def _known(self, expr: Expr, bound: Bound) -> Json:
        value = self.value(expr, bound)
        if value is UNDEFINED:
            raise Unknown
        return value


def _field(args: tuple[Expr, ...]) -> Field:
    if not isinstance(args[0], Field):
        raise Unknown
    return args[0]


def _text(args: tuple[Expr, ...]) -> str:
    if not isinstance(args[1], Const) or not isinstance(args[1].value, str):
        raise Unknown
    return args[1].value


_SPECIAL: Mapping[str, Callable[[_Walk, tuple[Expr, ...], Bound], Any]] = {
    "and": _Walk.every,
    "or": _Walk.some,
    "not": _Walk.negated,
    "if": _Walk.chosen,
    "given": _Walk.is_given,
    "raw": _Walk.raw,
    "raises": _Walk.raises,
    "conforms": _Walk.conforms,
    "convert": _Walk.converted,
}
