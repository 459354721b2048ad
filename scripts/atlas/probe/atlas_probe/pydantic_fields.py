"""Fields of pydantic models, and what a FieldInfo of pydantic says of any field."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from typing import Any

from .defaults import default_of, factory_of, without_value
from .fields import declared, field_fact
from .hints import Hint
from .metadata import CONSTRAINTS, ITEM_BOUNDS
from .names import qualname
from .probe import Probe
from .values import safe_repr

JSON_SCHEMA_KEYS = (*CONSTRAINTS.values(), *ITEM_BOUNDS.values())


def pydantic_fields(probe: Probe, cls: Any) -> Iterator[dict[str, Any]]:
    fields = getattr(cls, "__pydantic_fields__", None) or cls.model_fields
    for name, info in fields.items():
        owner, hint = declared(probe, cls, name, info.annotation)
        default = info_default(probe, info, hint.subject)
        yield field_fact(probe, name, owner, default, hint, **info_extras(hint, info))
    for name, private in (getattr(cls, "__private_attributes__", None) or {}).items():
        owner, hint = declared(probe, cls, name)
        default = info_default(probe, private, hint.subject)
        if default["kind"] == "required":
            default = without_value("computed")
        yield field_fact(probe, name, owner, default, hint, init=False)


def is_info(value: Any) -> bool:
    """Whether a dataclass's default is pydantic's description of the field."""
    return type(value).__name__ == "FieldInfo"


def is_set(info: Any) -> bool:
    return info.default_factory is not None or not _is_undefined(info.default)


def info_default(probe: Probe, info: Any, subject: str) -> dict[str, Any]:
    if info.default_factory is not None:
        if getattr(info, "default_factory_takes_validated_data", False):
            return without_value("computed", safe_repr(probe, info.default_factory))
        return factory_of(probe, info.default_factory, subject)
    if _is_undefined(info.default):
        return without_value("required")
    return default_of(probe, info.default)


def info_extras(hint: Hint, info: Any) -> dict[str, Any]:
    """What a FieldInfo adds to a field: bounds (put into `hint`), description, aliases, deprecation."""
    hint.add_metadata(getattr(info, "metadata", ()))
    aliases: list[str] = []
    for alias in (getattr(info, "alias", None), getattr(info, "validation_alias", None)):
        for one in getattr(alias, "choices", None) or [alias]:
            if isinstance(one, str) and one not in aliases:
                aliases.append(one)
    more: dict[str, Any] = {"aliases": aliases, "deprecated": _deprecated(getattr(info, "deprecated", None))}
    description = getattr(info, "description", None)
    if isinstance(description, str) and description.strip():
        more["description"] = inspect.cleandoc(description)
    return more


def add_json_schema(probe: Probe, cls: Any, fields: list[dict[str, Any]]) -> None:
    """Bounds that only pydantic's own JSON Schema shows (constraints inside its core schema)."""
    properties = probe.attempt("json_schema_failed", qualname(cls), _properties, cls) or {}
    for fact in fields:
        found = properties.get(fact["name"], {})
        branches = [branch for branch in found.get("anyOf", [found]) if branch.get("type") != "null"]
        if len(branches) == 1:
            for key in JSON_SCHEMA_KEYS:
                if key in branches[0]:
                    fact["constraints"].setdefault(key, branches[0][key])


def _properties(cls: Any) -> dict[str, Any]:
    """The fields in pydantic's JSON Schema of a class."""
    generator: Any = importlib.import_module("pydantic.json_schema").GenerateJsonSchema

    class Lenient(generator):  # type: ignore[misc]
        """A type without a JSON form leaves the rest of the class readable."""

        def handle_invalid_for_json_schema(self, *_: Any) -> dict[str, Any]:
            return {}

        def emit_warning(self, kind: Any, detail: str) -> None:
            """Defaults without a JSON form are read elsewhere."""

    adapter = importlib.import_module("pydantic").TypeAdapter(cls)
    properties: dict[str, Any] = adapter.json_schema(schema_generator=Lenient).get("properties", {})
    return properties


def _is_undefined(value: Any) -> bool:
    return type(value).__name__ == "PydanticUndefinedType" or value is Ellipsis


def _deprecated(marker: Any) -> dict[str, Any] | None:
    if not marker:
        return None
    message = marker if isinstance(marker, str) else getattr(marker, "message", None)
    return {"since": None, "message": message, "replacement": None}
