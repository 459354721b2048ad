"""What the metadata of an annotation says: bounds, openness, documentation.

It is read by the attribute names that libraries have in common, so none has to be imported.
"""

from __future__ import annotations

import inspect
from typing import Any

CONSTRAINTS = {
    "ge": "minimum",
    "gt": "exclusiveMinimum",
    "le": "maximum",
    "lt": "exclusiveMaximum",
    "multiple_of": "multipleOf",
    "min_length": "minLength",
    "max_length": "maxLength",
    "pattern": "pattern",
}
ITEM_BOUNDS = {"minLength": "minItems", "maxLength": "maxItems"}
CONTAINERS = ("list", "set", "frozenset", "tuple", "dict")
# Markers under which a value of another type than the annotated one is accepted as it is.
OPEN_MARKERS = {"SkipValidation", "PlainValidator"}


def constraints_of(metadata: Any, base: dict[str, Any]) -> tuple[dict[str, Any], bool]:
    """The bounds that are put on type `base`, and whether values of other types are accepted too."""
    found: dict[str, Any] = {}
    is_open = False
    for item in metadata or ():
        is_open = is_open or _name_of_marker(item) in OPEN_MARKERS
        for attribute, key in CONSTRAINTS.items():
            value = _attribute(item, attribute)
            value = getattr(value, "pattern", value)
            if isinstance(value, (int, float, str)) and not isinstance(value, bool) and value == value:
                found[key] = value
        nested, also_open = constraints_of(_attribute(item, "metadata"), base)
        found.update(nested)
        is_open = is_open or also_open
    sized = any(one["k"] in CONTAINERS for one in base.get("of", [base]))
    return {ITEM_BOUNDS.get(key, key) if sized else key: value for key, value in found.items()}, is_open


def description_of(metadata: Any) -> str | None:
    """Documentation: plain text, Doc, Meta, or an argument's help."""
    for item in metadata or ():
        if isinstance(item, str):
            return inspect.cleandoc(item) or None
        for name in ("documentation", "description", "help", "doc"):
            value = _attribute(item, name)
            if isinstance(value, str) and value.strip():
                return inspect.cleandoc(value)
    return None


def _name_of_marker(item: Any) -> str:
    return item.__name__ if isinstance(item, type) else type(item).__name__


def _attribute(item: Any, name: str) -> Any:
    """An attribute of annotation metadata; none of a plain text, whose methods are no metadata."""
    if isinstance(item, (str, bytes, int, float, type)):
        return None
    value = getattr(item, name, None)
    if name == "metadata":
        return value if isinstance(value, (list, tuple)) else None
    return value
