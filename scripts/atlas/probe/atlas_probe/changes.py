"""What an engine makes of values: those that end up other than they were given, or than they are unset.

Values are compared as JSON: a tuple is a list, a set a list in any order, an enum member its value or its
name, 1 is 1.0 but not true. Configuration objects are compared field by field, under dotted names. What
JSON has no form for is compared with nothing.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Mapping
from typing import Any

from .shapes import MISSING, SCALARS, Fields, Shapes, same


def differences(
    shapes: Shapes, finals: Mapping[str, Any], given: Mapping[str, Any], unset: Mapping[str, Any]
) -> dict[str, Any]:
    """The fields whose final value is not what was given, or not what it is `unset`."""
    out: dict[str, Any] = {}
    for name, final in finals.items():
        other = given[name] if name in given else unset.get(name, MISSING)
        if final is other or final is MISSING or other is MISSING:
            continue
        # Nearly all are the same, which is found out quickly.
        kind = type(final)
        if kind is type(other) and (kind in SCALARS or not final) and final == other:
            continue
        before = given.get(name, MISSING)
        _compare(name, shapes.or_missing(final), before, unset.get(name, MISSING), out, final)
    return out


def _compare(path: str, final: Any, given: Any, unset: Any, out: dict[str, Any], raw: Any = MISSING) -> None:
    if isinstance(final, Fields):
        _compare_fields(path, final, given, unset, out)
        return
    other = unset if given is MISSING else given
    if final is MISSING or other is MISSING or isinstance(other, Fields):
        return
    if not same(final, other) and not (given is not MISSING and _says(raw, given)):
        out[path] = final


def _compare_fields(path: str, final: Fields, given: Any, unset: Any, out: dict[str, Any]) -> None:
    """An object that a mapping was made into, or one that nobody gave."""
    if given is not MISSING and not isinstance(given, dict):
        return  # Made by the class from something else: no field of it was given.
    if given is MISSING and unset is not MISSING and not isinstance(unset, Fields):
        out[path] = dict(final)
        return
    for name, value in final.items():
        before = given.get(name, MISSING) if isinstance(given, dict) else MISSING
        other = unset.get(name, MISSING) if isinstance(unset, Fields) else MISSING
        _compare(f"{path}.{name}", value, before, other, out)


def flat(values: Mapping[str, Any], without: Collection[str] = (), prefix: str = "") -> dict[str, Any]:
    """Values by dotted names, objects field by field; those without a JSON form are left out."""
    out: dict[str, Any] = {}
    for name, value in values.items():
        path = prefix + name
        if isinstance(value, Fields):
            out.update(flat(value, without, f"{path}."))
        elif value is not MISSING and path not in without:
            out[path] = value
    return out


def _says(raw: Any, given: Any) -> bool:
    """Whether a value is another form of what was given: a member's name, or a list without order."""
    if isinstance(raw, enum.Enum):
        return bool(raw.name == given)
    if isinstance(raw, (set, frozenset)) and isinstance(given, list):
        try:
            return all(one in raw for one in given) and len(set(given)) == len(raw)
        except TypeError:
            return False
    return False
