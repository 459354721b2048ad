"""Rules about single fields, learned from what happened when each was set alone."""

from __future__ import annotations

import json

import pytest

from atlas.invariants.learn import learn_univariate
from atlas.invariants.model import FieldSpec
from atlas.invariants.predicate import to_text
from atlas.invariants.predicate.expr import Op

from .toy_engine import ANY, OK, changed, field, observe, rejected, target, total, wrong

NUMBERS = (*ANY, 0, 1, 2, -1, 0.0, 1.0, 2.5, -0.5, 1.5, 100, 0.25, 64, 65, 2**20)
STRINGS = (*ANY, "auto", "fast", "slow", "Auto", "other", "0", "1.5")
LISTS = (
    *ANY,
    [0],
    ["a"],
    [1, "b"],
    [[1]],
    [-1, 2],
    [1, 2, 3],
    [9],
    [1, 2, 3, 4],
    [5, 6, 7, 8, 9],
    [None],
    [True],
)
OBJECTS = (*ANY, {}, {"level": 1}, {"level": "x"}, {"other": 1}, {"1": 2}, {"level": -1}, {"level": 0})
MODES = {"enum": ["auto", "fast", "slow"]}

FRESH = (
    0, 7, -7, 0.1, -0.1, 63, 66, 1e9, 3.0, "new", "12", "3.5", "auto", "slow", " ", [9], [9, 8, 7, 6, 5],
    ["q", 2], [-4], [{}], {"level": 9}, {"level": -9}, {"z": {}}, {"2": 1}, True, False, None, [], {}, "",
)  # fmt: skip

HIDDEN = {
    "only text": ("str | None", {}, ANY, lambda x: x is not None and not isinstance(x, str)),
    "only numbers": ("float", {}, NUMBERS, lambda x: not isinstance(x, int | float)),
    "no text": ("int", {}, NUMBERS, lambda x: isinstance(x, str)),
    "not negative": ("float", {}, NUMBERS, lambda x: x < 0),
    "positive": ("float", {}, NUMBERS, lambda x: x <= 0),
    "at most one": ("float", {}, NUMBERS, lambda x: x > 1),
    "a fraction": ("float", {}, NUMBERS, lambda x: not 0 <= x <= 1),
    "a bound": ("int", {"maximum": 64}, NUMBERS, lambda x: x > 64),
    "whole numbers": ("int", {}, NUMBERS, lambda x: isinstance(x, float) and x != int(x)),
    "not zero": ("int", {}, NUMBERS, lambda x: not isinstance(x, bool) and x == 0),
    "a closed set": ("str", MODES, STRINGS, lambda x: isinstance(x, str) and x not in MODES["enum"]),
    "a closed set or none": ("str", MODES, STRINGS, lambda x: x is not None and x not in MODES["enum"]),
    "a closed set however it is written": (
        "str",
        MODES,
        (*STRINGS, "FAST", "AUTO", "fASt"),
        lambda x: isinstance(x, str) and x.lower() not in MODES["enum"],
    ),
    "a closed set however it is written, or none": (
        "str",
        MODES,
        (*STRINGS, "FAST", "AUTO", "fASt"),
        lambda x: x is None or (isinstance(x, str) and x.lower() not in MODES["enum"]),
    ),
    "no JSON": ("str", {}, (*STRINGS, "{}", '{"a": 1}', "{", "[1", "[1]"), lambda x: not is_json(x)),
    "one of the set": ("str", MODES, STRINGS, lambda x: x == "fast"),
    "not empty": ("str", {}, STRINGS, lambda x: len(x) == 0),
    "integers in a list": (
        "list[int]",
        {},
        LISTS,
        lambda x: isinstance(x, list) and any(type(v) is not int for v in x),
    ),
    "no negative item": ("list[int]", {}, LISTS, lambda x: isinstance(x, list) and any(v < 0 for v in x)),
    "a short list": ("list[int]", {}, LISTS, lambda x: isinstance(x, list) and len(x) > 3),
    "a key": ("dict", {}, OBJECTS, lambda x: isinstance(x, dict) and "level" in x),
    "a key's value": ("dict", {}, OBJECTS, lambda x: isinstance(x, dict) and x.get("level", 0) < 0),
}


