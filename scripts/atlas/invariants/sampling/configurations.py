"""Putting values of fields together as keyword arguments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from atlas.invariants.model import Config, Json


class _Unset:
    """The absence of a value."""

    def __repr__(self) -> str:
        return "UNSET"


UNSET: Final = _Unset()
"""Stands for a field that is not passed."""


def assembled(values: Iterable[tuple[str, Json]], base: Config | None = None) -> dict[str, Json]:
    """The configuration that has these values, by dotted name, and otherwise those of `base`.

    A key of an object is put into the object, which is made where the field holds none. `UNSET` takes away.
    """
    config = dict(base or {})
    for name, value in values:
        parent, _, rest = name.partition(".")
        if rest:
            held = config.get(parent)
            inside = assembled([(rest, value)], held if isinstance(held, dict) else {})
            if value is not UNSET or isinstance(held, dict):
                config[parent] = inside
        elif value is UNSET:
            config.pop(parent, None)
        else:
            config[parent] = value
    return config


def at(config: Config, name: str) -> Json:
    """The value of a field, or of a key of an object, by dotted name; `UNSET` where there is none."""
    value: Json = config
    for key in name.split("."):
        if not isinstance(value, Mapping) or key not in value:
            return UNSET
        value = value[key]
    return value


def in_order(config: Config, order: Mapping[str, int]) -> dict[str, Json]:
    """The configuration with its fields in the order given, unknown ones last, by name."""
    return dict(sorted(config.items(), key=lambda item: (order.get(item[0], len(order)), item[0])))
