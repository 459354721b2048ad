"""Fields of msgspec structs, attrs classes, typed dicts and named tuples."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .defaults import default_of, factory_of, without_value
from .fields import declared, field_fact, own_annotations
from .hints import NOT_ANNOTATED
from .probe import Probe


def msgspec_fields(probe: Probe, cls: Any) -> Iterator[dict[str, Any]]:
    names, encoded = cls.__struct_fields__, cls.__struct_encode_fields__
    # Defaults are those of the last fields.
    values = dict(zip(reversed(names), reversed(cls.__struct_defaults__)))
    for name, alias in zip(names, encoded):
        owner, hint = declared(probe, cls, name)
        value: Any = values.get(name)
        if name not in values or repr(value) == "NODEFAULT":
            default = without_value("required")
        elif type(value).__name__ == "Factory" and hasattr(value, "factory"):
            default = factory_of(probe, value.factory, hint.subject)
        else:
            default = default_of(probe, value)
        yield field_fact(probe, name, owner, default, hint, aliases=[alias] if alias != name else [])


def attrs_fields(probe: Probe, cls: Any) -> Iterator[dict[str, Any]]:
    for attribute in cls.__attrs_attrs__:
        raw = attribute.type if attribute.type is not None else NOT_ANNOTATED
        owner, hint = declared(probe, cls, attribute.name, raw)
        value = attribute.default
        if repr(value) == "NOTHING":
            default = without_value("required" if attribute.init else "computed")
        elif not (hasattr(value, "factory") and hasattr(value, "takes_self")):
            default = default_of(probe, value)
        elif value.takes_self:
            default = without_value("computed")
        else:
            default = factory_of(probe, value.factory, hint.subject)
        alias = getattr(attribute, "alias", None)
        aliases = [alias] if alias and alias != attribute.name else []
        yield field_fact(probe, attribute.name, owner, default, hint, init=attribute.init, aliases=aliases)


def typed_dict_fields(probe: Probe, cls: Any) -> Iterator[dict[str, Any]]:
    for name in own_annotations(cls):
        owner, hint = declared(probe, cls, name)
        default = without_value("required" if name in cls.__required_keys__ else "unknown")
        yield field_fact(probe, name, owner, default, hint)


def named_tuple_fields(probe: Probe, cls: Any) -> Iterator[dict[str, Any]]:
    for name in cls._fields:
        owner, hint = declared(probe, cls, name)
        given = cls._field_defaults
        default = default_of(probe, given[name]) if name in given else without_value("required")
        yield field_fact(probe, name, owner, default, hint)
