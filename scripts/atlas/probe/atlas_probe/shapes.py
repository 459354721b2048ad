"""Which objects are configuration, and their values as JSON.

A tuple is a list, a set a sorted list, an enum member its value. Configuration objects are Fields.
"""

from __future__ import annotations

import dataclasses
import enum
import json
import pathlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .kinds import kind_of
from .probe import Probe
from .values import ITEM_LIMIT

DEPTH_LIMIT = 8
TEXT_LIMIT = 10_000
MISSING = dataclasses.MISSING
SCALARS = frozenset({bool, int, float, str, type(None)})


class Opaque(ValueError):
    """A value that JSON has no form for."""


class Fields(dict):  # type: ignore[type-arg]
    """The fields of a configuration object; those without a JSON form are not in it."""


class Shapes:
    """Which objects are configuration, and what their fields are."""

    def __init__(self, probe: Probe) -> None:
        self.probe = probe
        self.known: dict[type, tuple[str, ...] | None] = {}

    def fields_of(self, item: Any) -> tuple[str, ...] | None:
        """The names of a configuration object's fields; none for other objects."""
        cls = type(item)
        try:
            return self.known[cls]
        except KeyError:
            found = self.known[cls] = self._find(cls, item)
            return found

    def _find(self, cls: type, item: Any) -> tuple[str, ...] | None:
        if cls in SCALARS or isinstance(item, (type, dict)) or not self.probe.is_own(cls):
            return None
        if kind_of(cls) == "plain":
            return tuple(vars(item)) if cls in self.probe.roots and hasattr(item, "__dict__") else None
        if dataclasses.is_dataclass(cls):
            return tuple(field.name for field in dataclasses.fields(cls))
        for attribute in ("__struct_fields__", "__pydantic_fields__", "_fields"):
            if hasattr(cls, attribute):
                return tuple(getattr(cls, attribute))
        return tuple(one.name for one in getattr(cls, "__attrs_attrs__", ())) or None

    def plain(self, value: Any, depth: int = 0) -> Any:
        """A value as JSON, or as Fields; Opaque where it has no such form."""
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, enum.Enum):
            return self.plain(value.value, depth + 1)
        if isinstance(value, str):
            return self._text(str.__str__(value))
        if isinstance(value, (int, float)):
            return int(value) if isinstance(value, int) else float(value)
        if isinstance(value, pathlib.PurePath):
            return self._text(str(value))
        if depth > DEPTH_LIMIT:
            raise Opaque(type(value).__name__)
        if isinstance(value, (list, tuple, set, frozenset, dict)) and not hasattr(value, "_fields"):
            return self._collection(value, depth + 1)
        # dtypes and devices are written as the engine writes them.
        if type(value).__module__.split(".")[0] == "torch" and type(value).__name__ in ("dtype", "device"):
            return str(value).replace("torch.", "")
        names = self.fields_of(value)
        if names is None:
            raise Opaque(type(value).__name__)
        return self._fields(value, names, depth + 1)

    def _text(self, text: str) -> str:
        if len(text) > TEXT_LIMIT:
            raise Opaque("text")
        if "/" in text:
            if self.probe.fixtures:
                text = text.replace(self.probe.fixtures, "{fixtures}")
            if any(path in text for path, _ in self.probe.places):
                raise Opaque("a folder of this machine")
        return text

    def _collection(self, value: Any, depth: int) -> Any:
        if len(value) > ITEM_LIMIT:
            raise Opaque(type(value).__name__)
        if isinstance(value, dict):
            return {_key(key): self.plain(item, depth) for key, item in value.items()}
        items = [self.plain(item, depth) for item in value]
        return items if isinstance(value, (list, tuple)) else sorted(items, key=json.dumps)

    def _fields(self, item: Any, names: Iterable[str], depth: int) -> Fields:
        found = Fields()
        for name in names:
            value = attribute(item, name)
            if value is not MISSING:
                try:
                    found[name] = self.plain(value, depth)
                except Opaque:
                    continue  # Objects of the engine's other than configuration.
        return found

    def snapshot(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Values as JSON; MISSING for those that have no such form."""
        return {name: self.or_missing(value) for name, value in values.items()}

    def or_missing(self, value: Any) -> Any:
        try:
            return self.plain(value)
        except (Opaque, RecursionError):
            return MISSING

    def tree(self, root: Any, wanted: frozenset[str]) -> dict[str, Any]:
        """The `wanted` fields of the configuration objects below an object, where one value is meant."""
        found: dict[str, Any] = {}
        twice: set[str] = set()
        for name, value in self._walk(root):
            if name not in wanted or name in twice:
                continue
            if name not in found:
                found[name] = value
            elif not self._alike(value, found[name]):
                twice.add(name)
                del found[name]
        return found

    def _alike(self, one: Any, other: Any) -> bool:
        if one is other or (type(one) in SCALARS and type(one) is type(other) and one == other):
            return True
        first, second = self.or_missing(one), self.or_missing(other)
        return first is not MISSING and second is not MISSING and same(first, second)

    def _walk(self, root: Any) -> Iterator[tuple[str, Any]]:
        # Objects are kept, so that no later one gets the id of one that was seen.
        seen: dict[int, Any] = {}
        waiting = [root]
        while waiting:
            item = waiting.pop()
            if type(item) in SCALARS or id(item) in seen:
                continue
            seen[id(item)] = item
            if isinstance(item, (list, tuple, dict)):
                if len(item) <= ITEM_LIMIT:
                    waiting += item.values() if isinstance(item, dict) else item
                continue
            for name in self.fields_of(item) or ():
                value = attribute(item, name)
                if value is not MISSING:
                    yield name, value
                    waiting.append(value)


def attribute(item: Any, name: str) -> Any:
    try:
        return getattr(item, name)
    except Exception:
        return MISSING  # Not set, or a property that cannot be computed: there is no value.


def same(one: Any, other: Any) -> bool:
    """Equal as JSON, where 1 is 1.0 but not true, and not-a-number is itself."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    return bool(one == other) or (one != one and other != other)


def _key(key: Any) -> str:
    """JSON's keys are text; a user writes the number 1 as "1"."""
    if isinstance(key, str):
        return str(key)
    if isinstance(key, int) and not isinstance(key, bool):
        return str(key)
    raise Opaque("a mapping whose keys are not text")
