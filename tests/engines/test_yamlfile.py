"""YAML is read as JSON values with places, and hostile or ambiguous YAML is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.errors import InputError
from atlas.yamlfile import parse_yaml


def test_every_value_keeps_its_place():
    document = parse_yaml("a: 1\nb:\n  - x\n  - y: [2, 3]\n", "f.yaml")
    assert document.value == {"a": 1, "b": ["x", {"y": [2, 3]}]}
    assert document.where(("b", 1, "y")) == "f.yaml:4:5"
    assert document.where(("b", 1, "y", 1)) == "f.yaml:4:12"
    assert document.where(("nowhere", "deep")) == "f.yaml:1:1"


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("a: 1\na: 2\n", "f:2:1", "`a` stands twice"),
        ("a: [1, 2\nb: 3\n", "f:2:2", "not valid YAML"),
        ("1: a\n", "f:1:1", "a key must be text"),
        ("a: .inf\n", "f:1:4", "not a finite number"),
        ("x: &x {b: 1}\ny:\n  <<: *x\n", "f:3:3", "merge keys"),
        ("a: !!python/object:os.system {}\n", "f:1:4", "is not a JSON value"),
        ("a: !!binary aGk=\n", "f:1:4", "is not a JSON value"),
        ("a: \x00", "f", "not valid YAML"),
        ("{" * 3000, "f", ""),
    ],
)
def test_what_is_not_plain_data_is_refused_with_its_place(text, place, words):
    with pytest.raises(InputError) as failure:
        value = parse_yaml(text, "f").value
        assert not isinstance(value, dict), value
    assert failure.value.where.startswith(place)
    assert words in failure.value.what


def test_dates_stay_text():
    assert parse_yaml("a: 2024-01-02\n", "f").value == {"a": "2024-01-02"}


def test_aliases_cannot_explode():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)]
    with pytest.raises(InputError, match="aliases count each time"):
        parse_yaml("\n".join(lines), "f")


@given(st.one_of(st.text(), st.binary()))
def test_any_text_gives_a_value_or_an_input_error(text):
    try:
        parse_yaml(text, "f")
    except InputError as error:
        assert error.where
