"""Configurations on both sides of a predicate's boundary are what they say, and near to each other."""

import json
import os
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atlas.invariants.model import FieldSpec, Target
from atlas.invariants.predicate import Context, compile_predicate, parse
from atlas.invariants.sampling.around import around
from atlas.invariants.sampling.conditions import field_names, hints_of
from atlas.invariants.sampling.configurations import at
from atlas.invariants.sampling.pools import pools
from atlas.invariants.sampling.values import identity

TYPES = {
    "beams": ("int", {"type": "integer"}, 1),
    "returned": ("int", {"type": "integer"}, 1),
    "tokens": ("int | None", {"type": ["integer", "null"]}, None),
    "least": ("int", {"type": "integer", "minimum": 1}, 1),
    "heat": ("float", {"type": "number"}, 1.0),
    "top": ("float", {"type": "number", "exclusiveMinimum": 0, "maximum": 1}, 1.0),
    "sample": ("bool", {"type": "boolean"}, False),
    "kind": ("Literal['auto', 'fp8', 'int8', 'bf16']", {"enum": ["auto", "fp8", "int8", "bf16"]}, "auto"),
    "stop": (
        "list[str] | None",
        {"anyOf": [{"type": "array", "items": {"type": "string"}}, {"type": "null"}]},
        None,
    ),
    "ids": ("list[int]", {"type": "array", "items": {"type": "integer"}}, []),
    "device": ("str", {"type": "string"}, "cpu"),
    "nested": ("Nested", {"type": "object", "x-python-type": "pkg.Nested"}, {}),
    "bias": ("dict[str, float]", {"type": "object", "additionalProperties": {"type": "number"}}, {}),
    "any": ("Any", {}, None),
}
FIELDS = tuple(
    FieldSpec(name, display, type_, default, True, "value")
    for name, (display, type_, default) in TYPES.items()
)
TARGET = Target("pkg.C", "g", FIELDS)
CONTEXT = Context(TARGET.defaults(), {spec.name: spec.display for spec in FIELDS})
POOLS = pools(TARGET)

BOTH_SIDES = [
    "beams == 1 and returned > beams",
    "tokens < returned",
    "tokens % returned != 0",
    "kind not in ('auto', 'fp8')",
    "len(stop) > 4",
    "len(stop) > 30",
    "any(i < 0 for i in ids)",
    "all(i > 3 for i in ids) and len(ids) > 1",
    "not conforms(raw(beams), 'int')",
    "type(beams) not in ('int', 'float')",
    "matches('^[a-z]+:[0-9]{3}$', device)",
    "0 < heat and heat < 0.01",
    "not (0 < top and top <= 1)",
    "nested.level == 17 and sample",
    "bias['5'] > 100",
    "'foo' in stop",
    "given(tokens) and tokens is None",
    "beams * returned * tokens == 96 and least == 7",
    "heat + top == 77 and tokens - least == 1234",
    "tokens - least == 1234 and least > 50 and heat == top * 3 and top > 0.3 and returned == 3 * beams + 2",
    "tokens > 3000 if sample else tokens < -3000",
    "kind == 'int8' and device == 'cuda' and beams > 4 and returned > 5 and heat > 7.5 and ids",
]  # fmt: skip


def sides(text, n=60, seed=0, valid_context=()):
    expr = parse(text)
    found = around(
        expr, TARGET, pools(TARGET, hints_of([expr])), CONTEXT, n, n, seed, valid_context=valid_context
    )
    return expr, *found


def core(expr, config):
    return [at(config, name) for name in field_names(expr)]


@pytest.mark.parametrize("text", BOTH_SIDES)
def test_both_sides_are_found_are_what_they_say_and_hold_no_configuration_twice(text):
    expr, trues, falses = sides(text)
    holds = compile_predicate(expr, CONTEXT)
    assert (len(trues), len(falses)) == (60, 60)
    assert all(holds(one) for one in trues)
    assert not any(holds(one) for one in falses)
    assert len({identity(one) for one in (*trues, *falses)}) == 120


@pytest.mark.parametrize("text", BOTH_SIDES)
def test_most_near_misses_differ_from_a_true_one_in_one_field_with_the_same_others(text):
    expr, trues, falses = sides(text)
    names = {name.split(".")[0] for name in field_names(expr)}
    known, misses = (
        [{name: value for name, value in one.items() if name in names} for one in side]
        for side in (trues, falses)
    )
    assert sum(is_near(miss, known) for miss in misses) >= 40


def is_near(miss, trues):
    return any(
        sum(repr(one.get(name, "unset")) != repr(miss.get(name, "unset")) for name in TYPES) == 1
        for one in trues
    )


