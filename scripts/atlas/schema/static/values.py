"""Values that the evaluator computes besides plain Python constants, and their JSON form."""

from __future__ import annotations

import ast
import math
from dataclasses import dataclass
from typing import Any

from atlas.schema.facts import Json
from atlas.schema.static.modules import Definition, Module


@dataclass(frozen=True)
class Unknown:
    """A value that only a run can tell: its text as written, and the environment variable it reads."""

    text: str
    env: str | None = None


@dataclass(frozen=True)
class Member:
    """A member of an enum class."""

    enum: str
    name: str
    value: Any

    @property
    def text(self) -> str:
        return f"{self.enum.rpartition('.')[2]}.{self.name}"


@dataclass(frozen=True, eq=False)
class Reference:
    """A class, function, module or something outside the sources, used as a value."""

    definition: Definition
    text: str


class NotJsonError(ValueError):
    """A value that JSON cannot hold."""


def to_json(value: Any) -> Json:
    """The JSON form of a value; raises NotJsonError where there is none (inf, objects, mappings by int)."""
    if isinstance(value, Member):
        return to_json(value.value)
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        if math.isfinite(value):
            return value
        raise NotJsonError(repr(value))
    if isinstance(value, list | tuple):
        return [to_json(item) for item in value]
    if isinstance(value, set | frozenset):
        return sorted((to_json(item) for item in value), key=lambda item: (str(type(item)), repr(item)))
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {key: to_json(item) for key, item in value.items()}
    raise NotJsonError(type(value).__name__)


def unknown_inside(value: Any) -> Unknown | None:
    """The first unknown in a value, if it holds one."""
    if isinstance(value, Unknown):
        return value
    if isinstance(value, dict):
        parts = [*value.keys(), *value.values()]
    elif isinstance(value, list | tuple | set | frozenset):
        parts = list(value)
    else:
        return None
    return next((found for part in parts if (found := unknown_inside(part))), None)


def source_text(node: ast.AST, module: Module) -> str:
    """The node as written, on one line."""
    text = module.segment(node)
    if "\n" not in text:
        return text
    try:
        return ast.unparse(node)
    except RecursionError:
        return " ".join(text.split())
