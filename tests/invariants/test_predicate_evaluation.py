"""Predicates mean what Python means by them, and have an answer to every configuration."""

from __future__ import annotations

import ast
import math
import re
import warnings
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from atlas.invariants.predicate import (
    UNDEFINED,
    Const,
    Context,
    Expr,
    Op,
    compile_all,
    compile_expr,
    compile_predicate,
    evaluate,
    exact_text,
    holds,
    normalise,
    parse,
    to_text,
    undefined,
)
from atlas.invariants.predicate.expr import identity

from .expressions import TYPES, all_expressions, configs, extreme_values, json_values, plain_expressions

RELAXED = settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
NAMES = {type(None): "null", bool: "bool", int: "int", float: "float", str: "str", list: "list", dict: "dict"}


def unordered(value: Any) -> None:
    """What is written in no certain order is nothing to compare."""
    assume(not re.search("frozenset|set", repr(value)))


def refuse(value: Any, wanted: type) -> Any:
    if not isinstance(value, wanted):
        raise TypeError(wanted)
    return value


def ordered(value: Any) -> Any:
    """Something to go through, in an order that is certain."""
    assume(not isinstance(value, frozenset))
    return value


def method(name: str) -> Any:
    return lambda text, *args: getattr(refuse(text, str), name)(
        *(tuple(arg) if isinstance(arg, list) and name in ("startswith", "endswith") else arg for arg in args)
    )


PYTHON: dict[str, Any] = {
    "__builtins__": {},
    **{
        entry.__name__: entry
        for entry in (
            len,
            int,
            float,
            abs,
            sum,
            sorted,
            min,
            max,
            round,
            bool,
            any,
            all,
            set,
            math.floor,
        )
    },
    "set": frozenset,
    "str": lambda x: unordered(x) or str(x),
    "ceil": math.ceil,
    "isnan": math.isnan,
    "isinf": math.isinf,
    "isfinite": math.isfinite,
    "isint": lambda x: type(x) is int or (type(x) is float and math.isfinite(x) and x == math.floor(x)),
    "type": lambda x: NAMES.get(type(x), "set"),
    "matches": lambda pattern, text: re.search(pattern, text) is not None,
    **{
        name: method(name)
        for name in (
            "lower",
            "upper",
            "strip",
            "lstrip",
            "rstrip",
            "split",
            "replace",
            "startswith",
            "endswith",
            "isdigit",
            "isalpha",
            "isalnum",
            "isnumeric",
            "isspace",
            "isidentifier",
            "title",
            "capitalize",
            "casefold",
            "removeprefix",
            "removesuffix",
            "find",
        )
    },
    "count": lambda x, one: refuse(x, str if isinstance(x, str) else list).count(one),
    "join": lambda between, items: refuse(between, str).join(ordered(items)),
    "ordered": ordered,
    "unique": lambda x: list(dict.fromkeys(ordered(x))),
    "sqrt": math.sqrt,
    "log2": math.log2,
    "keys": lambda x: list(refuse(x, dict).keys()),
    "values": lambda x: list(refuse(x, dict).values()),
    "get": lambda x, key, *other: refuse(x, dict).get(key, *other) if other else x[key],
}


class _FrozenSets(ast.NodeTransformer):
    """Sets of the language are constants, which can be compared but not changed, and have no order."""

    def visit_ListComp(self, node: ast.ListComp) -> ast.AST:
        self.generic_visit(node)
        node.generators[0].iter = ast.Call(ast.Name("ordered", ast.Load()), [node.generators[0].iter], [])
        return node

    def visit_Set(self, node: ast.Set) -> ast.AST:
        self.generic_visit(node)
        return ast.Call(ast.Name("set", ast.Load()), [ast.List(node.elts, ast.Load())], [])


def by_python(expr: Expr, config: dict[str, Any]) -> tuple[bool, Any]:
    """Whether Python has a value for it, and which."""
    text = exact_text(Op("truth", (expr,)) if isinstance(expr, Op) and expr.name in ("and", "or") else expr)
    tree = ast.fix_missing_locations(_FrozenSets().visit(ast.parse(text, mode="eval")))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python wonders about `1 is None`
        code = compile(tree, "<oracle>", "eval")
    try:
        return True, eval(code, {**PYTHON, **config})
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, re.error):
        return False, None


FULL = st.fixed_dictionaries({"a": json_values, "b": json_values, "c": json_values})


@settings(RELAXED, max_examples=500)
@given(plain_expressions(), FULL)
def test_where_python_has_a_value_it_is_ours(expr: Expr, config: dict[str, Any]) -> None:
    defined, value = by_python(expr, config)
    if defined and not isinstance(value, complex):
        assert identity(evaluate(expr, config, Context())) == identity(value)


