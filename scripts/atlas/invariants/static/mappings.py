"""`function(**mapping)` where the mapping is the user's: which keys fit."""

from __future__ import annotations

import ast
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, TypeAlias

from atlas.invariants.predicate import FALSE, TRUE, Const, Each, Expr, Field, Op, Var
from atlas.invariants.static.iteration import variable
from atlas.invariants.static.names import present
from atlas.invariants.static.objects import Item, Table
from atlas.invariants.static.state import State
from atlas.invariants.static.terms import and_, not_, op, or_, type_in
from atlas.invariants.static.values import Choice, Value, merge, presence
from atlas.schema.static.values import Member

if TYPE_CHECKING:
    from atlas.invariants.static.machine import Machine

Items: TypeAlias = Mapping[str | int | float | bool | Member | None, Item]


def conditional(keywords: Mapping[str, Value]) -> dict[str | int | float | bool | Member | None, Item]:
    """Keyword arguments as the items of a dict; one that is only given sometimes has its condition."""
    return {name: Item(present(value), presence(value)) for name, value in keywords.items()}


def items_of(value: Value, state: State) -> Items | None:
    """The items of a dict, or of one of several; None where they are not known."""
    thing = state.object(value)
    if isinstance(thing, Table):
        return thing.items
    if isinstance(value, Const) and (value.value is None or isinstance(value.value, dict)):
        return {key: Item(Const(one)) for key, one in (value.value or {}).items()}
    if isinstance(value, Op) and value.name == "if":
        condition, sides = value.args[0], value.args[1:]
    elif isinstance(value, Choice):
        condition, sides = value.condition, (value.then, value.other)  # type: ignore[assignment]
    else:
        return None
    then, other = (items_of(one, state) for one in sides)
    if then is None or other is None:
        return None
    out = {key: Item(one.value, and_(not_(condition), one.when)) for key, one in other.items()}
    return updated(out, {key: Item(one.value, and_(condition, one.when)) for key, one in then.items()})


def updated(items: Items, more: Items) -> dict[str | int | float | bool | Member | None, Item]:
    """A dict's items after an update; what may be missing in the second one leaves what was there."""
    out = dict(items)
    for key, item in more.items():
        before = out.get(key)
        if before is None or item.when == TRUE:
            out[key] = item
        else:
            out[key] = Item(merge(item.when, item.value, before.value), or_(item.when, before.when))
    return out


def unpacked(
    m: Machine,
    rest: Value | None,
    names: Collection[str] | None,
    required: Collection[str],
    given: Collection[str],
    node: ast.AST,
    state: State,
) -> None:
    """A mapping of the user's becomes keyword arguments: unknown ones, some twice or too few of them fail.

    `names`: the parameters; None where any are taken. `given`: those that have a value from elsewhere.
    """
    if not isinstance(rest, Field):
        return
    fails: list[Expr] = [not_(type_in(rest, ("dict",)))]
    if names is not None:
        var = variable("key", state)
        known = tuple(sorted(names))
        fails.append(Each("any", var, Op("keys", (rest,)), op("not_in", Var(var), Const(known))))
    fails += [op("in", Const(name), rest) for name in sorted(given)]
    fails += [op("not_in", Const(name), rest) for name in sorted(required) if name not in given]
    for one in fails:
        if one != FALSE:
            m.fails("TypeError", one, node, state)
