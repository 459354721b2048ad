"""Reading calls: the functions of the language, methods as functions, loops and the special forms."""

from __future__ import annotations

import ast
from typing import Protocol

from atlas.invariants.predicate.errors import PredicateError
from atlas.invariants.predicate.expr import FUNCTIONS, NONE, TRUE, Const, Each, Expr, Field, Op, Opaque

RENAMED = {"bool": "truth"}
METHODS = {
    "lower",
    "upper",
    "strip",
    "lstrip",
    "rstrip",
    "split",
    "startswith",
    "endswith",
    "replace",
    "title",
    "capitalize",
    "casefold",
    "isdigit",
    "isalpha",
    "isalnum",
    "isnumeric",
    "isspace",
    "isidentifier",
    "removeprefix",
    "removesuffix",
    "find",
    "count",
    "join",
    "keys",
    "values",
    "get",
}
OF_A_FIELD = frozenset(("given", "raw"))
OF_A_TYPE = frozenset(("conforms", "convert"))


class Reader(Protocol):
    """What reads the parts of a call."""

    def condition(self, node: ast.expr) -> Expr: ...

    def value(self, node: ast.expr) -> Expr: ...

    def refused(self, node: ast.AST, why: str) -> PredicateError: ...

    def within(self, name: str) -> Reader: ...


def read_call(reader: Reader, node: ast.Call) -> Expr:
    if isinstance(node.func, ast.Attribute) and node.func.attr in METHODS and not node.keywords:
        return _method(reader, node, node.func)
    if not isinstance(node.func, ast.Name) or node.keywords:
        raise reader.refused(node, "only the functions of the language can be called")
    name = RENAMED.get(node.func.id, node.func.id)
    if name in ("any", "all"):
        return _each(reader, node, name)
    if name in ("field", "opaque", "environment"):
        return _special(reader, node, name)
    return _function(reader, node, name)


def _method(reader: Reader, node: ast.Call, function: ast.Attribute) -> Expr:
    args = (reader.value(function.value), *map(reader.value, node.args))
    if function.attr == "get" and len(args) == 2:
        args = (*args, NONE)
    return _applied(reader, node, function.attr, args)


def _function(reader: Reader, node: ast.Call, name: str) -> Expr:
    if name == "set" and not node.args:
        return Const(frozenset())
    if name not in FUNCTIONS:
        known = ", ".join(sorted(FUNCTIONS))
        raise reader.refused(node, f"no function {name} (there are {known})")
    read = reader.condition if name == "truth" else reader.value
    args = tuple(map(read, node.args))
    if name == "float" and args and isinstance(args[0], Const) and args[0].value in ("inf", "-inf", "nan"):
        return Const(float(args[0].value))
    if name in OF_A_FIELD and not all(isinstance(arg, Field) for arg in args):
        raise reader.refused(node, f"{name} is of a field")
    if name in OF_A_TYPE and not (len(args) == 2 and _is_text(args[1])):
        raise reader.refused(node, f"{name} takes a value and the text of a type")
    return _applied(reader, node, name, args)


def _applied(reader: Reader, node: ast.Call, name: str, args: tuple[Expr, ...]) -> Expr:
    least, most = FUNCTIONS[name]
    if not least <= len(args) <= most:
        raise reader.refused(node, f"{name} of {len(args)} arguments")
    return Op(name, args)


def _special(reader: Reader, node: ast.Call, name: str) -> Expr:
    texts = [arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
    if name == "field":
        if not texts or len(texts) != len(node.args):
            raise reader.refused(node, "field takes names in quotes")
        return Field(tuple(texts))
    fields = tuple(map(reader.value, node.args[1:]))
    named = tuple(field for field in fields if isinstance(field, Field))
    if len(texts) != 1 or not isinstance(node.args[0], ast.Constant) or named != fields:
        raise reader.refused(node, f"{name} takes a text, and fields")
    return Opaque(texts[0], named, environment=name == "environment")


def _each(reader: Reader, node: ast.Call, kind: str) -> Expr:
    loop = node.args[0] if len(node.args) == 1 else None
    if not isinstance(loop, ast.GeneratorExp) or len(loop.generators) != 1:
        raise reader.refused(node, f"{kind} takes one loop: {kind}(… for x in …)")
    part, name = _loop(reader, node, loop)
    inner = reader.within(name)
    body = inner.condition(loop.elt)
    for test in reversed(part.ifs):
        body = _filtered(kind, inner.condition(test), body)
    over = reader.value(part.iter)
    return Each("any" if kind == "any" else "all", name, over, body)


def read_list(reader: Reader, node: ast.ListComp) -> Expr:
    """`[body for x in over if only]`"""
    if len(node.generators) != 1:
        raise reader.refused(node, "a list has one loop")
    part, name = _loop(reader, node, node)
    inner = reader.within(name)
    tests = tuple(map(inner.condition, part.ifs))
    only = TRUE if not tests else tests[0] if len(tests) == 1 else Op("and", tests)
    return Each("list", name, reader.value(part.iter), inner.value(node.elt), only)


def _loop(
    reader: Reader, node: ast.expr, loop: ast.GeneratorExp | ast.ListComp
) -> tuple[ast.comprehension, str]:
    """The one loop, and the name that it binds."""
    (part,) = loop.generators
    if not isinstance(part.target, ast.Name) or part.is_async:
        raise reader.refused(node, "a loop has one name")
    return part, part.target.id


def _filtered(kind: str, test: Expr, body: Expr) -> Expr:
    return Op("and", (test, body)) if kind == "any" else Op("or", (Op("not", (test,)), body))


def _is_text(expr: Expr) -> bool:
    return isinstance(expr, Const) and isinstance(expr.value, str)
