"""Predicates as text: what is read, what is refused and how, and what the canonical form is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.invariants.predicate import (
    Const,
    Field,
    Op,
    Opaque,
    PredicateError,
    constants_of,
    exact_text,
    fields_of,
    opaque_of,
    parse,
    substitute,
    to_text,
    undefined,
)

CANONICAL = [
    ("1 < x", "x > 1"),
    ("x == 1 or x == 3 or x in (2, 1)", "x in (1, 2, 3)"),
    ("x != 1 and x not in ('a', None)", "x not in (None, 1, 'a')"),
    ("x in (1, 2, 3) and x != 2", "x in (1, 3)"),
    ("x in (5,)", "x == 5"),
    ("x < 5 and x < 3 and x <= 3", "x < 3"),
    ("x < 5 or x < 3", "x < 5"),
    ("b and a and b", "a and b"),
    ("x == 1 or (x == 1 and b)", "x == 1"),
    ("not (a and not b)", "b or not a"),
    ("not (x == 1 or y is None)", "x != 1 and y is not None"),
    ("not x < 1", "not x < 1"),
    ("not len(x) < 1", "len(x) >= 1"),
    ("not any(s == '' for s in stop)", "all(x != '' for x in stop)"),
    ("True and x == 1", "x == 1"),
    ("x == 1 if True else y", "x == 1"),
    ("1 + 1 < x", "x > 2"),
    ("b == a", "a == b"),
    ("x is not None and x is not None", "x is not None"),
    ("a < b < c", "a < b and b < c"),
    ("x.lower() == 'a'", "lower(x) == 'a'"),
    ("field('x') == 1", "x == 1"),
    ("field('None') == 1", "field('None') == 1"),
    ("-x ** 2 == (-x) ** 2", "(-x) ** 2 == -x ** 2"),
    ("x == float('inf')", "x == float('inf')"),
    ("d.get('k') == 1", "get(d, 'k', None) == 1"),
]


@pytest.mark.parametrize(("text", "canonical"), CANONICAL)
def test_one_meaning_has_one_form(text: str, canonical: str) -> None:
    assert to_text(parse(text)) == canonical
    assert to_text(parse(canonical)) == canonical


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x <", "1:1: not a predicate: invalid syntax: x <"),
        ("lambda: 1", "Lambda is not part of the language"),
        ("f(x)", "no function f (there are abs"),
        ("__import__('os').system('true')", "only the functions of the language can be called"),
        ("len(x, y)", "len of 2 arguments"),
        ("given(x + 1)", "given is of a field"),
        ("x is y", "is compares with None, True or False only"),
        ("x == b'a'", "bytes is not JSON"),
        ("any(x)", "any takes one loop"),
        ("conforms(x, 1)", "conforms takes a value and the text of a type"),
        ("x = 1", "not a predicate"),
        ("x @ y", "not part of the language"),
        ("~x", "not part of the language"),
        ("(" * 5000, "not a predicate"),
        ("x and " * 40_000 + "x", "a predicate of 240001 characters"),
        ("\0", "not a predicate"),
    ],
)
def test_what_is_no_predicate_is_refused_with_a_reason_and_a_place(text: str, said: str) -> None:
    with pytest.raises(PredicateError) as refused:
        parse(text)
    assert said in str(refused.value)


@given(st.text(max_size=30) | st.text("xy01 .()[]{}'\"<>=!+-*/%&|^~,:andornotifelse", max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        expr = parse(text)
    except PredicateError:
        return
    assert parse(to_text(expr)) is not None


@given(st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=3))
def test_fields_of_any_name_are_written_and_read(path: list[str]) -> None:
    field = Field(tuple(path))
    assert parse(exact_text(field)) == field


def test_constants_tell_true_from_1_and_from_1_0() -> None:
    assert len({Const(True), Const(1), Const(1.0), Const((1,)), Const((True,)), Const("1")}) == 6
    assert parse("x == True") != parse("x == 1")
    assert Const([1, [2]]) == Const((1, (2,)))


def test_fields_constants_and_opaque_clauses_are_found() -> None:
    expr = parse(
        "x < 5 and y in ('a', 'b') and z == x or type(v) == 'int' or opaque('f(w)', w) or conforms(v, 'int')"
    )
    assert [".".join(field.path) for field in fields_of(expr)] == ["v", "w", "x", "y", "z"]
    assert constants_of(expr)[Field(("x",))] == (5,)
    assert constants_of(expr)[Field(("y",))] == ("a", "b")
    assert constants_of(expr)[Field(("v",))] == ()
    assert opaque_of(expr) == (Opaque("f(w)", (Field(("w",)),)),)


def test_parts_are_replaced_and_keys_of_a_replaced_object_are_looked_up() -> None:
    expr = parse("a.b.c == a.d")
    assert exact_text(substitute(expr, {Field(("a",)): Field(("x", "y"))})) == "x.y.b.c == x.y.d"
    assert exact_text(substitute(expr, {Field(("a", "b")): parse("f[0]")})) == "f[0]['c'] == a.d"
    assert substitute(parse("a == 1"), {Field(("a",)): Const(1)}) == Op("==", (Const(1), Const(1)))


@pytest.mark.parametrize(
    ("text", "raising"),
    [
        ("x < 1", "type(x) not in ('bool', 'float', 'int')"),
        ("'a' < x", "type(x) != 'str'"),
        ("x == 1", "False"),
        ("x in (1, 2)", "False"),
        ("x is not None and x < 1", "type(x) not in ('bool', 'float', 'int') and x is not None"),
        ("x is None or x < 1", "type(x) not in ('bool', 'float', 'int') and x is not None"),
        ("len(x) > 1", "type(x) not in ('dict', 'list', 'set', 'str')"),
        ("a.b == 1", "type(a) != 'dict'"),
        ("x < y", "raises(x < y)"),
        ("x % 8 == 0", "raises(x % 8)"),
        ("opaque('f()') and x == 1", "False"),
    ],
)
def test_when_python_raises_is_said_by_types_where_it_can_be(text: str, raising: str) -> None:
    assert to_text(undefined(parse(text))) == raising
