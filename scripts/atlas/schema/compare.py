"""Comparing one fact of a parameter as two lanes saw it: do both know it, do they agree, which counts.

`None` for `agrees` means there was nothing to compare. The rules of precedence:

| fact | both know it and differ | one knows less |
|---|---|---|
| type | live (computed after imports), listed | the one that says more (`Any` of a live lane: static) |
| default | live, listed | the one that has a value |
| bounds | live, listed | the one that has bounds |
| settable | live, listed | - |
| annotation, description, deprecation | static (the text as written) | the one that has it |
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from atlas.schema.facts import DefaultFact, DeprecationFact, FieldFact, Json, TypeExpr
from atlas.schema.type_questions import display, is_unknown, listed_values, plain, same_type, says_nothing

T = TypeVar("T")


@dataclass(frozen=True)
class Verdict(Generic[T]):
    """The fact that counts, whether the lanes agree, and what each said when they do not."""

    chosen: T
    agrees: bool | None = None
    static: Json = None
    live: Json = None


def same_value(one: Json, other: Json) -> bool:
    """Equal as JSON values: true is not 1, but 1 is 1.0."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same_value, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same_value(one[key], other[key]) for key in one)
    numbers = isinstance(one, int | float) and isinstance(other, int | float)
    return bool((numbers or type(one) is type(other)) and one == other)


def known_default(default: DefaultFact) -> bool:
    """Whether a lane says exactly what the default is (a factory counts with its value)."""
    return default.kind in ("value", "none", "required") or (
        default.kind == "factory" and default.value is not None
    )


def default_json(default: DefaultFact) -> dict[str, Json]:
    """A default as an artefact shows it in a disagreement."""
    shown: dict[str, Json] = {"kind": default.kind}
    if default.value is not None:
        shown["value"] = default.value
    elif default.text is not None and default.kind not in ("none", "required"):
        shown["text"] = default.text
    return shown


def compare_defaults(static: DefaultFact, live: DefaultFact) -> Verdict[DefaultFact]:
    """The live default where both lanes know it; one that is known before one that is not."""
    if not known_default(live):
        chosen = static if known_default(static) or live.kind == "unknown" else live
        return Verdict(chosen)
    merged = DefaultFact(live.kind, live.value, static.text or live.text)
    if not known_default(static):
        return Verdict(merged)
    required = static.kind == "required", live.kind == "required"
    agrees = required[0] == required[1] and same_value(static.value, live.value)
    if agrees:
        return Verdict(merged, True)
    return Verdict(live, False, default_json(static), default_json(live))


def compare_types(static: TypeExpr | None, live: TypeExpr | None) -> Verdict[TypeExpr | None]:
    """The written type where the lanes mean the same, else the live one.

    A live `Any` is a placeholder for what only type checkers import, and says nothing.
    """
    if static is None or live is None or is_unknown(static) or is_unknown(live):
        return Verdict(_more_known(static, live))
    if same_type(static, live):
        names_more = listed_values(live) is not None and listed_values(static) is None
        return Verdict(live if names_more else static, True)
    if says_nothing(live):
        return Verdict(static)
    return Verdict(live, False, display(static), display(live))


def _more_known(static: TypeExpr | None, live: TypeExpr | None) -> TypeExpr | None:
    for one in (live, static):
        if one is not None and not is_unknown(one):
            return one
    return static if static is not None else live


def compare_listed(static: TypeExpr | None, live: TypeExpr | None) -> bool | None:
    """Whether both lanes name the same closed values; None unless both know the type and one is closed."""
    if static is None or live is None or is_unknown(static) or is_unknown(live):
        return None
    one, other = listed_values(plain(static)), listed_values(plain(live))
    if not any(found and not found.open for found in (one, other)):
        return None
    return one is not None and other is not None and one.key() == other.key()


def compare_constraints(static: FieldFact, live: FieldFact) -> Verdict[Mapping[str, Json]]:
    """Bounds of both lanes; a lane that has none where the other inherited them by a join knows none."""
    one, other = bounds(static), bounds(live)
    if not one and not other:
        return Verdict({})
    if (not other and static.joins) or (not one and live.joins):
        return Verdict(one or other)
    agrees = one.keys() == other.keys() and all(same_value(one[key], other[key]) for key in one)
    if agrees:
        return Verdict(one, True)
    return Verdict(other or one, False, one, other)


def bounds(field: FieldFact) -> dict[str, Json]:
    """A field's bounds, wherever they are written: on the field, or on the one bounded part of its type."""
    inside = [part.get("constraints") for part in _members(field.type) if part["k"] == "annotated"]
    written = [dict(one) for one in inside if one]
    return {**(written[0] if len(written) == 1 else {}), **(field.constraints or {})}


def _members(type_: TypeExpr | None) -> list[TypeExpr]:
    if type_ is None:
        return []
    return [one for member in type_["of"] for one in _members(member)] if type_["k"] == "union" else [type_]


def compare_text(static: str | None, live: str | None) -> str | None:
    """The text as written, else what the live lane has."""
    return static if static and static.strip() else live


def one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def merge_deprecation(static: DeprecationFact | None, live: DeprecationFact | None) -> DeprecationFact | None:
    """Each part from the static lane where it has one."""
    if static is None or live is None:
        return static or live
    return DeprecationFact(
        static.since or live.since, static.message or live.message, static.replacement or live.replacement
    )
