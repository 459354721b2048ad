"""What changed of a type: told in the kinds that a reader thinks in, by comparing sets of JSON values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from atlas.diff.fragments import (
    LOWER,
    UPPER,
    Part,
    accepts,
    is_null,
    is_opaque,
    json_kind,
    parts,
    without_null,
)
from atlas.diff.subset import Answer, highest, lowest, subset
from atlas.schema.compare import same_value

Json: TypeAlias = Any
Found: TypeAlias = tuple[str, dict[str, Json]]
"""A kind and its detail."""

LIMITS = ("minimum", "maximum", "multipleOf", "minLength", "maxLength", "minItems", "maxItems", "pattern")
BOUNDS = (*LOWER, *UPPER, *LIMITS)


def type_changes(old: Mapping[str, Json], new: Mapping[str, Json]) -> list[Found]:
    """The kinds between two `type` aspects; `type_rewritten` where the values are the same."""
    found: list[Found] = []
    if not all(answer.yes for answer in _both(old["type"], new["type"])):
        one, other = without_null(old["type"]), without_null(new["type"])
        found += _null(old["type"], new["type"])
        found += list(_listed(old, new)) or list(_bounds(one, other)) or list(_sets(one, other))
    if not found and not _same_classes(old["type"], new["type"]):
        found.append(("class_changed", {"from": _classes(old["type"]), "to": _classes(new["type"])}))
    found += _named(old, new)
    return found or [("type_rewritten", {})]


def undecided(old: Mapping[str, Json], new: Mapping[str, Json]) -> str:
    """Why the two types cannot be compared; empty where they can."""
    if "x-unknown" in old["type"] or "x-unknown" in new["type"]:
        return "the type could not be read in both versions"
    if list(_bounds(without_null(old["type"]), without_null(new["type"]))):
        return ""
    answers = subset(old["type"], new["type"]), subset(new["type"], old["type"])
    if any(answer.yes is None for answer in answers):
        if is_opaque(old["type"]) or is_opaque(new["type"]):
            return "a class that JSON cannot write: which values it takes is not known"
        return "neither proven nor refuted that the one takes all that the other takes"
    return ""


def _null(old: Json, new: Json) -> Iterator[Found]:
    before, after = (any(map(is_null, parts(one))) or _any(one) for one in (old, new))
    if before != after:
        yield (
            ("nullable_gained" if after else "nullable_lost"),
            ({"added": [None]} if after else {"removed": [None]}),
        )


def _any(fragment: Json) -> bool:
    return any(part.kind == "any" for part in parts(fragment))


def _listed(old: Mapping[str, Json], new: Mapping[str, Json]) -> Iterator[Found]:
    """Changes between two closed lists of values, or a list and a type of their kind."""
    one, other = _closed(old["type"]), _closed(new["type"])
    if one is None and other is None:
        return
    if one is not None and other is not None:
        rest = _rest(old["type"]), _rest(new["type"])
        if not all(answer.yes for answer in _both(*rest)):
            return
        gone = [value for value in one if accepts(new["type"], value) is False]
        come = [value for value in other if accepts(old["type"], value) is False]
        if gone:
            yield "enum_value_removed", {"removed": gone}
        if come:
            yield "enum_value_added", {"added": come}
        return
    listed, opened = (one, new["type"]) if one is not None else (other, old["type"])
    assert listed is not None
    kinds = {json_kind(value) for value in listed}
    open_kinds = {part.kind for part in parts(opened)} - {"null"}
    if kinds <= open_kinds and all(accepts(opened, value) for value in listed):
        yield "enum_opened" if one is not None else "enum_closed", {"values": listed}


def _closed(fragment: Json) -> list[Json] | None:
    """The listed values, where there are some."""
    values = [part.value for part in parts(fragment) if part.kind == "value" and part.value is not None]
    return values or None


def _rest(fragment: Json) -> Json:
    """The type less its listed values and null."""
    from atlas.diff.fragments import as_fragment

    kept = [as_fragment(part) for part in parts(fragment) if part.kind != "value" and not is_null(part)]
    return {"anyOf": kept} if kept else {"not": {}}


def _both(one: Json, other: Json) -> tuple[Answer, Answer]:
    return subset(one, other), subset(other, one)


def _bounds(one: Json, other: Json) -> Iterator[Found]:
    """Changes of limits, where nothing else changed."""
    before, after = _limits(one), _limits(other)
    if before == after or not all(answer.yes for answer in _both(_unlimited(one), _unlimited(other))):
        return
    for key in (name for name in LIMITS if name in before or name in after):
        was, becomes = before.get(key), after.get(key)
        if was != becomes:
            yield _bound_kind(key, was, becomes), {"limit": key, "from": _text(was), "to": _text(becomes)}


def _text(limit: Json) -> Json:
    """A limit as it is shown: `> 0` where the limit itself is not allowed."""
    if not isinstance(limit, tuple):
        return limit
    value, strict = limit
    return f"not {value}" if strict else value


def _bound_kind(key: str, was: Json, becomes: Json) -> str:
    if was is None:
        return "constraint_added"
    if becomes is None:
        return "constraint_removed"
    if key in ("minimum", "minLength", "minItems"):
        return "constraint_relaxed" if becomes < was else "constraint_tightened"
    if key in ("maximum", "maxLength", "maxItems"):
        return "constraint_relaxed" if _upper(becomes) > _upper(was) else "constraint_tightened"
    return "constraint_changed"


def _upper(limit: Json) -> Json:
    """Ordered: of two limits with one number, the strict one is the lower."""
    return (limit[0], not limit[1]) if isinstance(limit, tuple) else limit


def _limits(fragment: Json) -> dict[str, Json]:
    """The limits, where all limited alternatives have the same; a bound with whether it is strict."""
    every = [_limits_of(part) for part in parts(fragment) if part.kind not in ("value", "any", "opaque")]
    limited = [one for one in every if one]
    return limited[0] if limited and all(one == limited[0] for one in limited) else {}


def _limits_of(part: Part) -> dict[str, Json]:
    found: dict[str, Json] = {key: part.fragment[key] for key in LIMITS[2:] if key in part.fragment}
    low, high = lowest(part), highest(part)
    if low[0] != float("-inf"):
        found["minimum"] = low
    if high[0] != float("inf"):
        found["maximum"] = (high[0], not high[1])
    return found


def _unlimited(fragment: Json) -> Json:
    if isinstance(fragment, Mapping):
        return {
            key: [_unlimited(one) for one in value] if key == "anyOf" else value
            for key, value in fragment.items()
            if key not in BOUNDS
        }
    return fragment


def _sets(one: Json, other: Json) -> Iterator[Found]:
    """The types as sets of values."""
    into, back = _both(one, other)
    if into.yes and back.yes:
        return
    if into.yes:
        yield "type_widened", {"only_new_takes": back.value}
    elif back.yes:
        yield "type_narrowed", {"only_old_takes": into.value}
    else:
        yield "type_changed", {"only_old_takes": into.value, "only_new_takes": back.value}


def _named(old: Mapping[str, Json], new: Mapping[str, Json]) -> Iterator[Found]:
    """Values that are named and not enforced."""
    if not (old.get("open") and new.get("open")):
        return
    before, after = old.get("enum", ()), new.get("enum", ())
    gone = [value for value in before if not any(same_value(value, one) for one in after)]
    come = [value for value in after if not any(same_value(value, one) for one in before)]
    if gone:
        yield "named_value_removed", {"removed": gone}
    if come:
        yield "named_value_added", {"added": come}


def _classes(fragment: Json) -> list[str]:
    found = {
        part.fragment.get("x-python-type") for part in parts(fragment) if isinstance(part.fragment, dict)
    }
    return sorted(name for name in found if name)


def _same_classes(one: Json, other: Json) -> bool:
    return {name.rpartition(".")[2] for name in _classes(one)} == {
        name.rpartition(".")[2] for name in _classes(other)
    }
