"""What must be so of any two versions: of made-up ones, and of all that are tracked."""

import dataclasses
import itertools
import json

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atlas.diff.apply import applied, state_of
from atlas.diff.change import mirrored
from atlas.diff.compare import compare
from atlas.diff.fragments import accepts
from atlas.diff.subset import subset
from atlas.knowledge import engines, versions

from .made import BOTH, RESULTS, entry, facts, rule, tracked, tracked_diff

# Types.

numbers = st.integers(-3, 3)
bounds = st.fixed_dictionaries(
    {}, optional={"minimum": numbers, "exclusiveMinimum": numbers, "maximum": numbers}
)
sizes = st.fixed_dictionaries({}, optional={"minLength": st.integers(0, 3), "maxLength": st.integers(0, 4)})
listed = st.lists(st.sampled_from(["a", "b", "c", 1, 2, True, None]), min_size=1, max_size=3)
leaves = st.one_of(
    st.just({}),
    st.sampled_from(["null", "boolean", "string", "array", "object"]).map(lambda kind: {"type": kind}),
    bounds.map(lambda one: {"type": "integer", **one}),
    bounds.map(lambda one: {"type": "number", **one}),
    sizes.map(lambda one: {"type": "string", **one}),
    listed.map(lambda values: {"enum": values}),
    st.just({"x-python-type": "toy.Thing"}),
    st.just({"x-unknown": "?"}),
    st.just({"type": ["integer", "null"]}),
)
types = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"anyOf": parts}),
        inner.map(lambda one: {"type": "array", "items": one}),
        inner.map(lambda one: {"type": "object", "additionalProperties": one}),
    ),
    max_leaves=4,
)
values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-9, 9),
        st.sampled_from([0.5, -2.5]),
        st.sampled_from(["", "a", "b", "abcd"]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2), st.dictionaries(st.sampled_from(["a", "k"]), inner, max_size=2)
    ),
    max_leaves=3,
)


def is_known(fragment):
    return "x-" not in json.dumps(fragment)


@settings(max_examples=300, deadline=None)
@given(types.filter(is_known), values)
def test_what_a_type_accepts_is_what_a_validator_says(fragment, value):
    assert accepts(fragment, value) == jsonschema.Draft202012Validator(fragment).is_valid(value)


@settings(max_examples=500, deadline=None)
@given(types, types, values)
def test_both_answers_of_the_subset_test_are_proofs(inner, outer, value):
    answer = subset(inner, outer)
    if answer.yes is True and accepts(inner, value):
        assert accepts(outer, value)
    if answer.yes is False:
        assert accepts(inner, answer.value) is True
        assert accepts(outer, answer.value) is False


@settings(max_examples=100, deadline=None)
@given(types.filter(is_known))
def test_a_known_type_is_a_subset_of_itself_and_of_any(fragment):
    assert subset(fragment, fragment).yes is True
    assert subset(fragment, {}).yes is True


# Versions.

NAMES = ("a", "b", "c.x", "c.y", "d")


@st.composite
def entries(draw):
    """A parameter with some of everything."""
    found = {}
    for path in draw(st.sets(st.sampled_from(NAMES), max_size=4)):
        kind = draw(st.sampled_from(["value", "none", "required", "factory", "computed", "unknown"]))
        one = entry(
            path, type_=draw(types), default_kind=kind, annotation=draw(st.sampled_from(["int", None]))
        )
        del one["default"]
        if kind in ("value", "none"):
            one["default"] = None if kind == "none" else draw(values)
        one |= draw(
            st.fixed_dictionaries(
                {},
                optional={
                    "deprecated": st.fixed_dictionaries(
                        {
                            "since": st.none(),
                            "message": st.none(),
                            "replacement": st.sampled_from([None, "b", "d"]),
                        }
                    ),
                    "aliases": st.lists(
                        st.sampled_from(["a", "b", "k"]), min_size=1, max_size=2, unique=True
                    ),
                    "cli_flag": st.sampled_from(["--a", "--b"]),
                    "effective_default": st.fixed_dictionaries(
                        {"value": values, "platform": st.sampled_from(["cpu", "cuda"])}
                    ),
                    "readonly": st.just(True),
                    "via": st.sampled_from(["signature", "kwargs", "docstring"]),
                    "owner": st.sampled_from(["toy.args.Args", "toy.args.Inner"]),
                    "evidence": st.sampled_from([BOTH, BOTH[:1], BOTH[1:]]),
                    "same_as": st.sampled_from(["args:a", "args:c", "args:."]),
                },
            )
        )
        found[path] = one
    return list(found.values())


