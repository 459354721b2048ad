"""Where predicates hold, told without looking at rows that give none of their fields."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from atlas.invariants.learn.fit import rows_giving, rows_where
from atlas.invariants.predicate import Context, parse

CONTEXT = Context({"a": 1, "b": None}, {}, "none")
TEXTS = (
    "a > 0", "a > 1", "a is None", "given(a)", "not given(a)", "a > 1 or b == 'x'", "a == b", "b.c == 1",
    "not given(b) and a > 1", "len(b) > 1",
)  # fmt: skip
VALUES = st.sampled_from([None, True, 0, 1, 2, "x", [1, 2], {"c": 1}])
CONFIGS = st.lists(st.dictionaries(st.sampled_from("abc"), VALUES), max_size=12)


@given(text=st.sampled_from(TEXTS), configs=CONFIGS)
def test_the_rows_are_the_same_as_when_each_is_looked_at(text, configs):
    expr = parse(text)
    assert rows_where(expr, configs, CONTEXT, rows_giving(configs)) == rows_where(expr, configs, CONTEXT)