def test_each_clause_alone_is_made_to_fail():
    _, _, falses = sides("beams == 1 and returned > 1 and sample")
    defaults = TARGET.defaults()
    failing = set()
    for one in falses:
        now = {**defaults, **one}
        try:
            failing.add((now["beams"] == 1, now["returned"] > 1, bool(now["sample"])))
        except TypeError:
            continue
    assert {(False, True, True), (True, False, True), (True, True, False)} <= failing


def test_both_ends_of_a_range_are_missed_by_little():
    _, _, falses = sides("3 < beams and beams < 900")
    assert {3, 900} <= {one.get("beams") for one in falses if not isinstance(one.get("beams"), list | dict)}


def test_the_nearest_miss_comes_first():
    _, _, falses = sides("beams > 500")
    assert all(499 <= one["beams"] <= 500 for one in falses[:10])


def test_other_fields_are_those_of_valid_configurations_or_none():
    valid = [{"heat": 0.1 * i, "beams": 4, "sample": True} for i in range(20)]
    _, trues, falses = sides("beams == 1 and returned > beams", valid_context=valid)
    others = [
        {name: one[name] for name in one if name not in ("beams", "returned")} for one in (*trues, *falses)
    ]
    allowed = [{}, *({"heat": one["heat"], "sample": True} for one in valid)]
    assert all(one in allowed for one in others)
    assert {} in others
    assert len({identity(one) for one in others}) > 5


def test_valid_configurations_that_leave_the_predicate_alone_are_preferred():
    valid = [{"heat": 0.5, "beams": 4}] * 20 + [{"top": 0.01 * i} for i in range(20)]
    _, trues, _ = sides("beams == 1 and returned > beams", valid_context=valid)
    of_each = [sum(name in one for one in trues) for name in ("top", "heat")]
    assert of_each[0] > 1.5 * of_each[1] > 0, "what is valid only with those fields counts too"


def test_what_nothing_satisfies_has_no_true_side():
    _, trues, falses = sides("beams < 1 and beams > 2")
    assert trues == []
    assert len(falses) == 60


def test_what_always_holds_has_no_false_side():
    _, trues, falses = sides("True")
    assert len(trues) == 60
    assert falses == []


def test_another_seed_gives_other_configurations():
    first, other = (sides("beams == 1 and returned > beams", seed=seed)[1] for seed in (0, 1))
    shared = {identity(one) for one in first} & {identity(one) for one in other}
    assert len(shared) < 30


def test_few_have_values_of_a_wrong_type_where_others_will_do():
    _, trues, _ = sides("tokens < returned")
    types = [{type(one.get(name)) for name in ("tokens", "returned")} for one in trues]
    assert 0 < sum(not of <= {int, type(None)} for of in types) <= 15


NAMES = st.sampled_from(["beams", "tokens", "heat", "kind", "stop", "nested.level", "any"])
CONSTANTS = st.sampled_from(
    ["1", "-3", "0.5", "'fp8'", "None", "True", "[1, 2]", "len(stop)", "beams", "10 ** 300"]
)
OPERATORS = st.sampled_from(["==", "!=", "<", "<=", ">", ">=", "in", "not in", "%", "*", "+"])
ATOMS = st.builds("({} {} {})".format, NAMES, OPERATORS, CONSTANTS)
PREDICATES = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.builds("({} and {})".format, inner, inner),
        st.builds("({} or {})".format, inner, inner),
        st.builds("(not {})".format, inner),
    ),
    max_leaves=4,
)


@settings(max_examples=25, deadline=None)
@given(PREDICATES)
def test_whatever_the_predicate_each_side_is_what_it_says(text):
    expr, trues, falses = sides(text, n=8)
    holds = compile_predicate(expr, CONTEXT)
    assert all(holds(one) for one in trues)
    assert not any(holds(one) for one in falses)
    assert trues or falses


def test_what_the_target_does_not_take_and_what_is_given_is_not_passed():
    given_heat = Target("pkg.C", "g", FIELDS, given={"heat": 0.5})
    expr = parse("unheard_of > 3 or heat > 0.7 or beams > 3")
    trues, falses = around(expr, given_heat, POOLS, CONTEXT, 40, 40, 0, valid_context=[{"top": 0.5}])
    assert set().union(*trues, *falses) == {"beams", "top"}


def test_nothing_depends_on_the_hash_seed():
    code = (
        "import json; from test_around import *;"
        "print(json.dumps([sides(text, n=30)[1:] for text in BOTH_SIDES]))"
    )
    outputs = [
        subprocess.run(
            [sys.executable, "-c", code], cwd=os.path.dirname(__file__),
            env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True,
        ).stdout
        for seed in ("1", "2")
    ]  # fmt: skip
    assert all(json.loads(outputs[0])[0])
    assert outputs[0] == outputs[1]
