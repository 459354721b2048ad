"""Fields of dataclasses, pydantic's among them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from .defaults import default_of, factory_of, without_value
from .fields import declared, field_fact
from .metadata import description_of
from .probe import Probe
from .pydantic_fields import info_default, info_extras, is_info, is_set

MISSING = dataclasses.MISSING


def dataclass_fields(probe: Probe, cls: Any) -> Iterator[dict[str, Any]]:
    described = getattr(cls, "__pydantic_fields__", None) or {}
    for field in cls.__dataclass_fields__.values():
        if getattr(field, "_field_type", None) is getattr(dataclasses, "_FIELD_CLASSVAR", MISSING):
            continue
        owner, hint = declared(probe, cls, field.name, field.type)
        info = described.get(field.name, field.default if is_info(field.default) else None)
        more = info_extras(hint, info) if info is not None else {}
        default = _default(probe, field, info, hint.subject)
        if not more.get("description"):
            documented = [getattr(field, "doc", None) or "", field.metadata.get("help") or ""]
            more["description"] = description_of(documented)
        init = field.init and getattr(info, "init", None) is not False
        yield field_fact(probe, field.name, owner, default, hint, init=init, **more)


def _default(probe: Probe, field: Any, info: Any, subject: str) -> dict[str, Any]:
    if field.default_factory is not MISSING:
        return factory_of(probe, field.default_factory, subject)
    if info is not None and is_set(info):
        return info_default(probe, info, subject)
    if field.default is not MISSING and not is_info(field.default):
        return default_of(probe, field.default)
    # A field outside the constructor and without a default is set by code at run time.
    return without_value("required" if field.init else "computed")
