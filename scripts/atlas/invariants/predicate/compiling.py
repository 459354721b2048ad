"""Predicates as Python functions.

What is compiled is the Python that the predicate nearly is. Where this raises, the answer comes from the
parts, or from the walk. Python's answer, where it has one, is always theirs, whatever the order of the parts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from atlas.invariants.predicate.code import Code, is_large, walker
from atlas.invariants.predicate.context import NO_CONTEXT, UNDEFINED, Config, Context
from atlas.invariants.predicate.errors import WITHOUT_VALUE
from atlas.invariants.predicate.expr import Each, Expr, Json, Op
from atlas.invariants.predicate.missing import MISSING
from atlas.invariants.predicate.shapes import is_condition
from atlas.invariants.predicate.walk import every_part, parts_of


def compile_expr(expr: Expr, context: Context = NO_CONTEXT) -> Callable[[Config], Json]:
    """A function that gives the value of the expression for a configuration, or `UNDEFINED`."""
    return _function(Code(context), [expr], single=True)


def compile_predicate(expr: Expr, context: Context = NO_CONTEXT) -> Callable[[Config], bool]:
    """A function that says whether the predicate holds: whether it is true, not false or undefined."""
    test = compile_expr(_as_condition(expr), context)
    return lambda config: test(config) is True


def compile_all(exprs: Sequence[Expr], context: Context = NO_CONTEXT) -> Callable[[Config], list[int]]:
    """A function that gives the numbers of those predicates that hold; fields are read once for all."""
    return _function(Code(context), [_as_condition(expr) for expr in exprs], single=False)


def holds(expr: Expr, config: Config, context: Context = NO_CONTEXT) -> bool:
    """Whether the predicate holds of the configuration."""
    return _compiled(expr, context)(config)


@lru_cache(maxsize=20_000)
def _compiled(expr: Expr, context: Context) -> Callable[[Config], bool]:
    return compile_predicate(expr, context)


def _as_condition(expr: Expr) -> Expr:
    return expr if is_condition(expr) else Op("truth", (expr,))


def _function(code: Code, exprs: Sequence[Expr], *, single: bool) -> Callable[[Config], Any]:
    lines = ["def evaluated(config):"]
    body: list[str] = [] if single else ["found = []"]
    for number, expr in enumerate(exprs):
        body += ["try:", f"    value = {code.text(expr)}", "except RAISED:"]
        body += [f"    value = {code.constant(_recovery(expr, code.context))}(config)"]
        if not single:
            body += ["if value is True:", f"    found.append({number})"]
    body += ["return UNDEFINED if value is MISSING else value" if single else "return found"]
    lines += [f"    {line}" for line in [*code.loads(), *body]]
    namespace = {**code.names, "RAISED": WITHOUT_VALUE, "MISSING": MISSING, "UNDEFINED": UNDEFINED}
    exec(compile("\n".join(lines), "<predicate>", "exec"), namespace)
    result: Callable[[Config], Any] = namespace["evaluated"]
    return result


def _recovery(expr: Expr, context: Context) -> Callable[[Config], Json]:
    """What the expression is where Python raised: mostly undefined, unless a part of it decides."""
    if not any(isinstance(part, Each) or _is_junction(part) for part in every_part(expr)):
        return _undefined
    if not _is_junction(expr) or is_large(expr):
        return walker(expr, context)
    return _by_parts(expr, context)


def _undefined(_: Config) -> Json:
    return UNDEFINED


def _by_parts(expr: Expr, context: Context) -> Callable[[Config], Json]:
    """An `and` or `or` of parts, each compiled when this is first needed."""
    decisive = isinstance(expr, Op) and expr.name == "or"
    parts: list[Callable[[Config], Json]] = []

    def decided(config: Config) -> Json:
        if not parts:
            parts.extend(compile_expr(_as_condition(part), context) for part in parts_of(expr))
        result: Json = not decisive
        for part in parts:
            truth = part(config)
            if truth is decisive:
                return decisive
            if truth is UNDEFINED:
                result = UNDEFINED
        return result

    return decided


def _is_junction(expr: Expr) -> bool:
    return isinstance(expr, Op) and expr.name in ("and", "or") and bool(expr.args)
