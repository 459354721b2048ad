"""What is known of a field apart from the data: constants that conditions may name, and its type."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from atlas.invariants.model import FieldSpec, Json
from atlas.invariants.predicate.expr import identity

BASIC = ("int", "float", "bool", "str", "Json")
"""Types that values are tried to be converted to, besides the declared one."""


@dataclass(frozen=True)
class Known:
    """What is known of a field apart from the data: constants of the engine's, and its type as text.

    `stated` are the texts that the engine's message quotes: often the values that it takes.
    """

    constants: tuple[Json, ...] = ()
    displays: tuple[str, ...] = ()
    default: Json = None
    stated: tuple[str, ...] = ()

    def names(self, value: Json) -> bool:
        """Whether the value is the default or one of the constants, of whatever numeric type."""
        return value == self.default or value in self.constants

    def spells(self, value: str) -> bool:
        """Whether it is one of the known texts, in small or capital letters."""
        return any(isinstance(one, str) and one.lower() == value.lower() for one in self.constants)

    def stating(self, constants: Sequence[Json]) -> Known:
        """The same with the constants of a message."""
        new = [value for value in constants if not self.names(value)]
        texts = tuple(dict.fromkeys(value for value in constants if isinstance(value, str)))
        return replace(self, constants=(*self.constants, *new), stated=texts)

    def certain(self, value: Json) -> bool:
        """Whether a condition may well name it: it is known, or one of the values that many do."""
        return value is None or value in (0, 1, "") or self.names(value)


def knowledge(spec: FieldSpec | None, hints: Collection[Json] = ()) -> Known:
    """Constants from the schema fragment and from the conditions of other rules."""
    constants = list(hints) + (list(_fragment_constants(spec.type)) if spec else [])
    distinct = {identity(value): value for value in constants}
    ordered = tuple(distinct[key] for key in sorted(distinct, key=repr))
    displays = dict.fromkeys([*([spec.display] if spec else []), *BASIC])
    return Known(ordered, tuple(displays), spec.default if spec else None)


def _fragment_constants(fragment: Json) -> Iterator[Json]:
    """Enumerated values and bounds, wherever they stand in a JSON Schema fragment."""
    if isinstance(fragment, list | tuple):
        for item in fragment:
            yield from _fragment_constants(item)
    elif isinstance(fragment, Mapping):
        for key, value in fragment.items():
            if key in ("enum", "examples"):
                yield from value
            elif key in ("const", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"):
                yield value
            elif key in ("anyOf", "oneOf", "allOf", "items"):
                yield from _fragment_constants(value)
