"""Arithmetic as Python's, with limits on what it may cost."""

from __future__ import annotations

import re

from atlas.invariants.predicate.errors import Unknown
from atlas.invariants.predicate.expr import Json

MAX_BITS = 8192
MAX_ITEMS = 100_000


def multiply(left: Json, right: Json) -> Json:
    if isinstance(left, int | float) and isinstance(right, int | float):
        if _bits(left) + _bits(right) > MAX_BITS:
            raise Unknown
        return left * right
    for sequence, count in ((left, right), (right, left)):
        if isinstance(sequence, str | list) and isinstance(count, int) and len(sequence) * count > MAX_ITEMS:
            raise Unknown
    return left * right


def power(left: Json, right: Json) -> Json:
    if isinstance(left, int) and isinstance(right, int) and _bits(left) * abs(right) > MAX_BITS:
        raise Unknown
    result = left**right
    if isinstance(result, complex):
        raise Unknown
    return result


def modulo(left: Json, right: Json) -> Json:
    """`%`; of a string it formats, where a wide field could cost any amount of memory."""
    if isinstance(left, str) and re.search(r"%[^%a-zA-Z]*(\d{4}|\*)", left):
        raise Unknown
    return left % (tuple(right) if isinstance(left, str) and isinstance(right, tuple) else right)


def shift_left(left: Json, right: Json) -> Json:
    if isinstance(left, int) and isinstance(right, int) and _bits(left) + right > MAX_BITS:
        raise Unknown
    return left << right


def add(left: Json, right: Json) -> Json:
    if isinstance(left, str | list) and isinstance(right, str | list) and len(left) + len(right) > MAX_ITEMS:
        raise Unknown
    return left + right


def _bits(number: float) -> int:
    return number.bit_length() if isinstance(number, int) else 0


def rounded(value: Json, digits: Json = None) -> Json:
    if isinstance(digits, int) and abs(digits) > 400:
        raise Unknown
    return round(value) if digits is None else round(value, digits)
