"""A call of a function whose meaning is known without its code."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from atlas.invariants.static.state import State
from atlas.invariants.static.values import Value

if TYPE_CHECKING:
    from atlas.invariants.static.machine import Machine


@dataclass(frozen=True, eq=False)
class Call:
    """The arguments of a call, and where it happens."""

    m: Machine
    given: list[Value]
    keywords: Mapping[str, Value]
    node: ast.AST
    state: State


Builtin = Callable[[Call], Value | None]
"""The value of a call, or None where it cannot be told."""
