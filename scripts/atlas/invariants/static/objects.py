"""Objects on the heap: what the engine's code can change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from atlas.invariants.predicate import FALSE, TRUE, Expr, Opaque
from atlas.invariants.static.values import Value
from atlas.schema.static.modules import Definition
from atlas.schema.static.values import Member


@dataclass(frozen=True, eq=False)
class Instance:
    """An object of a class of the engine's. `user`: it is the one whose configurations are judged.

    `is_open`: under which condition it also has every attribute that the user named. `outside`: it was not
    made by the configuration; what is not known of it is about the environment.
    """

    cls: Definition
    attrs: Mapping[str, Value]
    user: bool = False
    is_open: Expr = FALSE
    outside: bool = False


@dataclass(frozen=True)
class Item:
    """An item of a container that is there under a condition; `many`: there may be more like it."""

    value: Value
    when: Expr = TRUE
    many: bool = False


@dataclass(frozen=True, eq=False)
class Sequence:
    """A list, tuple or set; `unknown` holds what else may be in it."""

    kind: str
    items: tuple[Item, ...]
    unknown: Opaque | None = None


@dataclass(frozen=True, eq=False)
class Table:
    """A dict with constant keys."""

    items: Mapping[str | int | float | bool | Member | None, Item]
    unknown: Opaque | None = None


Object: TypeAlias = Instance | Sequence | Table
