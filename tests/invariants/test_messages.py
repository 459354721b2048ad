"""Messages: rendered with the user's values, and compared with what the engine said."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atlas.invariants.learn import template
from atlas.invariants.messages import render, says
from atlas.invariants.predicate import Context

CONTEXT = Context({"size": 1, "mode": "fast", "stop": None})


@pytest.mark.parametrize(
    ("text", "config", "rendered"),
    [
        ("size is {size}", {"size": 3}, "size is 3"),
        ("size is {size}", {}, "size is 1"),
        ("{size + 1} of {mode}", {"size": 3}, "4 of fast"),
        ("{stop}, {keep}", {"keep": True}, "None, True"),
        ("one of {[1, 2]} or {{a}} {{{size}}}", {}, "one of [1, 2] or {a} {1}"),
        ("{get(stop, '}')}", {"stop": {"}": 2}}, "2"),
        ("{unknown}", {}, "…"),
        ("{not a predicate}", {}, "{not a predicate}"),
        ("{", {}, "{"),
        ("} {}", {}, "} {}"),
        ("{mode}", {"mode": "{size}"}, "{size}"),
        ("{size}", {"size": "x" * 500}, "x" * 200 + "…"),
        ("", {}, ""),
    ],
)
def test_a_message_shows_the_users_values(text, config, rendered):
    assert render(text, config, CONTEXT) == rendered


@pytest.mark.parametrize(
    ("text", "said", "agrees"),
    [
        ("size is {size}", "size is 3", True),
        ("size is {size}", "Value error, size is 3", True),
        ("size is {size}", "size is 3.", True),
        ("size is {size}", "size is 3, or more", True),
        ("size is {size}", "size is 3.5", False),
        ("size is {size}", "size is 31", False),
        ("size is {size}", "resize is 3", False),
        ("size is {size}", "size is 4", False),
        ("size … {size}", "size must not be 3", True),
        ("mode {mode}", "mode 'slow'", True),
        ("mode {mode}", "mode slow", True),
        ("mode {mode}", "mode fast", False),
        ("a {{b}} (c)", "a {b} (c)", True),
        ("a.c", "abc", False),
        ("{unknown} is", "anything is", True),
    ],
)
def test_what_the_engine_said_is_what_the_template_says(text, said, agrees):
    assert says(text, {"size": 3, "mode": "slow"}, said, CONTEXT) is agrees


@pytest.mark.parametrize("said", ["use {auto}", "got {}", "a {b} c {d", "{{x}}"])
def test_braces_that_an_engine_writes_come_back_from_what_is_learned(said):
    learned = template([({"size": 1}, said), ({"size": 2}, said)], {})
    assert learned is not None
    assert render(learned, {"size": 5}, CONTEXT) == said
    assert says(learned, {"size": 5}, said, CONTEXT)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=100, deadline=None)
@given(st.text("{}…size +a'\"", max_size=20), json_values)
def test_no_template_and_no_value_makes_it_crash(text, value):
    shown = render(text, {"size": value}, CONTEXT)
    assert isinstance(shown, str)
    assert isinstance(says(text, {"size": value}, shown, CONTEXT), bool)
    json.dumps(shown)
