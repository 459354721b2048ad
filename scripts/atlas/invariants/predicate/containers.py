"""Lists, objects and sets: what is in them, and making them."""

from __future__ import annotations

from collections.abc import Collection

from atlas.invariants.predicate.errors import Unknown
from atlas.invariants.predicate.expr import Json
from atlas.invariants.predicate.limits import MAX_ITEMS
from atlas.invariants.predicate.missing import known


def items_of(container: Json) -> Collection[Json]:
    """What a loop over the value goes through."""
    if not isinstance(container, str | list | tuple | dict | frozenset):
        raise TypeError("not iterable")
    if len(container) > MAX_ITEMS:
        raise Unknown
    return sorted(container, key=repr) if isinstance(container, frozenset) else container


def ordered_items(container: Json) -> Collection[Json]:
    """The same, where the order counts: a set of the engine's has none."""
    if isinstance(container, frozenset):
        raise Unknown
    return items_of(container)


def unique(container: Json) -> list[Json]:
    """Each item once, in the order in which they come first."""
    return list(dict.fromkeys(map(known, ordered_items(container))))


def part_of(container: Json, start: Json, end: Json) -> Json:
    """`container[start:end]`"""
    return known(container)[known(start) : known(end)]


def joined(between: Json, items: Json) -> str:
    """`between.join(items)`"""
    text = known(between)
    if not isinstance(text, str):
        raise AttributeError("join")
    every: list[str] = list(ordered_items(items))
    if len(text) * len(every) + sum(len(one) for one in every if isinstance(one, str)) > MAX_ITEMS:
        raise Unknown
    return text.join(every)


def count_of(container: Json, item: Json) -> int:
    """How often a text or a list has something."""
    if not isinstance(known(container), str | list):
        raise AttributeError("count")
    return int(container.count(known(item)))


def keys_of(container: Json) -> list[Json]:
    return list(container.keys())


def values_of(container: Json) -> list[Json]:
    return list(container.values())


def as_list(*items: Json) -> list[Json]:
    return list(map(known, items))


def as_set(*items: Json) -> frozenset[Json]:
    return frozenset(map(known, items))


def as_dict(*parts: Json) -> dict[Json, Json]:
    return dict(zip(map(known, parts[::2]), map(known, parts[1::2]), strict=True))
