"""Types of parameters held against values, with a full validator of JSON Schema as the oracle."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from atlas.check.fragments import problems
from atlas.check.model import UNKNOWN

ROOT = Path(__file__).resolve().parents[2]
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.floats(-4, 4, width=16)
    | st.sampled_from(["", "a", "ab", "3"])
)
values = st.recursive(
    scalars, lambda one: st.lists(one, max_size=3) | st.dictionaries(st.sampled_from("ab"), one), max_leaves=5
)
kinds = st.sampled_from(["null", "boolean", "integer", "number", "string", "array", "object"])
bounds = st.fixed_dictionaries(
    {},
    optional={
        "minimum": st.integers(-3, 3),
        "exclusiveMaximum": st.integers(-3, 3),
        "multipleOf": st.integers(1, 3),
        "minLength": st.integers(0, 2),
        "maxItems": st.integers(0, 2),
        "enum": st.lists(scalars.filter(lambda one: not isinstance(one, float)), min_size=1, max_size=3),
    },
)
simple = st.builds(
    lambda kind, more: {"type": kind, **more},
    kinds | st.lists(kinds, min_size=1, max_size=2, unique=True),
    bounds,
)
fragments = st.recursive(
    simple,
    lambda one: (
        st.builds(lambda many: {"anyOf": many}, st.lists(one, min_size=1, max_size=3))
        | st.builds(lambda item: {"type": "array", "items": item}, one)
        | st.builds(lambda item: {"type": "object", "additionalProperties": item}, one)
        | st.builds(lambda item: {"type": "object", "properties": {"a": item}}, one)
    ),
    max_leaves=4,
)


@given(fragments, values)
@settings(max_examples=500, deadline=None)
def test_a_value_is_taken_where_a_full_validator_takes_it(fragment, value):
    assert (problems(fragment, value) == []) == Draft202012Validator(fragment).is_valid(value)


@pytest.mark.parametrize(
    "path",
    sorted((ROOT / "results").glob("*/*/schema.discovered.json")),
    ids=lambda p: f"{p.parts[-3]}-{p.parts[-2]}",
)
def test_every_type_of_an_artefact_takes_the_default_of_its_parameter(path):
    schema = json.loads(path.read_text())
    for group in schema["roots"]:
        for one in schema[group]:
            if "default" in one:
                assert problems(one["type"], one["default"]) == [], one["path"]


@pytest.mark.parametrize(("fragment", "value", "says"), [
    ({"type": ["integer", "null"], "minimum": 1}, 0, "0 is less than 1, the least that is allowed"),
    ({"type": "integer"}, "two", '"two" is not an integer'),
    ({"anyOf": [{"enum": ["a", "b"]}, {"type": "null"}]}, "c", '"c" is not one of "a", "b"'),
    ({"anyOf": [{"type": "integer", "minimum": 1}, {"type": "null"}]}, 0, "0 is less than 1, …"),
    ({"type": "array", "items": {"type": "integer"}}, [1, "x"], '"x" is not an integer'),
    ({"type": "integer"}, True, "true is not an integer"),
])  # fmt: skip
def test_what_is_wrong_is_said_in_words(fragment, value, says):
    (problem,) = problems(fragment, value)
    assert problem[2].startswith(says.removesuffix("…"))


def test_what_is_filled_in_later_and_what_is_no_json_is_taken():
    assert problems({"type": "integer"}, UNKNOWN) == []
    assert problems({"type": "object", "properties": {"a": {"type": "integer"}}}, {"a": UNKNOWN}) == []
    assert problems({"x-python-type": "torch.dtype"}, "anything") == []
    assert problems({"x-unknown": True, "type": "integer"}, "anything") == []
