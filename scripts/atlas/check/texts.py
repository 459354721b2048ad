"""Text of a command line, read as what a parameter takes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from atlas.check.fragments import display, kinds_of, shown
from atlas.check.model import UNKNOWN

Json = Any
TEMPLATE = re.compile(r"\$\{|\$\(|\{\{|^\$[A-Za-z_]|%\(|<[A-Z_]+>")
"""What is filled in later: by a shell, Compose, Kubernetes or a template."""
_SUFFIXED = re.compile(r"(\d+(?:\.\d+)?)([kKmMgGtT])")
_FACTORS = {"k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
_MOST_DIGITS = 400


class NotReadable(Exception):
    """The text is not what the parameter takes; the message says what it would have to be."""


def read(
    text: str,
    fragment: Mapping[str, Json],
    *,
    suffixes: bool,
    words: Mapping[str, Json],
    loose: bool = False,
) -> Json:
    """The value that the text stands for; NotReadable where the command line would refuse it.

    `loose`: an object that is no known class, for which parsers take any JSON, or text.
    UNKNOWN where that depends on something that is filled in later, or on how the engine reads `None`.
    """
    if TEMPLATE.search(text):
        return UNKNOWN
    if text.lower() in words:
        return words[text.lower()]
    options = list(_options(fragment))
    if not options or any(not kinds_of(one) and "enum" not in one for one in options):
        return _anything(text)
    if text in ("None", "none", "null", "") and any("null" in kinds_of(one) for one in options):
        return UNKNOWN
    for option in options:
        value = _read_as(text, option, suffixes)
        if value is not NotReadable:
            return value
    if loose and any("object" in kinds_of(one) for one in options):
        return _anything(text)
    raise NotReadable(f"{shown(text)} is not {display(fragment)}")


def _options(fragment: Mapping[str, Json]) -> Iterator[Mapping[str, Json]]:
    if "anyOf" in fragment:
        for option in fragment["anyOf"]:
            yield from _options(option)
    else:
        yield fragment


def _read_as(text: str, option: Mapping[str, Json], suffixes: bool) -> Json:
    if "enum" in option:
        return next((one for one in option["enum"] if str(one) == text), NotReadable)
    for kind in kinds_of(option):
        value = _as_kind(text, kind, suffixes)
        if value is not NotReadable:
            return value
    return NotReadable


def _as_kind(text: str, kind: str, suffixes: bool) -> Json:
    if kind == "integer":
        return _integer(text, suffixes)
    if kind == "number":
        try:
            return float(text)
        except ValueError:
            return NotReadable
    if kind == "boolean":
        return {"true": True, "false": False}.get(text.lower(), NotReadable)
    if kind in ("object", "array"):
        value = parsed(text, suffixes)
        return value if isinstance(value, dict if kind == "object" else list) else NotReadable
    return text if kind == "string" else NotReadable


def _integer(text: str, suffixes: bool) -> Json:
    if suffixes and (match := _SUFFIXED.fullmatch(text.strip())):
        number, suffix = match.groups()
        if suffix.islower():
            return int(float(number) * _FACTORS[suffix])
        return int(number) * _FACTORS[suffix] if number.isdigit() else NotReadable
    try:
        return int(text) if len(text) < _MOST_DIGITS else NotReadable
    except ValueError:
        return NotReadable


def parsed(text: str, suffixes: bool = False) -> Json:
    """Text as JSON; NotReadable (the class) where it is none."""
    if suffixes:
        parts = re.split(r'("(?:[^"\\]|\\.)*")', text)
        parts[::2] = [re.sub(rf"\b{_SUFFIXED.pattern}\b", _expanded, part) for part in parts[::2]]
        text = "".join(parts)
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return NotReadable


def _expanded(match: re.Match[str]) -> str:
    value = _integer(match[0], suffixes=True)
    return match[0] if value is NotReadable else str(value)


def _anything(text: str) -> Json:
    """What a key of an object becomes: JSON where it is that, else a number with a suffix, else the text."""
    if TEMPLATE.search(text):
        return UNKNOWN
    value = parsed(text)
    if value is not NotReadable:
        return value
    number = _integer(text, suffixes=True)
    return text if number is NotReadable else number


anything = _anything
