"""Configurations to try: random ones, systematic ones, and ones on both sides of a predicate's boundary.

    hints_of(exprs)             what conditions compare each field with
    related_fields(exprs)       fields that one condition reads together
    pools(target, hints)        values of each field: `valid`, at a `boundary`, and of a `wrong` type
    inner_pools(target)         the same of the fields of objects, by dotted names
    univariate, pairwise        every value alone, and any two fields together
    random_configs              few fields, mostly ordinary values
    around                      where a predicate holds, and where it just fails to

Everything is drawn from a seed, and is the same in every process, whatever its hash seed.
"""

from atlas.invariants.sampling.around import around
from atlas.invariants.sampling.conditions import Hints, field_names, hints_of, related_fields
from atlas.invariants.sampling.covering import pairwise, univariate
from atlas.invariants.sampling.pools import Pool, Pools, inner_pools, narrowed, pools
from atlas.invariants.sampling.random_configs import random_configs
from atlas.invariants.sampling.values import distinct_configs

__all__ = [
    "Hints",
    "Pool",
    "Pools",
    "around",
    "distinct_configs",
    "field_names",
    "hints_of",
    "inner_pools",
    "narrowed",
    "pairwise",
    "pools",
    "random_configs",
    "related_fields",
    "univariate",
]
