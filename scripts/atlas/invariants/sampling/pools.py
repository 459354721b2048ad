"""The values to try of each parameter: ordinary ones, ones at a boundary, and ones of a wrong type."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from atlas.invariants.model import FieldSpec, Json, Target
from atlas.invariants.predicate.conversion import outcome_of
from atlas.invariants.predicate.type_texts import parse_type
from atlas.invariants.sampling.conditions import JSON_TEXTS, Hints
from atlas.invariants.sampling.fragments import (
    Fragment,
    accepts,
    alternatives,
    bounds,
    examples,
    kinds,
    without_bounds,
)
from atlas.invariants.sampling.values import distinct, is_number, plain, without

OF_EVERY_TYPE: tuple[Json, ...] = (
    "abc", 5, None, True, 0.5, "5", [], {}, -1, 2.0,
    "", "1.5", [1], ["a"], {"a": 1}, False, 0, 1, "true", [None],
)  # fmt: skip
NONSENSE = "nonsense"
JSON_TEXT = parse_type("Json")
FEW, FEW_TEXTS = 24, 4
"""So many constants at most get neighbours of their own: more are a list of sizes or names."""
LONGEST = 64


@dataclass(frozen=True)
class Pool:
    """Values of one field, without repeats, the most ordinary first.

    `valid`: of its type and within its bounds. `boundary`: of its type, within or just outside of bounds and
    of what conditions compare it with. `wrong`: not of its type, which is `type`, bounds included.
    """

    valid: tuple[Json, ...]
    boundary: tuple[Json, ...]
    wrong: tuple[Json, ...]
    type: Fragment

    @property
    def every(self) -> tuple[Json, ...]:
        """All values, valid ones first."""
        return (*self.valid, *self.boundary, *self.wrong)


Pools: TypeAlias = Mapping[str, Pool]
"""By dotted name: parameters, and keys of those that are objects, where conditions read them."""


def pools(target: Target, hints: Mapping[str, Hints] | None = None) -> dict[str, Pool]:
    """The values to try of each parameter of a target that is not given, in the target's order."""
    hints = hints or {}
    specs = {spec.name: spec for spec in target.fields if spec.name not in target.given}
    found = {name: pool(spec.type, hints.get(name, Hints()), _default(spec)) for name, spec in specs.items()}
    for name in sorted(hints):
        parent = name.split(".")[0]
        if name not in found and parent in specs:
            found[name] = pool(member_type(target, name), hints[name])
    return found


def inner_pools(target: Target) -> dict[str, Pool]:
    """The values to try of each field of the objects that fields take, by its dotted name."""
    return {
        f"{name}.{one.name}": pool(one.type, Hints(), _default(one))
        for name, inner in target.inner.items()
        for one in inner
    }


def pool(fragment: Fragment, hints: Hints, default: tuple[Json, ...] = ()) -> Pool:
    """The values to try of a type, of what it is compared with, and of its default."""
    free = without_bounds(fragment)
    valid = distinct([*default, *examples(fragment)])
    near = [value for bound in bounds(fragment) for value in neighbours(bound)]
    tried = without(distinct([*near, *hinted(free, hints), *_objects(fragment)]), valid)
    boundary = tuple(value for value in tried if accepts(free, value))
    refused = [*(value for value in tried if not accepts(free, value)), *OF_EVERY_TYPE]
    wrong = tuple(value for value in distinct(refused) if not accepts(free, value))
    return Pool(valid, boundary, without(wrong, valid), fragment)


def narrowed(found: Pools, keep: Callable[[str, Json], bool]) -> dict[str, Pool]:
    """Pools of the values to keep: those that are accepted when they stand alone, for instance."""
    kept = {}
    for name, one in found.items():
        parts = (one.valid, one.boundary, one.wrong)
        left = [tuple(value for value in part if keep(name, value)) for part in parts]
        kept[name] = Pool(left[0], left[1], left[2], one.type)
    return kept


def neighbours(value: Json) -> tuple[Json, ...]:
    """A value and those next to it, on both sides."""
    if isinstance(value, int) and is_number(value):
        return (value, value + 1, value - 1, value + 0.5, value - 0.5)
    if isinstance(value, float):
        whole = (int(value),) if value.is_integer() else ()
        small = (value / 2, value * 1.5) if abs(value) < 1 else ()
        return tuple(plain([value, *small, value + 0.5, value - 0.5, *whole]))
    if isinstance(value, str) and value:
        return (value, value + "x", value[:-1], value.swapcase())
    return (value,)


def hinted(fragment: Fragment, hints: Hints) -> tuple[Json, ...]:
    """What conditions suggest for a value of a type."""
    numbers = [one for one in hints.values if not isinstance(one, str)][:FEW]
    texts = [one for one in hints.values if isinstance(one, str)][:FEW_TEXTS]
    close = [value for one in (*numbers, *texts) for value in neighbours(one)]
    nonsense = [NONSENSE] if texts else []
    sized = _sized(fragment, hints.lengths)
    return distinct([*hints.values, *close, *nonsense, *sized, *_listed(fragment, hints)])


def _sized(fragment: Fragment, lengths: Iterable[int]) -> list[Json]:
    """Lists, texts and objects of given lengths, one shorter and one longer, where they are of the type."""
    sizes = distinct(size for n in lengths for size in (n, n + 1, n - 1) if 0 <= size <= LONGEST)
    item = next(iter(_item_examples(fragment)), "a")
    made = [([item] * size, "a" * size, {f"k{i}": item for i in range(size)}) for size in sizes]
    return [one for row in made for one in row if accepts(fragment, one)]


def _listed(fragment: Fragment, hints: Hints) -> list[Json]:
    """Lists and objects with an item that conditions speak of: alone, and beside an ordinary one."""
    close = distinct(value for one in hints.items[:FEW] for value in neighbours(one))
    usual = _item_examples(fragment)[:1]
    lists = [row for one in close for row in ([one], [*usual, one])]
    return [*lists, *({one: value} for one in close if isinstance(one, str) for value in (usual or (1,)))]


def _item_examples(fragment: Fragment) -> tuple[Json, ...]:
    members = [one.get("items", one.get("additionalProperties")) for one in alternatives(fragment)]
    return next((examples(one) for one in members if isinstance(one, Mapping)), ())


def _objects(fragment: Fragment) -> list[Json]:
    """An object of a class of the engine's with a key that it is not likely to know."""
    return [{"a": 1}] if any(_is_class(one) for one in alternatives(fragment)) else []


def _is_class(fragment: Fragment) -> bool:
    return "object" in kinds(fragment) and "x-python-type" in fragment


def _default(spec: FieldSpec) -> tuple[Json, ...]:
    """The default, and where it is a text that is JSON, others of the kind."""
    if not spec.has_default:
        return ()
    value = plain(spec.default)
    said = outcome_of(JSON_TEXT, value).value
    return (value, *JSON_TEXTS) if isinstance(said, list | dict) else (value,)


def member_type(target: Target, name: str) -> Fragment:
    """The type of a key of an object that a field takes, by its dotted name."""
    parent, _, key = name.partition(".")
    inner = next((one for one in target.inner.get(parent, ()) if one.name == key), None)
    if inner is not None:
        return inner.type
    spec = next((one for one in target.fields if one.name == parent), None)
    return _member(spec.type) if spec is not None else {}


def _member(fragment: Fragment) -> Fragment:
    """The type of a key's value, where all keys are of one."""
    found = [one["additionalProperties"] for one in alternatives(fragment) if "additionalProperties" in one]
    return found[0] if len(found) == 1 and isinstance(found[0], Mapping) else {}
