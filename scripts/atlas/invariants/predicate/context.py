"""What evaluation needs to know of the target: its defaults, its types, whether it converts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from atlas.invariants.predicate.conversion import Converter, converter
from atlas.invariants.predicate.errors import Unknown
from atlas.invariants.predicate.expr import Json


class _Undefined:
    """The value of an expression that has none."""

    def __repr__(self) -> str:
        return "UNDEFINED"

    def __bool__(self) -> bool:
        return False


UNDEFINED: Final = _Undefined()


@dataclass(frozen=True, eq=False)
class Context:
    """`defaults` by the field's name (`a.b` for a key of an object); a field without one has an unknown one.

    `types` are texts such as `int | None`. With `converts="lax"` a value that was given counts as what
    pydantic converts it to. Two contexts are the same only if they are one object.
    """

    defaults: Mapping[str, Json] = field(default_factory=dict)
    types: Mapping[str, str] = field(default_factory=dict)
    converts: str = "none"

    def converter_of(self, name: str) -> Converter | None:
        """How a value given for the field is converted; nothing where it stays as it is."""
        if self.converts != "lax" or name not in self.types:
            return None
        return converter(self.types[name])


NO_CONTEXT: Final = Context()

Config = Mapping[str, Json]


def field_value(path: tuple[str, ...], config: Config, context: Context, *, raw: bool = False) -> Json:
    """What the field is: as given, else its default. `Unknown` where that is not known.

    A key of something that is no object raises, as an attribute of it would.
    """
    name = ".".join(path)
    if len(path) == 1:
        given, value = name in config, config.get(name)
    else:
        given, value = _key_of(path, config, context)
    if not given:
        if name not in context.defaults:
            raise Unknown
        return context.defaults[name]
    convert = None if raw else context.converter_of(name)
    return value if convert is None else converted(convert, value)


def converted(convert: Converter, value: Json) -> Json:
    """A value of a type that is not known stays as it is; one that does not convert has no value."""
    outcome = convert(value)
    if outcome.verdict is False:
        raise Unknown
    return outcome.value if outcome.verdict else value


def _key_of(path: tuple[str, ...], config: Config, context: Context) -> tuple[bool, Json]:
    """Whether the object has the key, and its value."""
    *owner, key = path
    try:
        holder = field_value(tuple(owner), config, context, raw=True)
    except Unknown:
        return False, None
    if not isinstance(holder, Mapping):
        raise AttributeError(key)
    return key in holder, holder.get(key)


def is_given(path: tuple[str, ...], config: Config) -> bool:
    """Whether the user passed it."""
    holder: Json = config
    for key in path:
        if not isinstance(holder, Mapping) or key not in holder:
            return False
        holder = holder[key]
    return True
