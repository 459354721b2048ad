"""Rules learned from outcomes alone, for what no statement of the engine's explains."""

from __future__ import annotations

from atlas.invariants.learn.explained import unexplained
from atlas.invariants.learn.fit import Learned
from atlas.invariants.learn.gaps import learn
from atlas.invariants.learn.messages import template
from atlas.invariants.learn.refinement import refine
from atlas.invariants.learn.signature import Signature, mask, signatures
from atlas.invariants.learn.univariate import learn_univariate

__all__ = [
    "Learned",
    "Signature",
    "learn",
    "learn_univariate",
    "mask",
    "refine",
    "signatures",
    "template",
    "unexplained",
]
