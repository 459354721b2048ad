"""Going on after several ways through a block."""

from __future__ import annotations

from atlas.invariants.predicate import TRUE
from atlas.invariants.static.measure import capped
from atlas.invariants.static.state import State, joined
from atlas.invariants.static.terms import or_


def settle(state: State, ends: list[State], escaped: bool) -> bool:
    """Go on from the ends of several ways that exclude each other; all were forked from `state`.

    `escaped`: there were other ways, which leave by `return` or into a handler.
    """
    if not ends:
        return False
    conditions = [end.since(state.path) for end in ends]
    merged = joined(state, list(zip(conditions, ends, strict=True)))
    state.names, state.heap = merged.names, merged.heap
    suffix = capped(or_(*conditions)) if escaped else TRUE
    if suffix != TRUE:
        state.path = (*state.path, suffix)
    return True
