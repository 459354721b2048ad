"""Statements: branches, exceptions, assignments; each says whether control reaches its end."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from atlas.invariants.predicate import FALSE, NONE, TRUE
from atlas.invariants.static import assignment, exceptions, imports, loops, matching, tries
from atlas.invariants.static.branching import branch
from atlas.invariants.static.implicit import evaluated
from atlas.invariants.static.state import State
from atlas.invariants.static.terms import not_
from atlas.invariants.static.values import Absent, Function, Raised, Value, is_expr

if TYPE_CHECKING:
    from atlas.invariants.static.machine import Machine

Statement = Callable[["Machine", "ast.AST", State], bool]


def _if(m: Machine, node: ast.If, state: State) -> bool:
    condition = m.test(node.test, state)
    evaluated(m, condition, state, node.test)
    return branch(
        m, condition, lambda then: m.block(node.body, then), lambda other: m.block(node.orelse, other), state
    )


def _return(m: Machine, node: ast.Return, state: State) -> bool:
    value: Value = m.value(node.value, state) if node.value is not None else NONE
    m.frame.returns.append((value, state.fork()))
    m.frame.departures += 1
    return False


def _expression(m: Machine, node: ast.Expr, state: State) -> bool:
    if not isinstance(node.value, ast.Constant):
        value = m.value(node.value, state)
        if is_expr(value):
            evaluated(m, value, state, node.value)
    return True


def _raise(m: Machine, node: ast.Raise, state: State) -> bool:
    raised = exceptions.of_statement(m, node, state)
    m.raised("raise", node, raised, state)
    return False


def _assert(m: Machine, node: ast.Assert, state: State) -> bool:
    condition = m.test(node.test, state)
    evaluated(m, condition, state, node.test)
    failing = state.fork(not_(condition))
    if condition == TRUE:
        return True
    message = m.value(node.msg, failing) if node.msg is not None else NONE
    caught = m.caught
    m.raised("assert", node, Raised("AssertionError", ("Exception",), message), failing)
    if m.caught != caught:
        state.path = (*state.path, condition)
    return condition != FALSE


def _pass(m: Machine, node: ast.AST, state: State) -> bool:
    return True


def _with(m: Machine, node: ast.With, state: State) -> bool:
    for item in node.items:
        value = m.value(item.context_expr, state)
        if item.optional_vars is not None:
            entered = m.opaque(item.context_expr, state, value)
            assignment.assign(m, item.optional_vars, entered, state, node)
    return m.block(node.body, state)


def _function(m: Machine, node: ast.FunctionDef, state: State) -> bool:
    state.names[node.name] = Function(
        node, m.scope, f"{m.frame.qualname}.{node.name}", closure={**m.frame.closure, **state.names}
    )
    return True


def _class(m: Machine, node: ast.ClassDef, state: State) -> bool:
    state.names[node.name] = m.opaque(node, state, environment=False)
    return True


def _global(m: Machine, node: ast.Global, state: State) -> bool:
    return True


def _delete(m: Machine, node: ast.Delete, state: State) -> bool:
    for target in node.targets:
        if isinstance(target, ast.Name):
            state.names[target.id] = Absent()
        else:
            assignment.remove(m, target, state)
    return True


STATEMENTS: Mapping[type[ast.AST], Any] = {
    ast.If: _if,
    ast.Return: _return,
    ast.Expr: _expression,
    ast.Raise: _raise,
    ast.Assert: _assert,
    ast.Pass: _pass,
    ast.Global: _global,
    ast.Nonlocal: _global,
    ast.With: _with,
    ast.FunctionDef: _function,
    ast.ClassDef: _class,
    ast.Delete: _delete,
    ast.Assign: assignment.plain,
    ast.AnnAssign: assignment.annotated,
    ast.AugAssign: assignment.augmented,
    ast.Import: imports.plain,
    ast.ImportFrom: imports.members,
    ast.For: loops.for_,
    ast.While: loops.while_,
    ast.Break: loops.break_,
    ast.Continue: loops.continue_,
    ast.Try: tries.try_,
    ast.Match: matching.match_,
}
