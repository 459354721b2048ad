"""Random and systematic configurations: few fields, all values, all pairs, and the same ones each time."""

import json
import os
import subprocess
import sys
from itertools import combinations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.invariants.model import FieldSpec, Target
from atlas.invariants.sampling.conditions import Hints
from atlas.invariants.sampling.configurations import UNSET, assembled, at
from atlas.invariants.sampling.covering import covering_array, covering_rows, pairwise, spread, univariate
from atlas.invariants.sampling.fragments import accepts
from atlas.invariants.sampling.pools import pools
from atlas.invariants.sampling.random_configs import random_configs
from atlas.invariants.sampling.values import identity

TYPES = (
    {"type": "integer"},
    {"type": "boolean"},
    {"type": "string"},
    {"enum": ["x", "y"]},
    {"type": "number"},
)


def target(fields: int) -> Target:
    specs = (FieldSpec(f"f{i}", "", TYPES[i % len(TYPES)], None, False, "required") for i in range(fields))
    return Target("pkg.C", "g", tuple(specs))


SMALL = target(9)
POOLS = pools(SMALL, {"f0": Hints((40,))})


def test_random_configurations_are_distinct_and_have_one_to_four_fields():
    found = random_configs(SMALL, POOLS, 500, 1)
    assert len({identity(one) for one in found}) == 500
    assert {len(one) for one in found} == {1, 2, 3, 4}
    assert set().union(*found) == set(POOLS)


def test_few_have_a_value_of_a_wrong_type_and_none_has_two():
    found = random_configs(SMALL, POOLS, 1000, 1, wrong_share=0.15)
    wrong = [sum(not accepts(POOLS[name].type, value) for name, value in one.items()) for one in found]
    assert max(wrong) == 1
    assert 100 < sum(wrong) < 220


def test_without_a_share_of_wrong_values_there_are_none():
    found = random_configs(SMALL, POOLS, 300, 1, wrong_share=0)
    assert all(accepts(POOLS[name].type, value) for one in found for name, value in one.items())


def test_a_longer_sample_starts_with_the_shorter_one_and_another_seed_gives_another():
    assert random_configs(SMALL, POOLS, 300, 5)[:50] == random_configs(SMALL, POOLS, 50, 5)
    assert random_configs(SMALL, POOLS, 50, 5) != random_configs(SMALL, POOLS, 50, 6)


def test_related_fields_meet_more_often():
    wide = target(60)
    found = pools(wide)
    pair = {"f7", "f33"}

    def meetings(related):
        return sum(pair <= set(one) for one in random_configs(wide, found, 2000, 3, related=related))

    assert meetings([frozenset(pair)]) > 5 * meetings([]) + 5


def test_there_are_no_more_configurations_than_there_are():
    one = Target("pkg.C", "g", (FieldSpec("b", "bool", {"type": "boolean"}, None, False, "required"),))
    assert len(random_configs(one, pools(one), 50, 0, wrong_share=0)) == 2
    assert random_configs(Target("pkg.C", "g", ()), {}, 50, 0) == []


def test_values_that_are_in_no_pool_are_tried_too():
    known = {identity(value) for value in POOLS["f0"].every}
    drawn = {identity(one["f0"]) for one in random_configs(SMALL, POOLS, 1000, 1) if "f0" in one}
    assert drawn - known


def test_each_value_is_tried_alone():
    found = univariate(SMALL, POOLS)
    assert found[0] == {}
    assert {identity(one) for one in found[1:]} == {
        identity({name: value}) for name, pool in POOLS.items() for value in pool.every
    }


@pytest.mark.parametrize("fields", [2, 6, 7, 40])
def test_any_two_columns_of_a_covering_array_hold_any_two_levels(fields):
    rows = covering_array(fields, 5)
    for one, other in combinations(range(fields), 2):
        assert {(row[one], row[other]) for row in rows} == set(product(range(5), repeat=2))


@pytest.mark.parametrize(("fields", "most"), [(2, 4000), (30, 4000), (30, 200), (120, 1000)])
def test_any_two_fields_meet_with_any_two_levels_in_no_more_rows_than_asked_for(fields, most):
    names = [f"f{i}" for i in range(fields)]
    rows = [dict(row) for row in covering_rows(names, most)]
    assert len(rows) <= most
    met = {pair for row in rows for pair in combinations(sorted(row.items()), 2)}
    assert len(met) == fields * (fields - 1) // 2 * 25


def test_fewer_rows_are_allowed_at_the_price_of_more_fields_in_each():
    names = [f"f{i}" for i in range(60)]
    few, many = (max(map(len, covering_rows(names, rows))) for rows in (100, 4000))
    assert many < few


def test_pairs_are_of_valid_values_and_related_fields_meet_alone():
    found = pairwise(SMALL, POOLS, [frozenset({"f0", "f4"})])
    together = [one for one in found if set(one) != {"f0", "f4"}]
    assert all(
        identity(value) in set(map(identity, POOLS[name].valid))
        for one in together
        for name, value in one.items()
    )
    alone = {(identity(one["f0"]), identity(one["f4"])) for one in found if set(one) == {"f0", "f4"}}
    assert len({left for left, _ in alone}) * len({right for _, right in alone}) == len(alone) > 100
    assert any(one["f0"] == 41 for one in found if set(one) == {"f0", "f4"})


@given(st.lists(st.integers(), unique=True, max_size=40), st.integers(0, 12))
def test_a_spread_has_as_many_values_as_there_are_and_are_wanted(values, n):
    found = spread(values, n)
    assert len(set(found)) == len(found) == min(n, len(values))


def test_a_key_is_put_into_its_object_and_taken_away_again():
    config = assembled([("a.b", 1), ("a.c", 2), ("d", 3)], {"a": {"b": 0, "z": 9}, "e": 4})
    assert config == {"a": {"b": 1, "c": 2, "z": 9}, "d": 3, "e": 4}
    assert at(config, "a.b") == 1
    assert assembled([("a.b", UNSET), ("d", UNSET)], config) == {"a": {"c": 2, "z": 9}, "e": 4}
    assert assembled([("x.y", UNSET)]) == {}
    assert at(config, "d.e") is UNSET


def test_nothing_depends_on_the_hash_seed():
    code = (
        "import json; from test_configurations import *; related = [frozenset(['f1', 'f2', 'f3'])];"
        "print(json.dumps([random_configs(SMALL, POOLS, 200, 3, related=related),"
        "pairwise(SMALL, POOLS, related), univariate(SMALL, POOLS)]))"
    )
    here = os.path.dirname(__file__)
    outputs = [
        subprocess.run(
            [sys.executable, "-c", code], cwd=here, env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True, text=True, check=True,
        ).stdout
        for seed in ("1", "2")
    ]  # fmt: skip
    assert json.loads(outputs[0])[0]
    assert outputs[0] == outputs[1]
