"""Does one type take every value that another takes? Proven, refuted by a value, or not known.

Both answers are proofs: `yes` part by part, `no` by a value that one takes and the other does not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from atlas.diff.fragments import LOWER, SIZES, UPPER, Fragment, Json, Part, accepts, as_fragment, parts, takes
from atlas.schema.compare import same_value

MOST_SAMPLES = 60


@dataclass(frozen=True)
class Answer:
    """`yes` is None where neither is proven. `value` is in the one and not in the other, where it is no."""

    yes: bool | None
    value: Json = None


def subset(inner: Json, outer: Json) -> Answer:
    """Whether every value of `inner` is one of `outer`."""
    unproven = [part for part in parts(inner) if not _covered(part, outer)]
    for part in unproven:
        for value in samples(part, outer):
            if takes(part, value) is True and accepts(outer, value) is False:
                return Answer(False, value)
    return Answer(None if unproven else True)


def _covered(part: Part, outer: Json) -> bool:
    if part.kind == "value":
        return accepts(outer, part.value) is True
    if part.kind == "boolean":
        return all(accepts(outer, value) is True for value in (True, False))
    return any(_covers(other, part) for other in parts(outer))


def _covers(other: Part, part: Part) -> bool:
    """Whether one alternative of the outer type takes all of an alternative of the inner one."""
    if other.kind == "any":
        return True
    if part.kind == "opaque" or other.kind == "opaque":
        return part.kind == other.kind and part.value != "?" and _short(part.value) == _short(other.value)
    if part.kind != other.kind and (other.kind, part.kind) != ("number", "integer"):
        return False
    one, two = part.fragment, other.fragment
    if part.kind in ("integer", "number"):
        return _bounds_inside(part, other) and _step_inside(one, two)
    if part.kind in SIZES and not _sizes_inside(one, two, part.kind):
        return False
    if part.kind == "string":
        return "pattern" not in two or one.get("pattern") == two["pattern"]
    if part.kind == "array":
        return _items_inside(one, two)
    if part.kind == "object":
        return all(
            subset(one.get(key, True), two.get(key, True)).yes is True
            for key in ("additionalProperties", "propertyNames")
        )
    return True


def _short(name: str) -> str:
    return name.rpartition(".")[2]


def lowest(part: Part) -> tuple[float, bool]:
    """The lower bound, and whether it is excluded itself: of two, the greater is the tighter."""
    found = [(part.fragment[key], strict) for key, strict in LOWER.items() if key in part.fragment]
    value, strict = max(found, default=(float("-inf"), False))
    whole = part.kind == "integer" and strict and float(value).is_integer()
    return (int(value) + 1, False) if whole else (value, strict)


def highest(part: Part) -> tuple[float, bool]:
    """The upper bound, and whether it is *included*: of two, the lesser is the tighter."""
    found = [(part.fragment[key], not strict) for key, strict in UPPER.items() if key in part.fragment]
    value, included = min(found, default=(float("inf"), True))
    whole = part.kind == "integer" and not included and float(value).is_integer()
    return (int(value) - 1, True) if whole else (value, included)


def _bounds_inside(part: Part, other: Part) -> bool:
    """A number's bounds hold for integers too, as they are."""
    other = Part(part.kind, other.fragment)
    return lowest(part) >= lowest(other) and highest(part) <= highest(other)


def _step_inside(one: Fragment, two: Fragment) -> bool:
    wanted, step = two.get("multipleOf"), one.get("multipleOf")
    return wanted is None or (step is not None and step % wanted == 0)


def _sizes_inside(one: Fragment, two: Fragment, kind: str) -> bool:
    lower, upper = SIZES[kind]
    most = float("inf")
    return bool(one.get(lower, 0) >= two.get(lower, 0) and one.get(upper, most) <= two.get(upper, most))


def _items_inside(one: Fragment, two: Fragment) -> bool:
    mine, its = one.get("prefixItems", ()), two.get("prefixItems", ())
    if len(mine) != len(its):
        return not its and all(
            subset(item, two.get("items", True)).yes for item in (*mine, one.get("items", True))
        )
    pairs = [*zip(mine, its, strict=True), (one.get("items", True), two.get("items", True))]
    return all(subset(left, right).yes is True for left, right in pairs)


