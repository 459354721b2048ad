"""Warnings: `warnings.warn` and whatever is called like a logger's methods."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from atlas.invariants.predicate import NONE, Const, Opaque
from atlas.invariants.static.state import State
from atlas.invariants.static.strings import filled
from atlas.invariants.static.values import Known, Raised, Value

if TYPE_CHECKING:
    from atlas.invariants.static.machine import Machine

_LEVELS = re.compile(r"warn|error$|error_once|exception|critical|fatal")
_LOGGER = re.compile(r"log", re.IGNORECASE)


def is_log_call(node: ast.expr) -> bool:
    """`logger.warning_once(…)`, `self.log.error(…)`, by its form."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return False
    owner = node.func.value
    last = owner.attr if isinstance(owner, ast.Attribute) else owner.id if isinstance(owner, ast.Name) else ""
    return bool(_LEVELS.match(node.func.attr)) and bool(_LOGGER.search(last))


def logged(m: Machine, node: ast.Call, state: State) -> Value | None:
    """Record a call of a logger's; None for any other call."""
    if not is_log_call(node) or not isinstance(node.func, ast.Attribute):
        return None
    owner = m.value(node.func.value, state)
    if not isinstance(owner, Opaque) and not (isinstance(owner, Known) and owner.kind != "class"):
        return None
    if isinstance(owner, Known) and owner.kind == "module":
        return None
    return log(m, [m.value(one, state) for one in node.args if not isinstance(one, ast.Starred)], node, state)


def log(m: Machine, given: list[Value], node: ast.AST, state: State) -> Value:
    message: Value = given[0] if given else NONE
    if isinstance(message, Const) and isinstance(message.value, str) and len(given) > 1:
        message = filled(m, message.value, given[1:], state)
    m.record("log", m.statement or node, state, message=message)
    return NONE


def warn(m: Machine, given: list[Value], keywords: Mapping[str, Value], node: ast.AST, state: State) -> Value:
    message = given[0] if given else keywords.get("message", NONE)
    if isinstance(message, Raised):
        message = message.message
    m.record("warning", m.statement or node, state, message=message)
    return NONE
