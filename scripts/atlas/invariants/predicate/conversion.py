"""What pydantic makes of a JSON value in its lax Python mode: whether it takes it, and as what.

Checked against pydantic itself by the tests. Tuples and sets are lists here, each item of a set once.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from pathlib import PurePosixPath
from typing import NamedTuple

from atlas.invariants.predicate.expr import Json, identity
from atlas.invariants.predicate.type_texts import Kind, Type, parse_type

EXACT, STRICT, LAX = 0, 1, 2
"""How near the value is to the type: a union takes the nearest of its members, the first of equals."""


class Outcome(NamedTuple):
    """`verdict`: taken (as `value`), not taken, or None where that cannot be told."""

    verdict: bool | None
    value: Json = None
    rank: int = EXACT


class Converter(NamedTuple):
    """`unchanged`: the Python types whose values it takes just as they are; `words`: texts that it lists."""

    wanted: Type
    unchanged: frozenset[object]
    words: frozenset[str] = frozenset()

    def __call__(self, value: Json) -> Outcome:
        return Outcome(True, value) if type(value) in self.unchanged else outcome_of(self.wanted, value)


_NO = Outcome(False)
_UNSURE = Outcome(None)
_UNHASHABLE: tuple[Kind, ...] = ("any", "list", "set", "dict")
_SIMPLE: Mapping[Kind, type] = {"none": type(None), "bool": bool, "int": int, "float": float, "str": str}


@lru_cache(maxsize=4096)
def converter(text: str) -> Converter:
    """The converter to the type that the text writes."""
    kind = parse_type(text)
    if kind.kind == "any":
        return Converter(kind, frozenset((type(None), bool, int, float, str, list, dict)))
    members = kind.parts if kind.kind == "union" else (kind,)
    simple = frozenset(_SIMPLE[member.kind] for member in members if member.kind in _SIMPLE)
    listed = [const.value for member in members for const in member.values]
    return Converter(kind, simple, frozenset(value for value in listed if isinstance(value, str)))


def conforms(value: Json, text: str) -> bool | None:
    """Whether pydantic takes the value for the type; None where the type's name says nothing about it."""
    return outcome_of(parse_type(text), value).verdict


def outcome_of(wanted: Type, value: Json) -> Outcome:
    """What becomes of the value."""
    return _TAKERS[wanted.kind](wanted, value)


def _none(_: Type, value: Json) -> Outcome:
    return Outcome(value is None)


def _any(_: Type, value: Json) -> Outcome:
    return Outcome(True, value, STRICT)


def _never(_: Type, _value: Json) -> Outcome:
    return _NO


def _unknown(_: Type, _value: Json) -> Outcome:
    return _UNSURE


def _bool(_: Type, value: Json) -> Outcome:
    if isinstance(value, bool):
        return Outcome(True, value)
    if isinstance(value, int | float):
        return Outcome(True, bool(value), LAX) if value in (0, 1) else _NO
    if isinstance(value, str):
        word = value.lower() if value.isascii() else ""
        if word in ("1", "on", "t", "true", "y", "yes"):
            return Outcome(True, True, LAX)
        if word in ("0", "off", "f", "false", "n", "no"):
            return Outcome(True, False, LAX)
    return _NO


# Rust's idea of white space is Unicode's; Python's has four more characters.
_SPACE = "\t\n\x0b\x0c\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
_SPACE += "\u2028\u2029\u202f\u205f\u3000"
_INT_TEXT = re.compile(r"((?:[+-]?|0[0_]*)[0-9]+(?:_[0-9]+)*)(?:\.0+)?", re.A)
_ODD_INT_TEXT = re.compile(r"0[0_]*-.*")
MAX_DIGITS = 4300


def _int(_: Type, value: Json) -> Outcome:
    if type(value) is int:
        return Outcome(True, value)
    if isinstance(value, bool):
        return Outcome(True, int(value), LAX)
    if isinstance(value, float):
        fits = math.isfinite(value) and value.is_integer() and -(2.0**63) < value < 2.0**63
        return Outcome(True, int(value), LAX) if fits else _NO
    if isinstance(value, str) and len(value) <= MAX_DIGITS:
        text = value.strip(_SPACE)
        if found := _INT_TEXT.fullmatch(text):
            return Outcome(True, int(found[1].replace("_", "")), LAX)
        # Some of these (`0-5`, but not `00-00`) pass for numbers because zeros come off first.
        return _UNSURE if _ODD_INT_TEXT.fullmatch(text) else _NO
    return _NO