@settings(RELAXED, max_examples=500)
@given(plain_expressions(), FULL)
def test_undefined_says_exactly_when_python_raises(expr: Expr, config: dict[str, Any]) -> None:
    defined, value = by_python(expr, config)
    if not isinstance(value, complex):
        assert evaluate(undefined(expr), config, Context()) is not defined
        assert evaluate(Op("raises", (expr,)), config, Context()) is not defined


@settings(RELAXED, max_examples=300)
@given(all_expressions(), configs(), configs())
def test_the_canonical_form_has_the_same_value_everywhere(
    expr: Expr, config: dict[str, Any], defaults: dict[str, Any]
) -> None:
    context = Context(defaults)
    form = evaluate(normalise(expr), config, context)
    assert identity(form) == identity(evaluate(expr, config, context))


@settings(RELAXED, max_examples=300)
@given(all_expressions())
def test_the_canonical_text_is_read_back_as_the_canonical_form(expr: Expr) -> None:
    form = normalise(expr)
    assert parse(to_text(expr)) == form
    assert normalise(form) == form


@settings(RELAXED, max_examples=300)
@given(all_expressions(), configs(extreme_values), configs(), st.sampled_from(["none", "lax"]))
def test_nothing_crashes_and_compiled_code_agrees_with_the_walk(
    expr: Expr, config: dict[str, Any], defaults: dict[str, Any], converts: str
) -> None:
    context = Context(defaults, dict(zip("abc", TYPES, strict=False)), converts)
    walked = evaluate(expr, config, context)
    assert identity(compile_expr(expr, context)(config)) == identity(walked)
    assert compile_predicate(expr, context)(config) is (walked is not UNDEFINED and bool(walked))
    assert compile_all([expr, expr], context)(config) == ([0, 1] if holds(expr, config, context) else [])


CASES = [
    ("temperature < 0", {"temperature": -1}, True),
    ("temperature < 0", {"temperature": "hot"}, False),
    ("not temperature < 0", {"temperature": "hot"}, False),
    ("temperature < 0 or top_k == 1", {"temperature": "hot", "top_k": 1}, True),
    ("x == 1", {"x": True}, True),
    ("type(x) == 'int'", {"x": True}, False),
    ("type(x) == 'bool'", {"x": True}, True),
    ("x is True", {"x": 1}, False),
    ("x is not None", {"x": None}, False),
    ("given(x)", {"x": None}, True),
    ("given(x)", {}, False),
    ("x is None", {}, False),
    ("given(o.k)", {"o": {"k": 1}}, True),
    ("o.k == 1", {"o": {"k": 1}}, True),
    ("o.k == 1", {"o": None}, False),
    ("raises(o.k)", {"o": None}, True),
    ("raises(o.k)", {"o": {}}, False),
    ("o['k'] == 1", {"o": {}}, False),
    ("raises(o['k'])", {"o": {}}, True),
    ("0 < x <= 1", {"x": 0.5}, True),
    ("7 % x != 0", {"x": 2}, True),
    ("raises(7 % x)", {"x": 0}, True),
    ("any(s == '' for s in stop)", {"stop": ["a", ""]}, True),
    ("any(s == '' for s in stop)", {"stop": 3}, False),
    ("any(len(s) > 0 for s in stop if type(s) == 'str')", {"stop": [1, "a"]}, True),
    ("all(len(s) > 0 for s in stop if type(s) == 'str')", {"stop": [1, "a"]}, True),
    ("x in {1, 2}", {"x": 1}, True),
    ("raises(x in {1, 2})", {"x": []}, True),
    ("raises(x in (1, 2))", {"x": []}, False),
    ("matches('^a.c$', x)", {"x": "abc"}, True),
    ("(x or 5) > 3", {"x": 0}, True),
    ("field('odd-name') == 1 and field('class') == 2", {"odd-name": 1, "class": 2}, True),
    ("opaque('is_cuda()') or x == 1", {"x": 1}, True),
    ("not opaque('is_cuda()')", {}, False),
    ("x > 1 if y else x > 5", {"x": 2, "y": True}, True),
    ("isint(x)", {"x": 2.0}, True),
    ("isint(x)", {"x": True}, False),
]


@pytest.mark.parametrize(("text", "config", "expected"), CASES)
def test_the_meaning_by_example(text: str, config: dict[str, Any], expected: bool) -> None:
    assert holds(parse(text), config) is expected
    assert holds(normalise(parse(text)), config) is expected


