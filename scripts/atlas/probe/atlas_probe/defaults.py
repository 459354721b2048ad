"""A parameter's default: a value, a factory, or why there is none."""

from __future__ import annotations

import enum
from typing import Any

from .probe import Probe
from .values import NotJson, mentions_machine, safe_repr, to_json


def without_value(kind: str, text: str | None = None) -> dict[str, Any]:
    return {"kind": kind, "text": text}


def default_of(probe: Probe, value: Any) -> dict[str, Any]:
    """A default that is there as a value."""
    if value is None:
        return without_value("none", "None")
    try:
        plain = to_json(value)
    except (NotJson, RecursionError):
        return without_value("computed", safe_repr(probe, value))
    if mentions_machine(probe, plain):
        return without_value("computed", safe_repr(probe, value))
    is_member = isinstance(value, enum.Enum)
    text = f"{type(value).__name__}.{value.name}" if is_member else safe_repr(probe, value)
    return {"kind": "value", "value": plain, "text": text}


def factory_of(probe: Probe, factory: Any, subject: str) -> dict[str, Any]:
    """A default made anew each time: the factory's name, and what it makes where that is always the same."""
    fact = without_value("factory", safe_repr(probe, factory))
    try:
        made, again = to_json(factory()), to_json(factory())
        if made == again and not mentions_machine(probe, made):
            fact["value"] = made
    except (NotJson, RecursionError):
        pass  # The name of the factory is the fact: what it makes is an object.
    except Exception as error:
        probe.miss("factory_failed", subject, error)
    return fact