def is_json(text):
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def alone(values):
    return [{}, *({"x": value} for value in values)]


@pytest.mark.parametrize("name", HIDDEN)
def test_the_condition_holds_for_just_the_same_values(name):
    display, fragment, values, condition = HIDDEN[name]
    its = target(field("x", None, display, fragment))

    def truth(config):
        return "x" in config and total(condition, config["x"])

    observed = observe(alone(values), lambda config: rejected("no") if truth(config) else OK)
    rules = learn_univariate(its, observed)
    when = Op("or", tuple(each.when for each in rules))
    assert rules
    assert wrong(when, its, alone(FRESH), truth) == []


def test_each_thing_that_happens_has_a_rule_of_its_own():
    its = target(field("x", 1, "float"))

    def engine(config):
        x = config.get("x", 1)
        if not isinstance(x, int | float):
            return rejected(f"'<' not supported between instances of '{type(x).__name__}'", type="TypeError")
        return rejected(f"x must be positive, got {x}", "toy.py:12") if x <= 0 else OK

    types, sign = sorted(
        learn_univariate(its, observe(alone(NUMBERS), engine)), key=lambda each: each.site.line
    )
    assert (types.effect.raises, sign.effect.raises) == ("TypeError", "ValueError")
    assert wrong(types.when, its, alone(FRESH), lambda c: not isinstance(c.get("x", 1), int | float)) == []
    assert wrong(sign.when, its, alone(FRESH), lambda c: total(lambda x: x <= 0, c.get("x", 1))) == []
    assert sign.message == "x must be positive, got {x}"


def test_strings_that_only_sampling_chose_prove_no_closed_set():
    its, others = target(field("x", "auto", "str")), ("a", "better", "deep")
    observed = observe(alone(["auto", *others]), lambda c: rejected("no") if c.get("x") in others else OK)
    assert learn_univariate(its, observed) == ()


def test_a_field_that_can_not_be_set_is_known_by_being_given():
    its = target(field("x", None, "int | None"))
    observed = observe(alone(ANY), lambda config: rejected("unexpected argument") if config else OK)
    [rule] = learn_univariate(its, observed)
    assert rule.when == Op("given", rule.when.args)


def test_what_happens_with_nothing_set_is_no_rule_of_a_field():
    its = target(field("x", 1))
    assert learn_univariate(its, observe(alone(ANY), lambda config: rejected("no"))) == ()


def test_fields_that_are_always_set_are_the_base():
    its = target(field("model", None, "str"), field("x", 1, "int"))
    base = {"model": "m"}
    configs = [{**base, **config} for config in alone(NUMBERS)]
    observed = observe(
        configs, lambda config: rejected("no") if total(lambda x: x < 0, config.get("x")) else OK
    )
    [rule] = learn_univariate(its, observed, base=base)
    assert wrong(rule.when, its, alone(FRESH), lambda c: total(lambda x: x < 0, c.get("x", 1))) == []


def test_a_converted_value_is_a_change_to_its_own_conversion():
    its = target(field("x", 1, "int"))

    def engine(config):
        return changed(x=int(config["x"])) if config.get("x") in ("7", "12") else OK

    rules = learn_univariate(its, observe(alone([1, 2, None, "7", "12", "a", "b", [1]]), engine))
    assert [each.effect.sets["x"].name for each in rules] == ["int"]


def test_a_threshold_is_a_known_constant_where_one_lies_between():
    its = target(field("x", 1, "int"))
    observed = observe(alone([1, 5, 100, 200]), lambda c: rejected("no") if c.get("x", 1) > 64 else OK)
    [rule] = learn_univariate(its, observed, {"x": {64}})
    assert wrong(rule.when, its, alone(range(200)), lambda c: c.get("x", 1) > 64) == []


