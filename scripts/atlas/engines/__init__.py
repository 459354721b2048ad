"""Engines are data: engine_versions/<engine>.yaml is all there is to know of one."""

from atlas.engines.load import BrokenEngine, load_all, load_cell, load_engine
from atlas.engines.model import Cell, Engine

__all__ = ["BrokenEngine", "Cell", "Engine", "load_all", "load_cell", "load_engine"]
