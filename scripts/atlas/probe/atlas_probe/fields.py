"""The facts of one field, in the form that all kinds of classes share."""

from __future__ import annotations

import importlib
import sys
from typing import Any

from .hints import NOT_ANNOTATED, Hint
from .lines import file_of, line_of
from .metadata import description_of
from .names import qualname
from .probe import Probe


def field_fact(
    probe: Probe, name: str, owner: Any, default: dict[str, Any], hint: Hint | None, **more: Any
) -> dict[str, Any]:
    """A field with what is known of every field, and `more` of it where that is not None."""
    fact: dict[str, Any] = {
        "name": name,
        "owner": qualname(owner),
        "type": hint.type if hint else None,
        "annotation": hint.annotation if hint else None,
        "default": default,
        "description": description_of(hint.metadata) if hint else None,
        "constraints": hint.constraints if hint else {},
        "deprecated": None,
        "aliases": [],
        "env": None,
        "init": True,
        "private": name.startswith("_"),
        "via": "field",
        "joins": None,
        "file": file_of(probe, owner),
        "line": line_of(probe, owner, f"{owner.__qualname__}.{name}"),
    }
    fact.update({key: value for key, value in more.items() if value is not None})
    return fact


def declared(probe: Probe, cls: Any, name: str, otherwise: Any = NOT_ANNOTATED) -> tuple[Any, Hint]:
    """The class that declares a field of `cls`, and the type it has there; `otherwise` if not annotated."""
    owner = owner_of(cls, name)
    raw = own_annotations(owner).get(name, otherwise)
    return owner, Hint(probe, raw, owner, f"{qualname(cls)}.{name}")


def owner_of(cls: Any, name: str) -> Any:
    """The nearest class that annotates a field; the class itself where none does (made by code)."""
    return next((base for base in cls.__mro__ if name in own_annotations(base)), cls)


def own_annotations(cls: Any) -> dict[str, Any]:
    """The annotations in a class's own body."""
    if sys.version_info >= (3, 14):
        lazy = importlib.import_module("annotationlib")
        return dict(lazy.get_annotations(cls, format=lazy.Format.FORWARDREF))
    return dict(vars(cls).get("__annotations__") or {})