CONDITIONS = ("a > 1", "a > 2", "not a <= 1", "b == 'a'", "a == 1 and b != 'a'", "c is not None")
configs = st.dictionaries(
    st.sampled_from(["a", "b", "d"]), st.one_of(st.integers(-3, 4), st.just("a")), max_size=2
)


@st.composite
def made_versions(draw, version):
    rules = [
        rule(
            f"{severity}-{place}",
            CONDITIONS[place],
            draw(st.lists(configs, max_size=2)),
            draw(st.lists(configs, max_size=1)),
            severity=severity,
            message=draw(st.sampled_from(["m", "No module named 'x'"])),
        )
        for place in sorted(draw(st.sets(st.integers(0, len(CONDITIONS) - 1), max_size=3)))
        for severity in [draw(st.sampled_from(["error", "warn"]))]
    ]
    status = draw(st.sampled_from(["gated", "not_constructible"]))
    seen = draw(st.sampled_from([["static", "live"], ["static"]]))
    return facts(*draw(entries()), version=version, rules=rules, status=status, seen=seen)


def plain(change):
    return json.dumps(dataclasses.asdict(change), sort_keys=True)


def same(one, other):
    """Equal; a failure shows what only one of them has."""
    assert (sorted(one - other), sorted(other - one)) == ([], [])


def holds(old, new, there=None):
    """The three laws: nothing differs from itself, both ways say the same, and nothing is left out."""
    there, back = there or compare(old, new), compare(new, old)
    assert compare(old, old).changes == ()
    same({plain(mirrored(one)) for one in there.changes}, set(map(plain, back.changes)))
    same({plain(mirrored(mirrored(one))) for one in there.changes}, set(map(plain, there.changes)))
    assert applied(there, state_of(old)) == state_of(new)
    assert applied(back, state_of(new)) == state_of(old)
    ids = [one.id(there.engine) for one in there.changes]
    assert len(ids) == len(set(ids))


@settings(max_examples=60, deadline=None)
@given(made_versions("1"), made_versions("2"))
def test_the_laws_hold_for_made_up_versions(old, new):
    holds(old, new)


PAIRS = [
    (engine, old, new)
    for engine in engines(RESULTS)
    for old, new in itertools.pairwise(versions(engine, RESULTS))
]


@pytest.mark.parametrize(("engine", "old", "new"), PAIRS, ids=["-".join(pair) for pair in PAIRS])
def test_the_laws_hold_for_every_tracked_pair(engine, old, new):
    holds(tracked(engine, old), tracked(engine, new), tracked_diff(engine, old, new))


@pytest.mark.parametrize(("engine", "old", "new"), PAIRS, ids=["-".join(pair) for pair in PAIRS])
def test_witnesses_of_tracked_pairs_are_judged_as_they_say(engine, old, new):
    from atlas.diff.judge import Judge

    judges = {version: Judge(tracked(engine, version)) for version in (old, new)}
    for change in tracked_diff(engine, old, new).changes:
        assert (change.evidence == "witness-confirmed") <= (change.witness is not None)
        if change.evidence == "witness-confirmed":
            witness = change.witness
            assert judges[witness.rejected_by].judged(witness.target, witness.config).answer == "rejected"
            assert (
                judges[witness.accepted_by].judged(witness.other_target, witness.config).answer == "accepted"
            )