def test_a_constant_that_the_message_names_is_the_threshold():
    its = target(field("x", 1, "int"))

    def engine(config):
        return rejected(f"x must be at most 64, got {config['x']}") if config.get("x", 1) > 64 else OK

    [rule] = learn_univariate(its, observe(alone([1, 5, 100, 200, 300]), engine))
    assert wrong(rule.when, its, alone(range(200)), lambda c: c.get("x", 1) > 64) == []
    assert rule.message == "x must be at most 64, got {x}"


def test_the_legal_values_that_the_message_lists_are_the_closed_set():
    its = target(field("x", "auto", "str"))

    def engine(config):
        bad = config.get("x", "auto") not in ("auto", "fast", "slow")
        return rejected(f"invalid x {config['x']!r}: one of ['auto', 'fast', 'slow']") if bad else OK

    [rule] = learn_univariate(its, observe(alone(["auto", "fast", "other", "Auto", "sl", "some"]), engine))
    fresh = alone(["slow", "auto", "new", "fa"])
    assert wrong(rule.when, its, fresh, lambda c: c.get("x", "auto") not in ("auto", "fast", "slow")) == []


def test_where_values_are_converted_what_does_not_convert_is_rejected():
    its = target(FieldSpec("x", "int", {"type": "integer"}, 1, True, "value", converts=True))

    def engine(config):
        taken = total(lambda x: x is not None and int(x) == float(x), config.get("x", 1))
        return OK if taken else rejected("Input should be a valid integer", None, "ValidationError")

    values = (1, 5, "7", "x", 1.5, 2.0, None, [1], {"a": 1}, True, "", "3.5")
    [rule] = learn_univariate(its, observe(alone(values), engine))
    assert to_text(rule.when) == "not conforms(raw(x), 'int')"


def test_a_bound_is_about_the_converted_value():
    its = target(FieldSpec("x", "int", {"type": "integer"}, 1, True, "value", converts=True))

    def engine(config):
        return rejected("x must be positive") if total(lambda x: int(x) < 1, config.get("x", 1)) else OK

    [rule] = learn_univariate(its, observe(alone((1, 5, 0, -3, "7", "0", "-2", "12")), engine))
    assert wrong(rule.when, its, alone(("-9", "9", 9, -9, "0")), lambda c: int(c.get("x", 1)) < 1) == []


def test_an_explicit_null_is_told_from_a_field_that_is_not_set():
    its = target(field("x", None, "str | None"))
    observed = observe(alone(STRINGS), lambda config: changed(x="auto") if config == {"x": None} else OK)
    (rule,) = learn_univariate(its, observed)
    assert to_text(rule.when) == "given(x) and x is None"


def test_a_list_in_the_message_says_which_texts_are_taken_though_none_was_tried():
    its = target(field("x", None, "str | None"))
    said = "x should be 'left', 'right' or 'both'"
    observed = observe(
        alone((None, "a", "nonsense", "5")), lambda config: rejected(said) if config.get("x") else OK
    )
    rules = learn_univariate(its, observed)
    assert [to_text(rule.when) for rule in rules] == ["x not in (None, 'both', 'left', 'right')"]
    assert len(rules[0].message or "") == len(said)


def test_texts_that_are_listed_are_not_told_apart_by_their_length():
    listed = {"enum": ["auto", "fastest", "slowest", "quick"]}
    its = target(field("x", "auto", "str", listed))
    values = ("auto", "fastest", "slowest", "quick", "no", "nonsense!")
    observed = observe(alone(values), lambda config: rejected("x") if len(str(config.get("x"))) == 7 else OK)
    assert all("len" not in to_text(rule.when) for rule in learn_univariate(its, observed))
