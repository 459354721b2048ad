"""`function(**mapping)` where the mapping is the user's: which keys fit."""

from __future__ import annotations

import ast
from collections.abc import Collection
from typing import TYPE_CHECKING

from atlas.invariants.predicate import FALSE, Const, Each, Expr, Field, Op, Var
from atlas.invariants.static.iteration import variable
from atlas.invariants.static.state import State
from atlas.invariants.static.terms import not_, op, type_in
from atlas.invariants.static.values import Value

if TYPE_CHECKING:
    from atlas.invariants.static.machine import Machine


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
