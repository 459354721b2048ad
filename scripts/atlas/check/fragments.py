"""Whether a value is what a parameter's type (a JSON Schema fragment of the artefact) takes.

Only what the artefacts use of JSON Schema; tests hold it against a full validator. Numbers without a
fraction are integers in JSON Schema, `true` is not 1, and a type that is known by its Python name only
(`x-python-type` without a JSON type, or with no more than `object`) takes anything.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from atlas.check.model import UNKNOWN, Path

Json = Any
Fragment = Mapping[str, Json]
Problem = tuple[Path, str, str]
"""Where in the value, of which kind (`type`, `range`, `choice`), and what."""

_KINDS: Mapping[str, Callable[[Json], bool]] = {
    "null": lambda value: value is None,
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: _is_number(value) and value == int(value) if _finite(value) else False,
    "number": lambda value: _is_number(value),
    "string": lambda value: isinstance(value, str),
    "array": lambda value: isinstance(value, list | tuple),
    "object": lambda value: isinstance(value, dict),
}


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _finite(value: Json) -> bool:
    return _is_number(value) and not (
        isinstance(value, float) and (value != value or abs(value) == float("inf"))
    )


def problems(fragment: Fragment, value: Json) -> list[Problem]:
    """What is wrong with the value; empty where the type takes it, or that is not known."""
    return list(_problems(fragment, value, ()))


def _problems(fragment: Fragment, value: Json, path: Path) -> Iterator[Problem]:
    if value is UNKNOWN or fragment.get("x-unknown"):
        return
    if "anyOf" in fragment:
        found = [list(_problems(option, value, path)) for option in fragment["anyOf"]]
        if all(found):
            yield from _nearest(found, value, path, fragment)
            return
    kinds = kinds_of(fragment)
    if kinds and not any(_KINDS[kind](value) for kind in kinds):
        yield path, "type", f"{_shown(value)} is not {display(fragment)}"
        return
    if "enum" in fragment and not any(_equal(value, one) for one in fragment["enum"]):
        yield path, "choice", f"{_shown(value)} is not one of {choices(fragment['enum'])}"
        return
    if "const" in fragment and not _equal(value, fragment["const"]):
        yield path, "choice", f"{_shown(value)} is not {_shown(fragment['const'])}"
        return
    yield from _bounds(fragment, value, path)
    if isinstance(value, list | tuple):
        yield from _items(fragment, value, path)
    if isinstance(value, dict):
        yield from _properties(fragment, value, path)


def _nearest(found: list[list[Problem]], value: Json, path: Path, fragment: Fragment) -> Iterator[Problem]:
    """Of several options, the one that fails furthest in or by its range; otherwise all at once."""
    best = max(found, key=lambda one: (max(len(place) for place, _, _ in one), one[0][1] == "range"))
    if any(len(place) > len(path) or kind == "range" for place, kind, _ in best):
        yield from best
        return
    options = [option for option in fragment["anyOf"] if option.get("type") != "null"]
    named = [item for option in options for item in option.get("enum", ())]
    if named and all("enum" in option for option in options):
        yield path, "choice", f"{_shown(value)} is not one of {choices(named)}"
    else:
        yield path, "type", f"{_shown(value)} is not {display(fragment)}"


def _items(fragment: Fragment, value: list[Json] | tuple[Json, ...], path: Path) -> Iterator[Problem]:
    first = fragment.get("prefixItems", ())
    for index, (option, item) in enumerate(zip(first, value, strict=False)):
        yield from _problems(option, item, (*path, index))
    rest = fragment.get("items")
    if rest is False and len(value) > len(first):
        yield path, "range", f"{len(value)} items are more than {len(first)}"
    elif isinstance(rest, Mapping):
        for index in range(len(first), len(value)):
            yield from _problems(rest, value[index], (*path, index))
    if fragment.get("uniqueItems") and any(value[n] in value[:n] for n in range(len(value))):
        yield path, "range", f"{_shown(value)} holds an item twice"


def _properties(fragment: Fragment, value: Mapping[str, Json], path: Path) -> Iterator[Problem]:
    known = fragment.get("properties", {})
    rest = fragment.get("additionalProperties")
    for key, item in value.items():
        option = known.get(key, rest)
        if isinstance(option, Mapping):
            yield from _problems(option, item, (*path, key))


_BOUNDS: tuple[tuple[str, Callable[[Json, Json], bool], str], ...] = (
    ("minimum", lambda value, bound: value >= bound, "is less than {bound}, the least that is allowed"),
    ("exclusiveMinimum", lambda value, bound: value > bound, "has to be greater than {bound}"),
    ("maximum", lambda value, bound: value <= bound, "is more than {bound}, the most that is allowed"),
    ("exclusiveMaximum", lambda value, bound: value < bound, "has to be less than {bound}"),
)
_SIZES = (("Length", str), ("Items", list))


def _bounds(fragment: Fragment, value: Json, path: Path) -> Iterator[Problem]:
    if _is_number(value):
        for name, holds, text in _BOUNDS:
            if name in fragment and not holds(value, fragment[name]):
                yield path, "range", f"{_shown(value)} {text.format(bound=fragment[name])}"
        step = fragment.get("multipleOf")
        if step and _finite(value) and value % step:
            yield path, "range", f"{_shown(value)} is no multiple of {step}"
    for noun, kind in _SIZES:
        if isinstance(value, kind):
            if len(value) < fragment.get(f"min{noun}", 0):
                yield path, "range", f"{_shown(value)} is shorter than {fragment[f'min{noun}']}"
            if len(value) > fragment.get(f"max{noun}", len(value)):
                yield path, "range", f"{_shown(value)} is longer than {fragment[f'max{noun}']}"
    pattern = fragment.get("pattern")
    if pattern and isinstance(value, str) and len(value) < 1000 and not re.search(pattern, value):
        yield path, "range", f"{_shown(value)} does not match {pattern}"


def kinds_of(fragment: Fragment) -> tuple[str, ...]:
    """The JSON types that it names; none where it takes objects of Python's that are no JSON."""
    kind = fragment.get("type")
    return () if kind is None else (kind,) if isinstance(kind, str) else tuple(kind)


def _equal(left: Json, right: Json) -> bool:
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    return bool(left == right)


def display(fragment: Fragment) -> str:
    """The type in words: `an integer or null`."""
    if "anyOf" in fragment:
        return " or ".join(dict.fromkeys(display(option) for option in fragment["anyOf"]))
    if "enum" in fragment:
        return f"one of {choices(fragment['enum'])}"
    words = {
        "null": "null",
        "boolean": "true or false",
        "integer": "an integer",
        "number": "a number",
        "string": "text",
        "array": "a list",
        "object": "an object",
    }
    return " or ".join(words[kind] for kind in kinds_of(fragment)) or str(
        fragment.get("x-python-type", "anything")
    )


MOST_CHOICES, MOST_TEXT = 24, 80


def choices(values: Any) -> str:
    shown = [_shown(one) for one in values]
    return ", ".join(shown[:MOST_CHOICES]) + (
        f", … ({len(shown)} in all)" if len(shown) > MOST_CHOICES else ""
    )


def _shown(value: Json) -> str:
    """A value as JSON, cut short."""
    import json

    try:
        text = json.dumps(value, ensure_ascii=False, default=repr)
    except (ValueError, RecursionError):
        text = repr(value)
    return text if len(text) <= MOST_TEXT else f"{text[:MOST_TEXT]}…"


shown = _shown