def samples(part: Part, other: Json) -> list[Json]:
    """Values of one alternative, those first that a limit or a listed value of another type may exclude."""
    return list(_distinct(_samples(part, other, 2)))[:MOST_SAMPLES]


def _distinct(values: Iterator[Json]) -> Iterator[Json]:
    seen: list[Json] = []
    for value in values:
        if not any(same_value(value, one) and type(value) is type(one) for one in seen):
            seen.append(value)
            yield value


def _samples(part: Part, other: Json, depth: int) -> Iterator[Json]:
    fragment = part.fragment
    listed = fragment.get("examples", ()) if isinstance(fragment, dict) else ()
    if part.kind == "value":
        yield part.value
    elif part.kind == "any":
        yield from (
            None,
            True,
            False,
            0,
            1,
            -1,
            0.5,
            "",
            "a",
            [],
            {},
            [1],
            {"a": 1},
            "other",
            10**9,
            -(10**9),
        )
    elif part.kind == "null":
        yield None
    elif part.kind == "boolean":
        yield from (True, False)
    elif part.kind in ("integer", "number"):
        yield from _numbers(part.kind, fragment, other)
    elif part.kind == "string":
        yield from listed
        yield from ("other", "", "a", "0", "no-such-value")
        yield from ("x" * size for size in _sizes(fragment, other))
    elif part.kind == "array" and depth:
        yield from _arrays(fragment, other, depth)
    elif part.kind == "object" and depth:
        yield {}
        for value in _inside(
            fragment.get("additionalProperties", True), other, "additionalProperties", depth
        ):
            yield {"a": value}
            yield {"1": value}


def _sizes(fragment: Fragment, other: Json) -> Iterator[int]:
    """Lengths of texts around the limits of either type."""
    kinds = (fragment, *_of_kind(other, "string"))
    limits: set[int] = {one[key] for one in kinds for key in SIZES["string"] if key in one}
    yield from (min(max(limit + by, 0), 5_000) for limit in sorted(limits) for by in (-1, 0, 1))


def _numbers(kind: str, fragment: Fragment, other: Json) -> Iterator[Json]:
    bounds = [
        one[key]
        for one in (fragment, *_of_kind(other, "integer"), *_of_kind(other, "number"))
        for key in (*LOWER, *UPPER, "multipleOf")
        if key in one
    ]
    near = [bound + by for bound in bounds for by in (0, 1, -1)]
    steps = [bound + by for bound in bounds for by in (0.5, -0.5, 1e-6, -1e-6)]
    if kind == "integer":
        whole = [int(value) for value in near if float(value).is_integer()]
        yield from (*whole, *(int(value) for value in steps), 1, 0, -1, 2, 10**9, -(10**9))
    else:
        yield from (*near, 0.5, *steps, 1.5, 0, -0.5, -1, 1e9, -1e9)


def _arrays(fragment: Fragment, other: Json, depth: int) -> Iterator[Json]:
    prefix = [next(_inside(one, {}, "", depth), None) for one in fragment.get("prefixItems", ())]
    if prefix:
        yield prefix
        return
    least = fragment.get("minItems", 0)
    yield []
    for value in _inside(fragment.get("items", True), other, "items", depth):
        yield [value] * max(1, least)
        yield [value] * (max(1, least) + 1)


def _inside(item: Json, other: Json, key: str, depth: int) -> Iterator[Json]:
    """Values of the items of a container, with the items of the other type's containers in view."""
    kind = "array" if key == "items" else "object"
    inner = [one[key] for one in _of_kind(other, kind) if isinstance(one.get(key), dict)]
    for part in parts(item):
        yield from _samples(part, {"anyOf": inner} if inner else {}, depth - 1)


def _of_kind(fragment: Json, kind: str) -> list[Fragment]:
    return [as_fragment(part) for part in parts(fragment) if part.kind == kind]
