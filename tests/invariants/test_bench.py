"""What must be given is chosen so that it hides nothing, and a class needs no configuration of its own."""

from __future__ import annotations

import pytest

from atlas.invariants.active import around_gap
from atlas.invariants.bench import Bench, find_base
from atlas.invariants.sampling import pools
from atlas.invariants.sampling.pools import Pool

from .toy_bench import Toy

REQUIRED = """
@dataclass
class Config:
    coded: bool
    length: int
    chunked: bool = True
    tokens: int = 2048

    def __post_init__(self):
        if self.coded:
            self.chunked = False
        if self.tokens > self.length * 64:
            logger.warning("%s tokens are many", self.tokens)
"""
ONE_OF = """
@dataclass
class Config:
    regex: str | None = None
    choice: str | None = None

    def __post_init__(self):
        if (self.regex is None) == (self.choice is None):
            raise ValueError("one of the two")
"""
NEVER = """
@dataclass
class Config:
    size: int = 1

    def __post_init__(self):
        raise ValueError("no")
"""


@pytest.fixture
def base():
    def found(text):
        toy = Toy(text)
        target = toy.target()
        values = {name: pool.valid for name, pool in pools(target).items()}
        return find_base(Bench(target, toy), values)

    return found


def test_what_must_be_given_changes_and_warns_of_as_little_as_possible(base):
    found = base(REQUIRED)
    assert found["coded"] is False
    assert found["length"] * 64 >= 2048


def test_a_class_that_takes_nothing_alone_may_take_something_with_another_field(base):
    assert base(ONE_OF) == {}


def test_a_class_that_takes_nothing_has_no_base(base):
    assert base(NEVER) is None


def test_around_a_gap_keys_of_objects_and_the_field_that_it_is_about_are_varied():
    of = {name: Pool((1, 2), (), (), {}) for name in ("x", "made", "x.a")}
    tried = around_gap({"x": {"a": 1, "b": 2}}, of, {}, [], 100, ["made"])
    assert {"x": {"a": 1, "b": 2}, "made": 2} in tried
    assert {"x": {"b": 2}} in tried
    assert {"x": {"a": 2, "b": 2}} in tried
    assert {"x": {"a": 1}} in tried
