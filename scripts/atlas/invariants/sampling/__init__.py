"""Configurations to try: random ones, systematic ones, and ones on both sides of a predicate's boundary.

    hints_of(exprs)                 what conditions compare each field with
    pools(target, hints)            by field: values that are `valid`, at a `boundary`, and of a `wrong` type
    univariate(target, pools)       every value alone            pairwise(target, pools, related)  any two fields
    random_configs(target, pools, n, seed)                       related_fields(exprs)  fields that meet
    around(expr, target, pools, context, n_true, n_false, seed)  where a predicate holds, and where it just fails

Everything is drawn from a seed, and is the same in every process, whatever its hash seed.
"""

from atlas.invariants.sampling.around import around
from atlas.invariants.sampling.conditions import Hints, field_names, hints_of, related_fields
from atlas.invariants.sampling.covering import pairwise, univariate
from atlas.invariants.sampling.pools import Pool, Pools, narrowed, pools
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
    "narrowed",
    "pairwise",
    "pools",
    "random_configs",
    "related_fields",
    "univariate",
]
