"""Two outcomes are the same if they come from the same statement, or say the same of other values."""

from __future__ import annotations

from atlas.invariants.learn import mask, signatures, template
from atlas.invariants.learn.messages import constants_in
from atlas.invariants.model import Observation, Thrown, Warned

from .toy_engine import OK, rejected


def collected(*parts):
    return Observation(
        "rejected", "construct", Thrown("ValidationError", ("ValidationError",), "…", (), parts)
    )


def part(kind, loc, message="m", frames=()):
    return {"type": kind, "loc": loc, "message": message, "frames": frames}


def test_values_in_a_message_make_no_difference():
    assert mask("got -1.5e3 of 10") == mask("got 7 of 8")
    assert mask("mode 'fast' of ['fast', 'slow']") == mask('mode "x" of [1]')
    assert mask("<object at 0x7f> is None") == mask("<object at 0x80> is True")
    assert mask("beam2 is set") != mask("beam3 is set")


def test_names_of_fields_make_a_difference():
    assert mask("'top_p' is 3", {"top_p", "top_k"}) != mask("'top_k' is 3", {"top_p", "top_k"})
    assert mask("`top_p` is 3") != mask("`top_k` is 3")


def test_a_message_with_many_brackets_is_masked_in_no_time():
    assert len(mask("[" * 20_000)) == 20_000
    assert mask("[" * 5_000 + "]" * 5_000) == "…"


def test_the_innermost_statement_and_the_exception_tell_rejections_apart():
    one, other = signatures(rejected("x is 1")), signatures(rejected("x is 2"))
    elsewhere = signatures(rejected("x is 1", "toy.py:11"))
    assert one == other != elsewhere
    assert signatures(rejected("x is 1", type="TypeError")) != one
    assert one[0].coarse().covers(signatures(rejected("quite another text"))[0])


def test_each_collected_error_is_one():
    seen = collected(
        part("int_type", ("a", "int")), part("string_type", ("a", "str")), part("greater_than", ("b",))
    )
    assert [(each.field, each.shape) for each in signatures(seen)] == [
        ("a", "conversion"),
        ("b", "greater_than"),
    ]


def test_a_warning_comes_from_where_it_was_asked_for():
    frames = ("toy/utils/logging.py:300", "toy/logits_process.py:7", "toy/config.py:1")
    seen = Observation("ok", "validate", warned=(Warned("logging", "WARNING", "x is 3", frames),))
    assert signatures(seen)[0].frame == "toy/logits_process.py:7"


def test_failures_of_a_probe_and_quiet_acceptance_have_none():
    assert signatures(OK) == ()
    assert signatures(Observation("timeout", "validate")) == ()


def test_what_varies_with_a_field_is_its_place_and_the_rest_is_kept():
    said = [
        ({"a": a, "b": b}, f"`a` ({a}) must be over 3 and {b!r}") for a, b in ((1, "x y"), (2, "z"), (0, "w"))
    ]
    assert template(said, {}) == "`a` ({a}) must be over 3 and '{b}'"


def test_what_varies_otherwise_is_left_out():
    said = [({"a": a}, f"a is wrong at step {a * 7 + 2} of 9") for a in (1, 2, 3)]
    assert template(said, {}) == "a is wrong at step … of 9"


def test_a_value_of_a_single_probe_is_not_kept():
    assert template([({"a": 17}, "a must be less than 10, got 17")], {}) == "a must be less than 10, got {a}"


def test_values_that_are_lists_are_shown_whole():
    said = [({"a": a}, f"got {a} for a") for a in ([1, 2], [1, 3, 4], {"k": 1})]
    assert template(said, {}) == "got {a} for a"


def test_defaults_are_shown_as_well():
    said = [({"a": 2}, "a (2) > b (1)"), ({"a": 5, "b": 3}, "a (5) > b (3)"), ({"a": 9}, "a (9) > b (1)")]
    assert template(said, {"b": 1}) == "a ({a}) > b ({b})"


def test_a_default_that_a_message_names_is_shown_as_the_field():
    said = [({"a": a}, f"a ({a}) must not exceed b (2048), which 1 allows") for a in (4096, 5000)]
    assert template(said, {"b": 2048, "c": 1}) == "a ({a}) must not exceed b ({b}), which 1 allows"


def test_a_message_about_several_fields_is_one_thing_for_each():
    seen = rejected("these are ignored: ['top_p', 'top_k']. See 3")
    names = {"top_p", "top_k"}
    assert [each.shape for each in signatures(seen, names)] == [
        "these are ignored: ['top_p']. See …", "these are ignored: ['top_k']. See …",
    ]  # fmt: skip
    assert len(signatures(seen, {"top_p"})) == 1


def test_constants_of_a_message_are_what_it_quotes_what_it_lists_and_its_numbers():
    assert constants_in("Parser '{name}' unknown. Available parsers: beam, deepseek_r1, qwen.next, hf.") == [
        "beam", "deepseek_r1", "qwen.next", "hf"
    ]  # fmt: skip
    assert constants_in('"no {name}. Available: beam, hf, k2"')[-3:] == ["beam", "hf", "k2"]
    assert constants_in("must be one of 'a', 'b' and at least 3") == ["a", "b", 3]
    assert constants_in("note: first this, then that") == []