def test_what_is_unset_has_its_default_and_what_has_none_is_unknown() -> None:
    context = Context({"x": 1, "o": {"k": 2}, "p.q": 3})
    assert holds(parse("x == 1 and o.k == 2 and raw(x) == 1"), {}, context)
    assert holds(parse("p.q == 3"), {"p": {}}, context)
    assert evaluate(parse("y == 1"), {}, context) is UNDEFINED
    assert evaluate(parse("raises(y == 1)"), {}, context) is UNDEFINED


def test_where_the_class_converts_a_field_is_what_it_becomes_and_raw_what_was_passed() -> None:
    lax = Context({"n": "unset"}, {"n": "int", "t": "Tensor"}, "lax")
    assert holds(parse("n == 5 and raw(n) == '5' and raw(n) != n"), {"n": "5"}, lax)
    assert evaluate(parse("n == 5"), {"n": "five"}, lax) is UNDEFINED
    assert not holds(parse("conforms(raw(n), 'int')"), {"n": "five"}, lax)
    assert holds(parse("n == 'unset'"), {}, lax)
    assert holds(parse("t == 'x'"), {"t": "x"}, lax)
    assert holds(parse("n == '5'"), {"n": "5"}, Context({}, {"n": "int"}, "none"))


@pytest.mark.parametrize(
    ("text", "config"),
    [
        ("matches('(a+)+$', x)", {"x": "a" * 40 + "b"}),
        ("matches(x, y)", {"x": "(a|a)*$", "y": "a" * 60 + "b"}),
        ("matches('.*.*.*.*x', y)", {"y": "a" * 5000}),
        ("x ** x ** x > 0", {"x": 99}),
        ("x * y == ''", {"x": "a", "y": 10**12}),
        ("1 << x > 0", {"x": 10**9}),
        ("x % 1 == ''", {"x": "%999999999d"}),
        ("round(x, -10 ** 9) == 0", {"x": 5}),
        ("any(any(y == z for z in x) for y in x)", {"x": [0] * 200_000}),
    ],
)
def test_what_would_take_too_long_is_undefined(text: str, config: dict[str, Any]) -> None:
    assert evaluate(parse(text), config, Context()) is UNDEFINED
    assert holds(parse(text), config) is False


@pytest.mark.parametrize("text", ["^[a-z0-9_]+:\\d+$", "(foo|bar)-\\w+", "(ab)*c", "(?i)^llama.*"])
def test_ordinary_patterns_are_answered(text: str) -> None:
    assert evaluate(Op("matches", (Const(text), Const("x" * 300))), {}, Context()) is False


def test_predicates_of_any_size_are_answered() -> None:
    deep: Expr = parse("a == 1")
    for _ in range(3000):
        deep = Op("not", (deep,))
    assert compile_predicate(deep)({"a": 1}) in (True, False)
    wide = Op("or", tuple(parse(f"a == {number}") for number in range(3000)))
    assert compile_predicate(wide)({"a": 2999}) is True


T, F, U = "a == 1", "a == 2", "nowhere == 1"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *(
            (f"{left} and {right}", value)
            for left, right, value in [(T, U, U), (F, U, F), (U, T, U), (U, F, F)]
        ),
        *(
            (f"{left} or {right}", value)
            for left, right, value in [(T, U, T), (F, U, U), (U, T, T), (U, F, U)]
        ),
        (f"not ({U})", U),
        (f"{T} if {U} else {T}", U),
        (f"any(i == 1 and {U} or i == 2 for i in [1, 2])", T),
        (f"any(i == 1 and {U} for i in [1, 2])", U),
        (f"all(i == 2 or {U} for i in [1, 2])", U),
        (f"all(i == 2 and {U} for i in [1, 2])", F),
        ("nowhere in []", U),
        ("nowhere not in empty", U),
        ("nowhere in ''", U),
        ("[nowhere, 1] == [nowhere, 1]", U),
        ("get(object, 'k', nowhere) == 1", U),
        ("same(nowhere, True)", U),
        ("conforms(nowhere, 'int | None')", U),
        ("type(nowhere) == 'int'", U),
        ("len({nowhere}) == 1", U),
        ("len({'k': nowhere}) == 1", U),
        ("str(nowhere) == ''", U),
        ("raw(nowhere) == 1", U),
        ("bool(nowhere)", U),
        ("min(nowhere, 1) == 1", U),
    ],
)
def test_what_is_unknown_spreads_until_something_decides(text: str, value: str) -> None:
    config = {"a": 1, "empty": [], "object": {"k": 1}}
    expected = {T: True, F: False, U: UNDEFINED}[value]
    assert evaluate(parse(text), config, Context()) is expected
    assert compile_expr(parse(text), Context())(config) is expected
    assert compile_expr(normalise(parse(text)), Context())(config) is expected
