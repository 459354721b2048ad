"""What an engine makes of parameters that nobody set."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from typing import Any

from .fields import owner_of
from .kinds import kind_of
from .names import load, qualname
from .probe import Probe
from .values import ITEM_LIMIT, NotJson, mentions_machine, to_json

DEPTH_LIMIT = 12
MISSING = dataclasses.MISSING
Key = tuple[str, str]
"""A parameter: the class that declares it, and its name."""


def effective_facts(probe: Probe, spec: dict[str, Any]) -> list[dict[str, Any]]:
    """The values of parameters after a call of the engine's.

    The call is made twice, or once for each of `variants` (other keyword values, such as another
    model): a value that is not the same each time is no default, and is named in a limitation.
    """
    ignored = set(spec.get("ignore") or ())
    first, *others = [_run(probe, spec, variant) for variant in spec.get("variants") or [{}, {}]]
    wanted = {key: value for key, value in first.items() if ignored.isdisjoint((key[1], ".".join(key)))}
    varying = {
        key for key, value in wanted.items() if any(other.get(key, MISSING) != value for other in others)
    }
    if varying:
        shown = ", ".join(sorted(map(".".join, varying)))
        probe.miss("varies", subject_of(spec), f"not the same each time: {shown}")
    return [
        {"owner": owner, "name": name, "value": value, "from": "resolve", "platform": "cpu"}
        for (owner, name), value in wanted.items()
        if (owner, name) not in varying
    ]


def subject_of(spec: dict[str, Any]) -> str:
    """The function or method that is called."""
    holder = None if spec.get("result") == "defaults_of" else spec.get("class")
    return ".".join(filter(None, (holder, spec.get("call"))))


def _run(probe: Probe, spec: dict[str, Any], variant: dict[str, Any]) -> dict[Key, Any]:
    """The values after one call, but those that the call was given."""
    cls = load(spec["class"])
    if spec.get("result") == "defaults_of":
        return _single(_values(probe, (_pair(cls, *item) for item in load(spec["call"])().items())))
    kwargs = _expanded({**(spec.get("kwargs") or {}), **variant}, probe.fixtures)
    made = cls(**kwargs)
    result = getattr(made, spec["call"])() if spec.get("call") else None
    if spec.get("read"):
        named = {name: value for name, value in getattr(made, spec["read"])().items() if name not in kwargs}
        return _single(_values(probe, (_pair(cls, *item) for item in named.items())))
    # Where both hold a class's parameter, the instance has it as it was before the call.
    found = _single({**_values(probe, _walk(probe, made)), **_values(probe, _walk(probe, result))})
    for name in kwargs:
        found.pop((qualname(owner_of(type(made), name)), name), None)
    return found


def _expanded(value: Any, fixtures: str) -> Any:
    if isinstance(value, str):
        return value.replace("{fixtures}", fixtures)
    if isinstance(value, dict):
        return {key: _expanded(item, fixtures) for key, item in value.items()}
    return [_expanded(item, fixtures) for item in value] if isinstance(value, list) else value


def _pair(cls: Any, name: str, value: Any) -> tuple[Key, Any]:
    return (qualname(owner_of(cls, name)), name), value


def _single(values: dict[Key, list[Any]]) -> dict[Key, Any]:
    """What has one value. With two, nobody can say which is the parameter's."""
    return {key: several[0] for key, several in values.items() if len(several) == 1}


def _values(probe: Probe, pairs: Iterable[tuple[Key, Any]]) -> dict[Key, list[Any]]:
    """The different values of each parameter, without what JSON cannot say and what names this machine."""
    found: dict[Key, list[Any]] = {}
    for key, value in pairs:
        several = found.setdefault(key, [])
        try:
            plain = _plain(value)
        except (NotJson, RecursionError):
            continue  # Objects are walked; what they hold are parameters of their own.
        if plain not in several and not mentions_machine(probe, plain):
            several.append(plain)
    return found


def _plain(value: Any) -> Any:
    # dtypes and devices are written as the engine writes them.
    if type(value).__module__.split(".")[0] == "torch" and type(value).__name__ in ("dtype", "device"):
        return str(value).replace("torch.", "")
    return to_json(value)


def _walk(probe: Probe, root: Any) -> Iterator[tuple[Key, Any]]:
    """Every field of every configuration object in a tree, each object once."""
    seen: dict[int, Any] = {}

    def below(item: Any, depth: int) -> Iterator[tuple[Key, Any]]:
        if depth > DEPTH_LIMIT or id(item) in seen:
            return
        # Kept, so that no later object gets its id.
        seen[id(item)] = item
        cls = type(item)
        if isinstance(item, (list, tuple, dict)):
            if len(item) <= ITEM_LIMIT:
                for one in item.values() if isinstance(item, dict) else item:
                    yield from below(one, depth + 1)
        elif probe.is_own(cls) and (kind_of(cls) != "plain" or cls in probe.roots):
            for name in _field_names(cls, item):
                value = getattr(item, name, MISSING)
                if value is not MISSING:
                    yield _pair(cls, name, value)
                    yield from below(value, depth + 1)

    return below(root, 0)


def _field_names(cls: Any, item: Any) -> list[str]:
    if dataclasses.is_dataclass(cls):
        return [field.name for field in dataclasses.fields(cls)]
    for attribute in ("__struct_fields__", "__pydantic_fields__", "_fields"):
        if hasattr(cls, attribute):
            return list(getattr(cls, attribute))
    return list(vars(item)) if hasattr(item, "__dict__") else []
