"""The state of a symbolic execution: variables, the heap, and the condition under which control is here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count

from atlas.invariants.predicate import TRUE, Each, Expr
from atlas.invariants.static.measure import capped, mentions
from atlas.invariants.static.objects import Instance, Item, Object, Sequence, Table
from atlas.invariants.static.terms import and_, if_, not_, or_
from atlas.invariants.static.values import Absent, Ref, Value, merge


@dataclass(frozen=True)
class Over:
    """On a path: from here on for some item `var` of `over`."""

    var: str
    over: Expr


Path = tuple[Expr | Over, ...]


def condition_of(path: Path) -> Expr:
    """A path as one condition; what follows an `Over` holds for some item."""
    inner: list[Expr] = []
    for step in reversed(path):
        if isinstance(step, Over):
            body = and_(*inner)
            bound = [Each("any", step.var, step.over, body)] if mentions(body, step.var) else [body]
            inner = [one for one in bound if one != TRUE]
        else:
            inner.insert(0, step)
    return and_(*inner)


class State:
    """Changed in place by statements; `fork` copies it for a branch."""

    def __init__(
        self, names: dict[str, Value], heap: dict[int, Object], path: Path, fresh: Iterator[int] | None = None
    ) -> None:
        self.names = names
        self.heap = heap
        self.path = path
        self._fresh = fresh if fresh is not None else count(1)
        self.remembered: tuple[Path, object] | None = None
        """What was made of a path, kept as long as it is the same."""

    def fork(self, *conditions: Expr | Over) -> State:
        added = tuple(one for one in conditions if one != TRUE)
        return State(dict(self.names), dict(self.heap), (*self.path, *added), self._fresh)

    def callee(self, names: dict[str, Value]) -> State:
        """The state in a function that is called here: other variables, the same heap."""
        return State(names, self.heap, self.path, self._fresh)

    def new(self, thing: Object) -> Ref:
        at = next(self._fresh)
        self.heap[at] = thing
        return Ref(at)

    def fresh(self) -> int:
        return next(self._fresh)

    def object(self, value: Value) -> Object | None:
        return self.heap.get(value.at) if isinstance(value, Ref) else None

    def since(self, base: Path) -> Expr:
        """The condition that was added to the path since `base`."""
        return condition_of(self.path[len(base) :])

    def put(self, ref: Ref, name: str, value: Value) -> None:
        """Set an attribute of an instance."""
        thing = self.heap[ref.at]
        assert isinstance(thing, Instance)
        self.heap[ref.at] = replace(thing, attrs={**thing.attrs, name: value})

    def become(self, other: State) -> None:
        self.names, self.heap, self.path = other.names, other.heap, other.path

    def join(self, condition: Expr, then: State, other: State) -> None:
        """After a branch: `then` where the condition holds, else `other`; both came from here."""
        self.names = _merged_names(condition, then.names, other.names)
        self.heap = _merged_heap(condition, then.heap, other.heap)
        left, right = then.since(self.path), other.since(self.path)
        if left != condition or right != not_(condition):
            self.path = (*self.path, capped(or_(left, right)))


def joined(base: State, ends: list[tuple[Expr, State]]) -> State:
    """The state after several ways that exclude each other; what is left at the end covers the rest."""
    names, heap = ends[-1][1].names, ends[-1][1].heap
    for condition, state in reversed(ends[:-1]):
        names = _merged_names(condition, state.names, names)
        heap = _merged_heap(condition, state.heap, heap)
    return State(names, heap, base.path, base._fresh)


def _merged_names(condition: Expr, then: dict[str, Value], other: dict[str, Value]) -> dict[str, Value]:
    if then is other:
        return then
    return {
        name: merge(condition, then.get(name, Absent()), other.get(name, Absent()))
        for name in {**other, **then}
    }


def _merged_heap(condition: Expr, then: dict[int, Object], other: dict[int, Object]) -> dict[int, Object]:
    if then == other:
        return other
    out = {**other, **then}
    for at, thing in then.items():
        before = other.get(at)
        if before is not None and before is not thing:
            out[at] = _merged_object(condition, thing, before)
    return out


def _merged_object(condition: Expr, then: Object, other: Object) -> Object:
    if isinstance(then, Instance) and isinstance(other, Instance):
        return _merged_instance(condition, then, other)
    if isinstance(then, Sequence) and isinstance(other, Sequence):
        return _merged_sequence(condition, then, other)
    if isinstance(then, Table) and isinstance(other, Table):
        return _merged_table(condition, then, other)
    return other


def _merged_instance(condition: Expr, then: Instance, other: Instance) -> Instance:
    attrs = _merged_names(condition, dict(then.attrs), dict(other.attrs))
    is_open = if_(condition, then.is_open, other.is_open)
    return replace(other, attrs=attrs, is_open=is_open)


def _merged_sequence(condition: Expr, then: Sequence, other: Sequence) -> Sequence:
    """What both start with, then what either goes on with, each under its condition."""
    shared = 0
    while shared < min(len(then.items), len(other.items)) and then.items[shared] == other.items[shared]:
        shared += 1
    rest = [
        *(Item(item.value, and_(condition, item.when)) for item in then.items[shared:]),
        *(Item(item.value, and_(not_(condition), item.when)) for item in other.items[shared:]),
    ]
    return replace(other, items=(*then.items[:shared], *rest), unknown=then.unknown or other.unknown)


def _merged_table(condition: Expr, then: Table, other: Table) -> Table:
    items = {}
    for key in {**other.items, **then.items}:
        left, right = then.items.get(key), other.items.get(key)
        if left is not None and right is not None:
            items[key] = Item(
                merge(condition, left.value, right.value), if_(condition, left.when, right.when)
            )
        elif left is not None:
            items[key] = Item(left.value, and_(condition, left.when))
        elif right is not None:
            items[key] = Item(right.value, and_(not_(condition), right.when))
    return replace(other, items=items, unknown=then.unknown or other.unknown)
