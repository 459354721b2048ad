"""The values to try of a parameter are of its type, at its bounds, and of every other type."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from atlas.invariants.model import FieldSpec, Target
from atlas.invariants.predicate.expr import Const, Each, Field, Op, Var
from atlas.invariants.sampling.conditions import Hints, hints_of, related_fields
from atlas.invariants.sampling.fragments import accepts, examples
from atlas.invariants.sampling.patterns import matching
from atlas.invariants.sampling.pools import narrowed, pool, pools
from atlas.invariants.sampling.values import distinct, identity

INTEGER = {"type": "integer"}
SCALARS = st.sampled_from([
    INTEGER, {"type": "number"}, {"type": "string"}, {"type": "boolean"}, {"type": "null"},
    {"enum": ["a", "b"]}, {"enum": [1, 8, 16]}, {"const": "auto"}, {"type": ["integer", "null"]},
    {"type": "integer", "minimum": 1, "maximum": 256},
    {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
    {"type": "object", "x-python-type": "pkg.Config"}, {"x-python-type": "Callable"},
])  # fmt: skip
FRAGMENTS = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.builds(lambda one: {"type": "array", "items": one}, inner),
        st.builds(lambda one: {"type": "object", "additionalProperties": one}, inner),
        st.builds(lambda one, other: {"anyOf": [one, other]}, inner, inner),
        st.builds(
            lambda one, other: {
                "type": "array", "prefixItems": [one, other], "items": False, "minItems": 2, "maxItems": 2,
            },
            inner, inner,
        ),
    ),
    max_leaves=4,
)  # fmt: skip
FINITE = st.floats(allow_nan=False, allow_infinity=False)
HINTS = st.builds(
    Hints,
    st.lists(st.one_of(st.integers(), FINITE, st.text()), max_size=3).map(tuple),
    st.lists(st.integers(-2, 9), max_size=2).map(tuple),
    st.lists(st.one_of(st.integers(), st.text()), max_size=2).map(tuple),
)  # fmt: skip


@given(FRAGMENTS, HINTS)
def test_valid_values_are_of_the_type_wrong_ones_are_not_and_none_comes_twice(fragment, hints):
    found = pool(fragment, hints)
    assert all(accepts(fragment, value) for value in found.valid)
    assert not any(accepts(fragment, value) for value in found.wrong)
    assert len({identity(value) for value in found.every}) == len(found.every)


@given(FRAGMENTS)
def test_every_type_that_json_can_write_has_an_example(fragment):
    callable_only = "Callable" in str(fragment)
    assert examples(fragment) or callable_only


def test_a_field_whose_default_is_JSON_text_is_given_other_JSON_texts():
    fields = (
        FieldSpec("said", "str", {"type": "string"}, "{}", True, "value"),
        FieldSpec("name", "str", {"type": "string"}, "5", True, "value"),
    )
    found = pools(Target("toy.Config", "g", fields))
    assert '{"a": 1}' in found["said"].valid
    assert '{"a": 1}' not in found["name"].valid


def test_an_integer_is_neither_a_bool_nor_a_float():
    found = pool(INTEGER, Hints())
    assert {identity(value) for value in (True, 2.0, 0.5, "5", "abc", None, [], {})} <= set(
        map(identity, found.wrong)
    )
    assert all(type(value) is int for value in (*found.valid, *found.boundary))


def test_both_sides_of_a_bound_are_tried():
    found = pool({"type": "integer", "minimum": 7, "maximum": 20}, Hints())
    assert {7, 8, 19, 20} <= set(found.valid)
    assert {6, 21} <= set(found.boundary)


def test_constants_of_conditions_are_tried_with_their_neighbours():
    found = pool({"type": "number"}, hints_of([Op(">", (Field(("x",)), Const(42)))])["x"])
    assert {41, 41.5, 42, 42.5, 43} <= set(found.boundary)


def test_small_fractions_have_neighbours_on_their_own_scale():
    found = pool({"type": "number"}, Hints((0.01,)))
    assert {0.005, 0.015} <= set(found.boundary)


def test_lengths_in_conditions_become_lists_of_about_that_length():
    hints = hints_of([Op(">", (Op("len", (Field(("stop",)),)), Const(6)))])["stop"]
    found = pool({"type": "array", "items": {"type": "string"}}, hints)
    assert {5, 6, 7} <= {len(value) for value in found.every if isinstance(value, list)}


def test_what_is_said_of_items_becomes_items():
    negative = Each("any", "v", Field(("ids",)), Op("<", (Var("v"), Const(-5))))
    found = pool({"type": "array", "items": INTEGER}, hints_of([negative])["ids"])
    assert [-6] in found.boundary


def test_what_is_looked_for_in_a_field_is_an_item_of_it():
    assert hints_of([Op("in", (Const("foo"), Field(("stop",))))])["stop"].items == ("foo",)


def test_names_of_types_are_no_values():
    assert hints_of([Op("in", (Op("type", (Field(("x",)),)), Const(["int", "float"])))]) == {}


def test_a_closed_list_of_values_is_tried_with_one_that_is_not_in_it():
    found = pool({"enum": ["a", "b"]}, hints_of([Op("in", (Field(("x",)), Const(["a", "c"])))])["x"])
    assert found.valid == ("a", "b")
    assert {"c", "nonsense"} <= {value for value in found.wrong if isinstance(value, str)}


def test_keys_that_conditions_read_have_pools_of_their_own():
    spec = FieldSpec(
        "bias",
        "dict[str, float]",
        {"type": "object", "additionalProperties": {"type": "number"}},
        None,
        False,
        "required",
    )
    found = pools(Target("pkg.C", "g", (spec,)), hints_of([Op(">", (Field(("bias", "a")), Const(3)))]))
    assert 3 in found["bias.a"].boundary
    assert "abc" in found["bias.a"].wrong


def test_what_is_given_is_not_sampled_and_a_default_is_valid():
    fields = (
        FieldSpec("model", "str", {"type": "string"}, None, False, "required"),
        FieldSpec("size", "int", INTEGER, None, True, "none"),
    )
    found = pools(Target("pkg.C", "g", fields, given={"model": "tiny"}))
    assert list(found) == ["size"]
    assert None in found["size"].valid


def test_pools_can_be_narrowed():
    wide = {"x": pool(INTEGER, Hints())}
    assert narrowed(wide, lambda _, value: value == 8)["x"].every == (8,)


def test_fields_that_one_condition_reads_are_related():
    both = Op("<", (Field(("a",)), Field(("b", "c"))))
    assert related_fields([both, Op(">", (Field(("a",)), Const(1))), both]) == (frozenset({"a", "b"}),)


def test_true_one_and_one_point_nought_are_three_values():
    assert [repr(one) for one in distinct([True, 1, 1.0, 1, True, [1], [True]])] == [
        "True", "1", "1.0", "[1]", "[True]",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "pattern",
    [r"^[a-z]+:\d{2,}$", r"(foo|bar)\.x[^abc]?", r"^-?[0-9]+$", r"(?P<a>x)(?:y|z)*", r"cuda(:\d+)?"],
)
def test_texts_are_made_that_match_a_pattern(pattern):
    assert all(re.search(pattern, text) for text in matching(pattern))


@given(st.text(alphabet=r"ab\d[]^(|)?*+{2,}:P<=>.$-", max_size=12))
@example("[^\\2")
@example(r"[^\]]")
def test_no_pattern_is_too_much(pattern):
    assert all(isinstance(text, str) for text in matching(pattern))
