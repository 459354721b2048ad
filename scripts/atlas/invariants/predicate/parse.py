"""Reading the text of a predicate: a subset of Python's expressions."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping

from atlas.invariants.predicate.errors import PredicateError
from atlas.invariants.predicate.expr import FALSE, NONE, TRUE, Const, Expr, Field, Json, Op, Var
from atlas.invariants.predicate.parse_calls import read_call, read_list

MAX_TEXT = 200_000

_COMPARISONS: Mapping[type[ast.cmpop], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.In: "in",
    ast.NotIn: "not_in",
}
_ARITHMETIC: Mapping[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Pow: "**",
    ast.BitAnd: "&",
    ast.BitOr: "|",
    ast.BitXor: "^",
    ast.LShift: "<<",
    ast.RShift: ">>",
}


def parse(text: str) -> Expr:
    """The expression that `text` writes; `PredicateError` with line and column where it is none."""
    if len(text) > MAX_TEXT:
        raise PredicateError(f"a predicate of {len(text)} characters", hint=f"the limit is {MAX_TEXT}")
    try:
        return _Reader(text).condition(ast.parse(text.strip(), mode="eval").body)
    except SyntaxError as error:
        raise PredicateError(f"not a predicate: {error.msg}: {_short(text)}", where=_place(error)) from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise PredicateError(f"not a predicate: {error}: {_short(text)}") from None


def _place(error: SyntaxError) -> str:
    return f"{error.lineno or 1}:{error.offset or 1}"


def _short(text: str) -> str:
    return text if len(text) <= 80 else text[:77] + "..."


class _Reader:
    """Reads one syntax tree; `bound` holds the names that any and all around bind."""

    def __init__(self, text: str, bound: frozenset[str] = frozenset()) -> None:
        self.text = text
        self.bound = bound

    def condition(self, node: ast.expr) -> Expr:
        """In a place where only truth counts, `and` and `or` are the logical ones."""
        if isinstance(node, ast.BoolOp):
            name = "and" if isinstance(node.op, ast.And) else "or"
            return Op(name, tuple(map(self.condition, node.values)))
        return self.value(node)

    def value(self, node: ast.expr) -> Expr:
        reader: Callable[..., Expr] | None = getattr(self, f"_{type(node).__name__.lower()}", None)
        if reader is None:
            raise self.refused(node, f"{type(node).__name__} is not part of the language")
        return reader(node)

    def within(self, name: str) -> _Reader:
        """The reader of what a loop with this name repeats."""
        return _Reader(self.text, self.bound | {name})

    def refused(self, node: ast.AST, why: str) -> PredicateError:
        place = f"{getattr(node, 'lineno', 1)}:{getattr(node, 'col_offset', 0) + 1}"
        return PredicateError(f"{why}: {_short(self.text)}", where=place)

    def _constant(self, node: ast.Constant) -> Expr:
        if node.value is not None and not isinstance(node.value, bool | int | float | str):
            raise self.refused(node, f"{type(node.value).__name__} is not JSON")
        return Const(node.value)

    def _name(self, node: ast.Name) -> Expr:
        return Var(node.id) if node.id in self.bound else Field((node.id,))

    def _attribute(self, node: ast.Attribute) -> Expr:
        owner = self.value(node.value)
        if isinstance(owner, Field):
            return Field((*owner.path, node.attr))
        return Op("get", (owner, Const(node.attr)))

    def _subscript(self, node: ast.Subscript) -> Expr:
        if isinstance(node.slice, ast.Slice):
            if node.slice.step is not None:
                raise self.refused(node, "a slice has no step")
            ends = [NONE if end is None else self.value(end) for end in (node.slice.lower, node.slice.upper)]
            return Op("slice", (self.value(node.value), *ends))
        return Op("get", (self.value(node.value), self.value(node.slice)))

    def _boolop(self, node: ast.BoolOp) -> Expr:
        """In a place where the value counts, `a or b` is `a if a else b`, as in Python."""
        *rest, last = map(self.value, node.values)
        for part in reversed(rest):
            chosen = (part, last, part) if isinstance(node.op, ast.And) else (part, part, last)
            last = Op("if", chosen)
        return last

    def _unaryop(self, node: ast.UnaryOp) -> Expr:
        if isinstance(node.op, ast.Not):
            return Op("not", (self.condition(node.operand),))
        operand = self.value(node.operand)
        if isinstance(node.op, ast.UAdd) and _is_number(operand):
            return operand
        if not isinstance(node.op, ast.USub):
            raise self.refused(node, "this operator is not part of the language")
        if isinstance(operand, Const) and _is_number(operand):
            return Const(operator.neg(operand.value))
        return Op("neg", (operand,))

    def _binop(self, node: ast.BinOp) -> Expr:
        name = _ARITHMETIC.get(type(node.op))
        if name is None:
            raise self.refused(node, "this operator is not part of the language")
        return Op(name, (self.value(node.left), self.value(node.right)))

    def _compare(self, node: ast.Compare) -> Expr:
        parts = [self.value(part) for part in (node.left, *node.comparators)]
        clauses = tuple(
            self._comparison(node, kind, left, right)
            for kind, left, right in zip(node.ops, parts, parts[1:], strict=False)
        )
        return clauses[0] if len(clauses) == 1 else Op("and", clauses)

    def _comparison(self, node: ast.Compare, kind: ast.cmpop, left: Expr, right: Expr) -> Expr:
        if isinstance(kind, ast.Is | ast.IsNot):
            same = self._identity(node, left, right)
            if isinstance(kind, ast.Is):
                return same
            return Op("!=", (left, NONE)) if right == NONE else Op("not", (same,))
        return Op(_COMPARISONS[type(kind)], (left, right))

    def _identity(self, node: ast.Compare, left: Expr, right: Expr) -> Expr:
        if right == NONE:
            return Op("==", (left, NONE))
        if right not in (TRUE, FALSE):
            raise self.refused(node, "is compares with None, True or False only")
        is_bool = Op("==", (Op("type", (left,)), Const("bool")))
        return Op("and", (is_bool, Op("==", (left, right))))

    def _ifexp(self, node: ast.IfExp) -> Expr:
        return Op("if", (self.condition(node.test), self.value(node.body), self.value(node.orelse)))

    def _list(self, node: ast.List | ast.Tuple) -> Expr:
        return collected("list", tuple(map(self.value, node.elts)))

    _tuple = _list

    def _set(self, node: ast.Set) -> Expr:
        return collected("set", tuple(map(self.value, node.elts)))

    def _dict(self, node: ast.Dict) -> Expr:
        parts: list[Expr] = []
        for key, value in zip(node.keys, node.values, strict=True):
            if key is None:
                raise self.refused(node, "** is not part of the language")
            parts += [self.value(key), self.value(value)]
        return collected("dict", tuple(parts))

    def _listcomp(self, node: ast.ListComp) -> Expr:
        return read_list(self, node)

    def _call(self, node: ast.Call) -> Expr:
        return read_call(self, node)


def _is_number(expr: Expr) -> bool:
    return isinstance(expr, Const) and type(expr.value) in (int, float)


def collected(name: str, parts: tuple[Expr, ...]) -> Expr:
    """A constant where all parts are, else the operation that makes it."""
    values: list[Json] = [part.value for part in parts if isinstance(part, Const)]
    if len(values) != len(parts):
        return Op(name, parts)
    if name == "list":
        return Const(tuple(values))
    try:
        if name == "set":
            return Const(frozenset(values))
        return Const(dict(zip(values[::2], values[1::2], strict=True)))
    except TypeError:
        return Op(name, parts)
