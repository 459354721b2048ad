"""Values as JSON or as text."""

from __future__ import annotations

import enum
import json
import math
import pathlib
from typing import Any

from .names import text_of
from .probe import Probe

DEPTH_LIMIT = 12
ITEM_LIMIT = 500


class NotJson(ValueError):
    """A value that JSON has no form for."""


def to_json(value: Any, depth: int = 0) -> Any:
    """A value as JSON: enum members by value, sets sorted, tuples as lists. NotJson otherwise."""
    if isinstance(value, enum.Enum):
        return to_json(value.value, depth + 1)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float) and math.isfinite(value):
        return float(value)
    if isinstance(value, pathlib.PurePath):
        return str(value)
    if isinstance(value, (list, tuple, set, frozenset, dict)) and depth < DEPTH_LIMIT:
        return _collection(value, depth + 1)
    raise NotJson(type(value).__name__)


def _collection(value: Any, depth: int) -> Any:
    if len(value) > ITEM_LIMIT:
        raise NotJson(type(value).__name__)
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            raise NotJson("a mapping whose keys are not all text")
        return {str(key): to_json(item, depth) for key, item in value.items()}
    items = [to_json(item, depth) for item in value]
    return items if isinstance(value, (list, tuple)) else sorted(items, key=json.dumps)


def json_or(value: Any, otherwise: Any) -> Any:
    """A value as JSON, or another one where it has no such form."""
    try:
        return to_json(value)
    except NotJson:
        return otherwise


def safe_repr(probe: Probe, value: Any) -> str:
    try:
        return probe.scrub(text_of(value))
    except Exception as error:
        return f"<{type(value).__name__}: repr failed with {type(error).__name__}>"


def mentions_machine(probe: Probe, plain: Any) -> bool:
    """Whether a folder of this machine is named in a value."""
    text = json.dumps(plain)
    return any(path in text for path, _ in probe.places)
