"""What a configuration becomes: the fixpoint of the rules is the state that the engine ends in."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from atlas.invariants.corpus import Corpus
from atlas.invariants.effective import agrees, effective
from atlas.invariants.outcomes import happened

from .toy_bench import Toy, proved

CHAIN = """
@dataclass
class Config:
    fast: bool = False
    size: int = 8
    half: int | None = None
    mode: str = "auto"

    def __post_init__(self):
        if self.fast:
            self.mode = "fast"
        if self.mode == "fast" and self.size > 4:
            self.size = 4
        if self.half is None:
            self.half = self.size // 2
"""
NAMES = ("fast", "size", "half", "mode")
GRID = [
    {name: value for name, value in zip(NAMES, values, strict=True) if value != ...}
    for values in itertools.product((..., True, False), (..., 2, 4, 9), (..., None, 1), (..., "auto", "fast"))
]


@pytest.fixture(scope="module")
def toy():
    return Toy(CHAIN)


@pytest.fixture(scope="module")
def target(toy):
    return toy.target()


@pytest.fixture
def rules(toy):
    return [
        toy.rule("fast and mode != 'fast'", 'mode = "fast"', "dormant", sets={"mode": "'fast'"}),
        toy.rule("mode == 'fast' and size > 4", "size = 4", "dormant", sets={"size": "4"}),
        toy.rule("half is None and given(half)", "self.half =", "dormant", sets={"half": "size // 2"}),
        toy.rule(
            "half is None and not given(half) and size != 8", "half =", "dormant", sets={"half": "size // 2"}
        ),
    ]


def test_what_one_change_brings_about_is_followed_to_the_end(target, rules):
    corpus = Corpus(target, rules)
    assert effective(corpus, {"fast": True}) == ({"mode": "fast", "size": 4, "half": 2}, True)
    assert effective(corpus, {"fast": True, "size": 3, "half": 1}) == ({"mode": "fast"}, True)
    assert effective(corpus, {"size": 9}) == ({"half": 4}, True)
    assert effective(corpus, {}) == ({}, True)


def test_applying_it_to_its_result_changes_nothing(target, rules):
    corpus = Corpus(target, rules)
    for config in GRID:
        sets, stable = effective(corpus, config)
        assert stable
        assert effective(corpus, {**config, **sets}) == ({}, True)


def test_the_fixpoint_of_rules_from_the_source_is_the_engines_own_state(toy, target):
    found = proved(toy, target)
    corpus = Corpus(target, [rule.candidate for rule in found.rules])
    seen = toy.observe(target.cls, GRID)
    assert sum(bool(one.changed) for one in seen) > 20
    wrong = [
        (config, one.changed)
        for config, one in zip(GRID, seen, strict=True)
        if not agrees(corpus, config, one)
    ]
    assert wrong == []
    assert found.sample["changed_configs_found"] == found.sample["changed_configs"] > 0


def test_a_wrong_value_is_not_the_engines_state(toy, target, rules):
    (seen,) = toy.observe(target.cls, [{"fast": True}])
    assert agrees(Corpus(target, rules), {"fast": True}, seen)
    for missing in range(3):
        fewer = [rule for number, rule in enumerate(rules) if number != missing]
        assert agrees(Corpus(target, fewer), {"fast": True}, seen) == (missing == 2)


@pytest.mark.parametrize(
    "sets", [("size == 1", "2", "size == 2", "1"), ("size > 0", "size + 1", "size < -9", "0")]
)
def test_rules_that_never_come_to_rest_are_told(toy, target, sets):
    first, one, second, other = sets
    corpus = Corpus(
        target,
        [
            toy.rule(first, "size = 4", "dormant", sets={"size": one}),
            toy.rule(second, "size = 4", "dormant", sets={"size": other}),
        ],
    )
    assert effective(corpus, {"size": 1})[1] is False
    config = {"size": 1, "half": 1}
    (seen,) = toy.observe(target.cls, [config])
    assert seen.changed == {}
    assert not agrees(corpus, config, seen), "even where the last state happens to be the right one"


def test_rules_that_do_not_hold_or_do_not_change_have_no_part(toy, target):
    corpus = Corpus(
        target,
        [
            toy.rule("size > 4", "size = 4", "error"),
            toy.rule("size > 4", "size = 4", "warn"),
            toy.rule("size > 100", "size = 4", "dormant", sets={"size": "4"}),
            toy.rule("size > 4", "size = 4", "dormant", sets={"half": "size // mode"}),
        ],
    )
    assert effective(corpus, {"size": 9}) == ({}, True)


def test_a_value_that_an_unset_field_has_anyway_is_no_change(toy, target):
    always = toy.rule("half is None", "half =", "dormant", sets={"half": "size // 2"})
    unknown, known = (Corpus(replace(target, ends=ends), [always]) for ends in ({}, {"half": 4}))
    assert [corpus.holding({}) for corpus in (unknown, known)] == [[0], []]
    assert [corpus.holding({"size": 6}) for corpus in (unknown, known)] == [[0], [0]]
    assert known.holding({"half": None}) == [0]
    assert effective(known, {"size": 6}) == ({"half": 3}, True)
    assert effective(known, {"size": 8}) == ({}, True)


def test_a_rule_is_right_where_the_field_is_what_it_says_anyway(toy, target):
    observed = toy.observe(target.cls, [{"size": 8}, {"size": 6}, {"size": 6, "half": 1}])
    says = toy.rule("half is None", "half =", "dormant", sets={"half": "size // 2"})
    wrong = toy.rule("half is None", "half =", "dormant", sets={"half": "size // 3"})
    context = Corpus(target, []).context
    ends = toy.unset(target.cls)
    configs = [{"size": 8}, {"size": 6}]
    assert ends["half"] == 4
    assert [happened(says, *one, context, ends) for one in zip(configs, observed, strict=False)] == [
        None,
        True,
    ]
    assert [happened(wrong, *one, context, ends) for one in zip(configs, observed, strict=False)] == [
        False,
        False,
    ]


@pytest.mark.parametrize("config", [{"half": None}, {"half": 3}])
def test_what_was_given_is_compared_with_what_was_given(toy, target, config):
    says = toy.rule("half is None", "half =", "dormant", sets={"half": "size // 2"})
    (observed,) = toy.observe(target.cls, [config])
    context = Corpus(target, []).context
    right = happened(says, config, observed, context, {"half": 4})
    assert right is (config["half"] is None)
