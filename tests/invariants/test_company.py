"""Configurations of many fields that the engine takes, for conditions to be tried among."""

from __future__ import annotations

import pytest

from atlas.invariants.bench import Bench
from atlas.invariants.company import in_turns, is_quiet, mixtures
from atlas.invariants.sampling import hints_of, pools, univariate

from .toy_bench import Toy

ENGINE = """
@dataclass
class Config:
    model: str
    fast: bool = False
    slow: bool = False
    mode: str = "a"
    {fields}

    def __post_init__(self):
        if self.fast and self.slow:
            raise ValueError("both")
        if self.field_0 > 100:
            self.field_0 = 100
        if self.field_1 > 100:
            logger.warning("large")
        if self.fast and (self.field_3 or self.field_4 or self.field_5 or self.field_6 or self.field_7):
            raise ValueError("fast ones take no fields")
        if self.field_2 < 0:
            raise ValueError("negative")
"""


@pytest.fixture(scope="module")
def toy():
    return Toy(ENGINE.format(fields="\n    ".join(f"field_{n}: int = 0" for n in range(30))))


@pytest.fixture(scope="module")
def mixed(toy):
    target = toy.target()
    bench = Bench(target, toy, base={"model": "m"})
    its = pools(target, hints_of([toy.rule("mode == 'odd one'", "both").when]))
    return mixtures(bench, its, bench.observed(bench.complete(univariate(target, its))), 1)


def test_every_one_is_quiet_and_has_what_must_be_given(toy, mixed):
    assert len(mixed) > 30
    assert all(is_quiet(one) for one in toy.observe("toy.Config", mixed))
    assert all(config["model"] == "m" for config in mixed)


def test_every_field_is_met_often_with_other_values_than_its_default(toy, mixed):
    for spec in toy.targets["toy.Config"].fields[1:]:
        met = [config[spec.name] for config in mixed if spec.name in config]
        assert len(met) >= 5, spec.name
        assert spec.default not in [value for value in met if type(value) is type(spec.default)]
        assert all(type(value) is type(spec.default) for value in met)
    assert any(config.get("mode") == "odd one" for config in mixed), "what a condition names"
    assert max(map(len, mixed)) > 5


def test_what_is_rejected_together_is_taken_apart(mixed):
    assert any(config.get("fast") for config in mixed)
    assert any(config.get("slow") for config in mixed)
    taken = {name for config in mixed if config.get("fast") for name in config}
    assert len(taken) > 15
    assert taken.isdisjoint({"slow", *(f"field_{number}" for number in range(3, 8))})


def test_mixed_ones_come_first_and_all_come_once():
    many, few = [{"mixed": n} for n in range(9)], [{"plain": n} for n in range(20)]
    turns = in_turns(many, few, 1)
    assert sorted(map(repr, turns)) == sorted(map(repr, [*many, *few]))
    assert sum("mixed" in one for one in turns[:12]) == 9
    assert in_turns(many, few, 1) == turns != in_turns(many, few, 2)
    assert in_turns([], few[:1], 1) == few[:1]
