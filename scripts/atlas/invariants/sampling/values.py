"""When two JSON values, or two configurations, are the same one."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from itertools import takewhile

from atlas.invariants.model import Config, Json

SCALARS = (int, float, bool, type(None))
_ENCODE = json.JSONEncoder(sort_keys=True, ensure_ascii=False).encode


def identity(value: Json) -> str:
    """A text that two values share only if they are the same JSON: `True`, `1` and `1.0` are three values."""
    return repr(value) if type(value) in SCALARS else _ENCODE(value)


def plain(value: Json) -> Json:
    """The value as JSON has it: a tuple is a list, a set a list in a fixed order."""
    if isinstance(value, set | frozenset):
        return sorted((plain(one) for one in value), key=identity)
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, dict):
        return {str(key): plain(one) for key, one in value.items()}
    return value


def distinct(values: Iterable[Json]) -> tuple[Json, ...]:
    """The values without repeats, in the order of their first appearance."""
    found: dict[str, Json] = {}
    for value in values:
        found.setdefault(identity(value), value)
    return tuple(found.values())


def without(values: Iterable[Json], unwanted: Iterable[Json]) -> tuple[Json, ...]:
    """The values that are not among the unwanted."""
    known = {identity(value) for value in unwanted}
    return tuple(value for value in values if identity(value) not in known)


def distinct_configs(configs: Iterable[Config]) -> list[Config]:
    """The configurations without repeats, in order."""
    return list(distinct(dict(config) for config in configs))


def is_number(value: Json) -> bool:
    """Whether a value is an int or a float; a bool is neither."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_json(value: Json) -> bool:
    """Whether JSON can write the value: NaN and infinite numbers it cannot, nor what has no value."""
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, list | tuple | set | frozenset):
        return all(is_json(one) for one in value)
    if isinstance(value, dict):
        return all(isinstance(key, str) and is_json(one) for key, one in value.items())
    return value is None or isinstance(value, str | int)


def kind(value: Json) -> str:
    """The name of a value's JSON type: `int` and `float` are two, `bool` is another."""
    return type(value).__name__


def distance(left: Json, right: Json) -> tuple[int, float]:
    """How far two values are apart, to be compared: numbers by their difference, containers by their size."""
    if is_number(left) and is_number(right):
        return (kind(left) != kind(right), abs(left - right))
    if kind(left) != kind(right):
        return (2, 0.0)
    if isinstance(left, str):
        alike = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(left, right, strict=False)))
        return (0, len(left) + len(right) - 2 * alike)
    return (0, abs(len(left) - len(right)) if isinstance(left, list | dict) else float(left != right))
