"""The compact form of a version: nothing is lost, and the same facts are the same bytes."""

import copy
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atlas.errors import InputError
from atlas.history.facts import lines, packed, unpacked
from atlas.history.join import read_facts
from atlas.validation import check
from atlas.yamlfile import Document

from .made import param, schema

ROOT = Path(__file__).resolve().parents[2]
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-9, 9)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
names = st.sampled_from(["a", "b", "a.x", "Inner.x", "a[].x", "a.*.y"])


@st.composite
def entries(draw):
    found = param(
        draw(names),
        draw(st.sampled_from(["int", "str", "unknown"])),
        draw(json_values),
        line=draw(st.sampled_from([None, 1, 77])),
        owner=draw(st.sampled_from(["toy.args.Args", "toy.args.Inner"])),
        root=draw(st.sampled_from(["toy.args.Args", "toy.args.Other"])),
        annotation=draw(st.sampled_from([None, "int", "Optional[int]"])),
        default_kind=draw(st.sampled_from(["value", "none", "required", "unknown"])),
    )
    if draw(st.booleans()):
        found["type"] = draw(st.dictionaries(st.sampled_from(["const", "default"]), json_values, max_size=2))
    for name, value in (("description", "Words: “so”."), ("private", True), ("aliases", ["z"])):
        if draw(st.booleans()):
            found[name] = value
    if draw(st.booleans()):
        del found["default"]
    if draw(st.booleans()):
        found["evidence"] = [{"lane": "static"}]
    return found


def exactly(value):
    """`==` of Python takes 1 for True and for 1.0."""
    return json.dumps(value, sort_keys=True)


@settings(max_examples=150, deadline=None)
@given(st.lists(entries(), max_size=5))
def test_what_is_packed_comes_back_as_it_was(members):
    made = schema("1.0", *members)
    before = copy.deepcopy(made)
    back = unpacked(json.loads(lines(packed(made))))
    assert {key: exactly(back[key]) for key in before} == {key: exactly(before[key]) for key in before}
    assert exactly(made) == exactly(before)


def test_what_goes_without_saying_is_not_written():
    (entry,) = packed(schema("1.0", param("a")))["parameters"]["engine_params"]
    assert entry == {"path": "a", "display": "int", "default": 0, "at": "toy/args.py:3"}


def test_two_parameters_whose_types_are_shown_alike_keep_both_types():
    found = packed(schema("1.0", param("a"), param("b", type={"type": "integer", "minimum": 1})))
    assert found["types"] == {"int": {"type": "integer"}}
    assert found["parameters"]["engine_params"][1]["type"] == {"type": "integer", "minimum": 1}


def test_there_is_a_line_for_each_parameter():
    text = lines(packed(schema("1.0", *(param(name) for name in "abc"))))
    assert [line.strip()[:11] for line in text.splitlines() if '"path"' in line] == [
        '{"path":"a"',
        '{"path":"b"',
        '{"path":"c"',
    ]
    assert text == lines(packed(schema("1.0", *(param(name) for name in "abc"))))


def test_nan_is_refused():
    with pytest.raises(ValueError, match="not JSON compliant"):
        lines(packed(schema("1.0", param("a", default=float("nan")))))


def test_the_published_schema_knows_every_key_and_no_other(tmp_path):
    found = packed(schema("1.0", param("a")))
    check(Document("facts", found, {}), "history.facts")
    found["parameters"]["engine_params"][0]["colour"] = "red"
    with pytest.raises(InputError, match="unknown key `colour`"):
        check(Document("facts", found, {}), "history.facts")


@pytest.mark.parametrize("content", ["", "[]", "{", '{"engine": "toy"}', "\ufeff{}", "null"])
def test_a_file_that_is_no_facts_is_told_by_name(tmp_path, content):
    file = tmp_path / "history.facts.json"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=r"history\.facts\.json"):
        read_facts(file)


def test_facts_of_another_engine_are_refused(tmp_path):
    file = tmp_path / "history.facts.json"
    file.write_text(lines(packed(schema("1.0", param("a")))))
    assert read_facts(file, "toy").version == "1.0"
    with pytest.raises(InputError, match="it is about toy, not other"):
        read_facts(file, "other")
