"""No rule twice: of two that say the same the better founded stays."""

from __future__ import annotations

from dataclasses import replace

import pytest

from atlas.invariants.corpus import context_of
from atlas.invariants.dedupe import redundant
from atlas.invariants.outcomes import compiled
from atlas.invariants.sampling import pools, random_configs

from .toy_bench import Toy

ENGINE = """
@dataclass
class Config:
    size: int = 1
    rate: float = 1.0
    mode: str = "fast"

    def __post_init__(self):
        if self.size > 64:
            raise ValueError("first")
        if self.size > 60:
            raise ValueError("second")
        if self.rate < 0:
            self.rate = 0.0
"""


@pytest.fixture(scope="module")
def toy():
    return Toy(ENGINE)


@pytest.fixture(scope="module")
def target(toy):
    return toy.target()


@pytest.fixture
def covered(target):
    """Places of redundant rules, with those that make them so."""
    configs = random_configs(target, pools(target, {}), 200, 3)
    configs += [{"size": size, "mode": mode} for size in range(55, 80) for mode in ("fast", "slow")]

    def run(*rules, seen=None):
        trues = [
            [one for one in configs if compiled(rule.when, context_of(target))(one) is True] for rule in rules
        ]
        return redundant(target, rules, trues, seen or [len(one) for one in trues])

    return run


def test_the_same_in_other_words_is_one_rule(toy, covered):
    same = [toy.rule(when, "first") for when in ("size > 64", "not size <= 64", "size > 64 or size > 70")]
    assert len(covered(*same)) == 2


def test_what_the_source_says_stays_before_what_was_learned(toy, covered):
    mined = toy.rule("size > 64", "first")
    learned = replace(toy.rule("size > 64 and size > 63.5", "first"), origin="live")
    assert covered(learned, mined) == {0: 1}
    assert covered(mined, learned) == {1: 0}


def test_what_was_never_seen_at_its_own_site_goes(toy, covered):
    mined, learned = toy.rule("size > 64", "first"), toy.rule("64 < size", "second", origin="live")
    assert covered(mined, learned, seen=[0, 50]) == {0: 1}


def test_a_narrower_rule_goes_unless_it_has_a_site_of_its_own(toy, covered):
    wide = toy.rule("size > 60", "second")
    assert covered(wide, toy.rule("size > 64", "second")) == {1: 0}
    assert covered(wide, toy.rule("size > 64", "first")) == {}


def test_rules_that_only_overlap_both_stay(toy, covered):
    assert covered(toy.rule("size > 64", "first"), toy.rule("size > 60 and mode == 'slow'", "first")) == {}


def test_rules_of_other_kinds_or_about_other_things_both_stay(toy, covered):
    error = toy.rule("size > 64", "first")
    for other in (
        toy.rule("size > 64", "first", "warn"),
        toy.rule("size > 64", "first", requires=("platform: linux",)),
        toy.rule("rate < 0", "first"),
    ):
        assert covered(error, other) == {}


def test_changes_are_one_only_if_they_make_the_same_of_the_same_fields(toy, covered):
    def change(**sets):
        return toy.rule("rate < 0", "self.rate", "dormant", sets=sets)

    assert len(covered(change(rate="0.0"), change(rate="0.0"))) == 1
    assert covered(change(rate="0.0"), change(rate="1.0")) == {}
    assert covered(change(rate="0.0"), change(size="0")) == {}
    assert covered(change(rate="0.0", size="1"), change(rate="0.0")) == {1: 0}