_FLOAT_TEXT = re.compile(
    r"[+-]?(?:inf|infinity|nan|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?)", re.I | re.A
)


def _float(_: Type, value: Json) -> Outcome:
    if isinstance(value, float):
        return Outcome(True, value)
    if isinstance(value, int):
        try:
            return Outcome(True, float(value), LAX if isinstance(value, bool) else STRICT)
        except OverflowError:
            return _NO
    if isinstance(value, str):
        text = value.strip(_SPACE)
        if "_" in value and "__" not in value and value.strip("_" + _SPACE) == value:
            text = value.replace("_", "")
        if _FLOAT_TEXT.fullmatch(text):
            return Outcome(True, float(text), LAX)
    return _NO


def _str(_: Type, value: Json) -> Outcome:
    return Outcome(isinstance(value, str), value)


def _path(_: Type, value: Json) -> Outcome:
    if not isinstance(value, str):
        return _NO
    return Outcome(True, str(PurePosixPath(value)), LAX)


def _json(_: Type, value: Json) -> Outcome:
    """Text that is JSON, as `json.loads` reads it: to that, it becomes what it says."""
    if not isinstance(value, str):
        return _NO
    try:
        return Outcome(True, json.loads(value), LAX)
    except RecursionError:
        return _UNSURE
    except ValueError:
        return _NO


def _literal(wanted: Type, value: Json) -> Outcome:
    if isinstance(value, list | dict):
        return _NO
    same = [const.value for const in wanted.values if identity(const.value) == identity(value)]
    equal = [const.value for const in wanted.values if const.value == value]
    return Outcome(True, (same or equal)[-1]) if equal else _NO


def _union(wanted: Type, value: Json) -> Outcome:
    best, unsure = _NO, False
    for member in wanted.parts:
        outcome = outcome_of(member, value)
        if outcome.verdict is None:
            unsure = True
        elif outcome.verdict and (not best.verdict or outcome.rank < best.rank):
            best = outcome
        if best.verdict and best.rank == EXACT:
            return best
    return best if best.verdict or not unsure else _UNSURE


def _sequence(wanted: Type, value: Json) -> Outcome:
    if not isinstance(value, list | tuple):
        return _NO
    parts = wanted.parts
    types = parts if wanted.kind == "row" else parts * len(value)
    if len(types) != len(value):
        return _NO
    return _together(map(outcome_of, types, value), EXACT if wanted.kind == "list" else LAX)


def _together(outcomes: Iterable[Outcome], rank: int) -> Outcome:
    verdict: bool | None = True
    values = []
    for outcome in outcomes:
        if outcome.verdict is False:
            return _NO
        verdict = verdict and outcome.verdict
        values.append(outcome.value)
        rank = max(rank, outcome.rank)
    return Outcome(True, values, rank) if verdict else _UNSURE


def _set(wanted: Type, value: Json) -> Outcome:
    outcome = _sequence(wanted, value)
    if not outcome.verdict:
        return outcome
    if any(isinstance(item, list | dict) for item in outcome.value):
        return _NO if wanted.parts[0].kind in _UNHASHABLE else _UNSURE
    return Outcome(True, list(dict.fromkeys(outcome.value)), LAX)


def _dict(wanted: Type, value: Json) -> Outcome:
    if not isinstance(value, Mapping):
        return _NO
    keys = _together((outcome_of(wanted.parts[0], key) for key in value), EXACT)
    values = _together((outcome_of(wanted.parts[1], item) for item in value.values()), EXACT)
    if keys.verdict is False or values.verdict is False:
        return _NO
    if not (keys.verdict and values.verdict):
        return _UNSURE
    return Outcome(True, dict(zip(keys.value, values.value, strict=True)), max(keys.rank, values.rank))


_TAKERS: Mapping[Kind, Callable[[Type, Json], Outcome]] = {
    "none": _none,
    "any": _any,
    "never": _never,
    "unknown": _unknown,
    "bool": _bool,
    "int": _int,
    "float": _float,
    "str": _str,
    "path": _path,
    "json": _json,
    "literal": _literal,
    "union": _union,
    "list": _sequence,
    "tuple": _sequence,
    "row": _sequence,
    "set": _set,
    "frozenset": _set,
    "dict": _dict,
}
