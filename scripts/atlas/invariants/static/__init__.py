"""The static miner: symbolic execution of what construction and validation of a class run."""

from __future__ import annotations

from atlas.invariants.static.mining import mine

__all__ = ["mine"]
