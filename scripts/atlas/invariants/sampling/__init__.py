"""Configurations to try: random ones, systematic ones, and ones on both sides of a predicate's boundary.

Everything is drawn from a seed, and is the same in every process, whatever its hash seed.
"""

from __future__ import annotations

from atlas.invariants.sampling.around import around
from atlas.invariants.sampling.conditions import Hints, hints_of, related_fields
from atlas.invariants.sampling.covering import pairwise, univariate
from atlas.invariants.sampling.pools import Pool, Pools, pools
from atlas.invariants.sampling.random_configs import random_configs

__all__ = [
    "Hints",
    "Pool",
    "Pools",
    "around",
    "hints_of",
    "pairwise",
    "pools",
    "random_configs",
    "related_fields",
    "univariate",
]
