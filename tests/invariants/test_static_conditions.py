"""Conditions as the static miner builds, weakens and shortens them."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atlas.invariants.predicate import FALSE, TRUE, Const, Expr, Field, Op, Opaque, evaluate, parse, to_text
from atlas.invariants.predicate.context import NO_CONTEXT, UNDEFINED
from atlas.invariants.static.implied import excluded, implied
from atlas.invariants.static.shorter import shorter
from atlas.invariants.static.terms import and_, if_, not_, op, or_, type_in
from atlas.invariants.static.weaken import weakest

VALUES = (None, True, False, -1, 0, 1, 2, 0.5, "a", "", [], [1])
CONFIGS = [
    dict(zip("xyz", row, strict=True))
    for row in itertools.product(VALUES[:9], repeat=2)
    for row in [(*row, 1)]
]
CLAUSES = st.sampled_from(
    [
        parse(text)
        for text in (
            "x == 1", "x != 1", "x is None", "x is not None", "x > 0", "x < 2", "x <= 0", "x in (1, 'a')",
            "x not in (1, None)", "type(x) == 'int'", "type(x) not in ('str', 'bool')", "y == 'a'", "y > 1",
            "given(y)", "bool(y)", "y is None", "x == y", "len(y) > 1",
        )
    ]
)  # fmt: skip
CONDITIONS = st.recursive(
    CLAUSES,
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: Op("and", tuple(parts))),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: Op("or", tuple(parts))),
        inner.map(lambda part: Op("not", (part,))),
        st.tuples(inner, inner, inner).map(lambda parts: Op("if", parts)),
    ),
    max_leaves=8,
)


def value(expr: Expr, config: dict[str, object]) -> object:
    return evaluate(expr, config, NO_CONTEXT)


@settings(max_examples=300, deadline=None)
@given(CONDITIONS)
def test_a_shorter_condition_holds_where_the_longer_one_does(condition: Expr) -> None:
    made = shorter(condition)
    for config in CONFIGS[::3]:
        before = value(condition, config)
        if before is not UNDEFINED:
            assert (value(made, config) is True) == bool(before), config


@settings(max_examples=200, deadline=None)
@given(CONDITIONS, st.integers(0, 4))
def test_without_its_opaque_clauses_a_condition_holds_wherever_it_held(condition: Expr, which: int) -> None:
    clauses = sorted(set(_leaves(condition)), key=to_text)
    hidden = clauses[which % len(clauses)]
    weak = weakest(_with(condition, hidden, Opaque("hidden")))
    for config in CONFIGS[::3]:
        if value(condition, config) is True:
            assert value(weak, config) is not False, config


@settings(max_examples=300, deadline=None)
@given(CLAUSES, CLAUSES)
def test_what_is_implied_holds_and_what_is_excluded_does_not(fact: Expr, clause: Expr) -> None:
    for config in CONFIGS:
        if value(fact, config) is True:
            if implied(fact, clause):
                assert value(clause, config) is True, config
            if excluded(fact, clause):
                assert value(clause, config) is not True, config


@settings(max_examples=200, deadline=None)
@given(CONDITIONS, CONDITIONS)
def test_and_or_not_mean_what_they_say(left: Expr, right: Expr) -> None:
    made = {"and": and_(left, right), "or": or_(left, right), "not": not_(left), "if": if_(left, TRUE, right)}
    plain = {
        "and": Op("and", (left, right)),
        "or": Op("or", (left, right)),
        "not": Op("not", (left,)),
        "if": Op("if", (left, TRUE, right)),
    }
    for name, expr in made.items():
        for config in CONFIGS[::7]:
            wanted = value(plain[name], config)
            if wanted is not UNDEFINED:
                assert bool(value(expr, config)) == bool(wanted), (name, config)


def test_operations_are_spread_over_the_branches_of_a_choice() -> None:
    x, y = Field(("x",)), Field(("y",))
    mode = if_(op("==", x, Const(1)), Const("a"), if_(op("==", y, Const(2)), Const("b"), Const("c")))
    assert to_text(op("==", mode, Const("b"))) == "x != 1 and y == 2"
    assert to_text(op("in", mode, Const(("a", "c")))) == "x == 1 or y != 2"


@pytest.mark.parametrize(
    ("expr", "kinds", "wanted"),
    [
        (Const(True), ("int",), FALSE),
        (Const(1), ("bool", "int"), TRUE),
        (op("len", Field(("x",))), ("int",), TRUE),
        (op("==", Field(("x",)), Const(1)), ("bool",), TRUE),
    ],
)
def test_types_that_the_form_of_a_value_tells_are_decided(
    expr: Expr, kinds: tuple[str, ...], wanted: Expr
) -> None:
    assert type_in(expr, kinds) == wanted


def _leaves(expr: Expr) -> list[Expr]:
    if isinstance(expr, Op) and expr.name in ("and", "or", "not", "if"):
        return [leaf for part in expr.args for leaf in _leaves(part)]
    return [expr]


def _with(expr: Expr, old: Expr, new: Expr) -> Expr:
    if expr == old:
        return new
    if isinstance(expr, Op) and expr.name in ("and", "or", "not", "if"):
        return Op(expr.name, tuple(_with(part, old, new) for part in expr.args))
    return expr
