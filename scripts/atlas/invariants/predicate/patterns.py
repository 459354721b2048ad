"""Regular expressions that cannot take forever.

Python's matcher backtracks. Before a pattern is run, its parse tree bounds in how many ways it can try a
text of that length; past the limit there is no answer rather than a long wait.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from functools import lru_cache
from re import _constants as codes  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

from atlas.invariants.predicate.errors import Unknown

MAX_WAYS = 4_000_000
MAX_PATTERN = 2_000

_REPEATS = (codes.MAX_REPEAT, codes.MIN_REPEAT)


def searched(pattern: object, text: object, *, whole: bool) -> bool:
    """Whether `re.search` (`whole`: `re.fullmatch`) finds the pattern."""
    if not isinstance(pattern, str) or not isinstance(text, str):
        raise TypeError("expected string")
    if len(pattern) > MAX_PATTERN:
        raise Unknown
    if _ways_of(pattern, len(text), whole) > MAX_WAYS:
        raise Unknown
    compiled = _compiled(pattern)
    return (compiled.fullmatch(text) if whole else compiled.search(text)) is not None


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a pattern that a later Python may read differently
        try:
            return re.compile(pattern)
        except re.error as error:
            raise ValueError(str(error)) from error


@lru_cache(maxsize=4096)
def _ways_of(pattern: str, length: int, whole: bool) -> int:
    """The ways to try the pattern on a text of that length, cut off past the limit."""
    compiled = _compiled(pattern)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        parts = list(parser.parse(pattern, compiled.flags))
    anchored = parts[:1] == [(codes.AT, codes.AT_BEGINNING)] and not compiled.flags & re.MULTILINE
    return _ways(parts, length) * (1 if whole or anchored else length + 1)


def _ways(parts: Sequence[tuple[Any, Any]], length: int) -> int:
    """Of a sequence: the product of the ways of its parts; what is never tried again only adds its own."""
    ways = 1
    for code, argument in reversed(parts):
        if code is codes.POSSESSIVE_REPEAT:
            ways += _ways(argument[2], length) * min(int(argument[1]), length)
        elif code is codes.ATOMIC_GROUP:
            ways += _ways(argument, length)
        else:
            ways *= _ways_of_part(code, argument, length)
        ways = min(ways, MAX_WAYS + 1)
    return ways


def _ways_of_part(code: Any, argument: Any, length: int) -> int:
    if code in _REPEATS:
        least, most, inner = argument
        most = min(int(most), length)
        once = _ways(inner, length)
        choices = max(most - min(int(least), most), 0) + 1
        return choices if once == 1 else _power(once, most) * choices
    if code is codes.BRANCH:
        return sum(_ways(branch, length) for branch in argument[1])
    if code is codes.SUBPATTERN:
        return _ways(argument[-1], length)
    if code in (codes.ASSERT, codes.ASSERT_NOT):
        return _ways(argument[1], length)
    if code is codes.GROUPREF_EXISTS:
        return sum(_ways(branch, length) for branch in argument[1:] if branch)
    return 1


def _power(base: int, exponent: int) -> int:
    """`base ** exponent`, cut off past the limit."""
    result = 1
    for _ in range(exponent):
        result *= base
        if result > MAX_WAYS:
            break
    return result
