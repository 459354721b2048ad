"""Observed configurations as columns: the distinct values of a field, each with the rows that have it.

A set of rows is an integer with one bit a row, so that trying an atom on thousands of configurations costs
one evaluation per distinct value, and combining atoms costs a bitwise operation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

from atlas.invariants.model import Config, Json
from atlas.invariants.predicate import Context, compile_expr, substitute
from atlas.invariants.predicate.expr import Expr, Field, Op, identity

A, B, C = (Field((name,)) for name in "abc")
"""The places of a shape: what stands there is put in when it is tried, so that a shape is compiled once."""

Cells = tuple[tuple[Json, int], ...]
"""Distinct values, each with its rows; rows where it has no value are in none."""

_PLAIN = Context(defaults={}, types={}, converts="none")
_ABSENT = object()
_SCALARS = frozenset((bool, int, float, str, type(None)))


@dataclass(frozen=True)
class Column:
    """A field (or a key of an object in one): what it is in each row, what was passed, and where it was.

    `nulls` are the rows in which None was passed for it.
    """

    path: tuple[str, ...]
    cells: Cells
    raw: Cells
    given: int
    nulls: int = 0

    @property
    def values(self) -> list[Json]:
        """What it is somewhere, in the order of the rows."""
        return [value for value, _ in self.cells]


def rows(flags: Iterable[bool]) -> int:
    """The set of those rows that are flagged."""
    return int("0" + "".join("1" if flag else "0" for flag in flags)[::-1], 2)


def indices(mask: int) -> list[int]:
    """The rows of a set, ascending."""
    return [index for index, bit in enumerate(reversed(f"{mask:b}")) if bit == "1"]


def key_of(config: Config, name: str) -> object:
    """A hashable thing that is equal for the same value of the field only, and where it is not set."""
    value = config.get(name, _ABSENT)
    kind = value.__class__
    return (kind, value) if kind in _SCALARS else _ABSENT if value is _ABSENT else identity(value)


def column(configs: Sequence[Config], path: tuple[str, ...], context: Context) -> Column:
    """One column of the table."""
    passed: dict[object, tuple[Config, list[int]]] = {}
    for row, config in enumerate(configs):
        key = key_of(config, path[0])
        if key not in passed:
            passed[key] = ({} if key is _ABSENT else {path[0]: config[path[0]]}, [])
        passed[key][1].append(row)
    masks = [(config, _mask(numbers)) for config, numbers in passed.values()]
    cells = _cells(compile_expr(Field(path), context), masks)
    raw = _cells(compile_expr(Op("raw", (Field(path),)), context), masks) if context.converts == "lax" else ()
    given = compile_expr(Op("given", (Field(path),)), context)
    nulls = sum(mask for value, mask in cells if value is None)
    nulls &= sum(mask for config, mask in masks if config and given(config) is True)
    return Column(path, cells, raw, sum(mask for config, mask in masks if config), nulls)


def _mask(numbers: Sequence[int]) -> int:
    flags = bytearray(numbers[-1] // 8 + 1)
    for number in numbers:
        flags[number // 8] |= 1 << number % 8
    return int.from_bytes(flags, "little")


def _cells(evaluate: Callable[[Config], Json], masks: Sequence[tuple[Config, int]]) -> Cells:
    merged: dict[object, tuple[Json, int]] = {}
    for config, mask in masks:
        value = evaluate(config)
        if is_json(value):
            key = identity(value)
            merged[key] = (value, merged.get(key, (value, 0))[1] | mask)
    return tuple(merged.values())


def is_json(value: object) -> bool:
    """Whether an evaluation came to a value that a user could write."""
    return value is None or isinstance(value, bool | int | float | str | list | tuple | dict)


def computable(cells: Cells) -> Cells:
    """The cells that hold numbers, or what counts as one."""
    return tuple(cell for cell in cells if isinstance(cell[0], int | float))


def sized(cells: Cells) -> Cells:
    """The cells that hold something with a length."""
    return tuple(cell for cell in cells if isinstance(cell[0], str | list | tuple | dict))


def joined(first: Cells, second: Cells) -> Cells:
    """The distinct pairs of two columns; a third can be joined to them."""
    pairs = product(first, second)
    return tuple(((one, other), both) for (one, ours), (other, theirs) in pairs if (both := ours & theirs))


@lru_cache(maxsize=4096)
def _compiled(shape: Expr) -> Callable[[Config], Json]:
    return compile_expr(shape, _PLAIN)


def evaluated(shape: Expr, *values: Json) -> Json:
    """What a shape comes to with the values in its places."""
    return _compiled(shape)(dict(zip("abc", values, strict=False)))


def true_rows(shape: Expr, cells: Cells, *constants: Json, places: int = 1) -> int:
    """The rows where the shape is true: its first places hold the cell, the rest are constants."""
    evaluate, result = _compiled(shape), 0
    rest = dict(zip("abc"[places:], constants, strict=False))
    for value, mask in cells:
        if places == 1:
            arguments = {"a": value, **rest}
        elif places == 2:
            arguments = {"a": value[0], "b": value[1], **rest}
        else:
            arguments = {"a": value[0][0], "b": value[0][1], "c": value[1]}
        if evaluate(arguments) is True:
            result |= mask
    return result


def filled(shape: Expr, *parts: Expr) -> Expr:
    """The shape with expressions in its places."""
    return substitute(shape, dict(zip((A, B, C), parts, strict=False)))
