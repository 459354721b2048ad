"""The facts of one class, whatever it is made with."""

from __future__ import annotations

import inspect
from typing import Any

from .dataclass_fields import dataclass_fields
from .kinds import kind_of, takes_kwargs
from .lines import file_of, line_of
from .names import qualname, text_of
from .probe import Probe
from .pydantic_fields import add_json_schema, pydantic_fields
from .record_fields import attrs_fields, msgspec_fields, named_tuple_fields, typed_dict_fields
from .signatures import plain_fields

READERS = {
    "dataclass": dataclass_fields,
    "pydantic_dataclass": dataclass_fields,
    "pydantic": pydantic_fields,
    "msgspec": msgspec_fields,
    "attrs": attrs_fields,
    "typed_dict": typed_dict_fields,
    "named_tuple": named_tuple_fields,
    "plain": plain_fields,
}


def class_fact(probe: Probe, cls: Any) -> dict[str, Any]:
    kind = kind_of(cls)
    fields = list(READERS[kind](probe, cls))
    if kind in ("pydantic", "pydantic_dataclass"):
        add_json_schema(probe, cls, fields)
    return {
        "qualname": qualname(cls),
        "kind": kind,
        "bases": [text_of(base) for base in cls.__bases__ if base is not object],
        "doc": _doc(probe, cls),
        "extra": _extra(cls, kind),
        "validators": _validators(cls),
        "fields": fields,
        "file": file_of(probe, cls),
        "line": line_of(probe, cls, cls.__qualname__),
    }


def _doc(probe: Probe, cls: Any) -> str | None:
    doc = vars(cls).get("__doc__")
    # A dataclass without a docstring gets its signature for one.
    if not isinstance(doc, str) or doc.startswith(f"{cls.__name__}("):
        return None
    return probe.scrub(inspect.cleandoc(doc), 20_000) or None


def _extra(cls: Any, kind: str) -> str | None:
    """What the class does with names that it does not know, where it says so."""
    if kind in ("pydantic", "pydantic_dataclass"):
        config = getattr(cls, "model_config", None) or getattr(cls, "__pydantic_config__", None) or {}
        return config.get("extra") or "ignore"
    if kind == "msgspec":
        return "forbid" if cls.__struct_config__.forbid_unknown_fields else "ignore"
    if kind == "plain":
        return "allow" if takes_kwargs(cls) else "forbid"
    return "forbid" if kind in ("dataclass", "attrs") else None


def _validators(cls: Any) -> list[str]:
    found = ["__post_init__"] if inspect.isfunction(getattr(cls, "__post_init__", None)) else []
    decorators = getattr(cls, "__pydantic_decorators__", None)
    for group in ("validators", "field_validators", "root_validators", "model_validators"):
        found += list(getattr(decorators, group, None) or {})
    return found
