"""Members and values of enum classes."""

from __future__ import annotations

import ast
from typing import Any

from atlas.schema.facts import Json
from atlas.schema.static.calls import short
from atlas.schema.static.classify import Classifier
from atlas.schema.static.evaluate import Evaluator
from atlas.schema.static.modules import Definition, Scope
from atlas.schema.static.values import Member, NotJsonError, Unknown, to_json

_STRING_ENUMS = ("StrEnum",)
_FLAGS = ("Flag", "IntFlag")


def members(found: Definition, classifier: Classifier, evaluator: Evaluator) -> dict[str, Member]:
    """The members of an enum class in order, those of its bases first; aliases name the same member."""
    view = classifier.view(found)
    if view is None:
        return {}
    styles = {short(name) for name in view.outside}
    out: dict[str, Member] = {}
    for base in reversed(view.mro):
        if isinstance(base.node, ast.ClassDef) and base.scope:
            _own_members(base.node, base.scope.inside(base.node), found.qualname, styles, evaluator, out)
    return out


def _own_members(
    node: ast.ClassDef,
    scope: Scope,
    enum: str,
    styles: set[str],
    evaluator: Evaluator,
    out: dict[str, Member],
) -> None:
    for statement in node.body:
        if not isinstance(statement, ast.Assign) or not isinstance(statement.targets[0], ast.Name):
            continue
        name = statement.targets[0].id
        if name.startswith("_"):
            continue
        local = {member.name: member.value for member in out.values()}
        value = _value(statement.value, scope.with_local(local), name, list(out.values()), styles, evaluator)
        out[name] = next(
            (one for one in out.values() if type(one.value) is type(value) and one.value == value),
            Member(enum, name, value),
        )


def _value(
    node: ast.expr, scope: Scope, name: str, before: list[Member], styles: set[str], evaluator: Evaluator
) -> Any:
    if isinstance(node, ast.Call):
        target = evaluator.index.expression(node.func, scope)
        if target and target.qualname == "enum.auto":
            return _automatic(name, before, styles, scope)
        if target and target.qualname in ("enum.member", "enum.nonmember") and node.args:
            node = node.args[0]
    value = evaluator.evaluate(node, scope)
    # `NAME = value, extra` with a custom __new__: the value is the first element.
    if isinstance(value, tuple) and value and _takes_parts(scope):
        value = value[0]
    return value


def _takes_parts(scope: Scope) -> bool:
    return any(
        isinstance(statement, ast.FunctionDef) and statement.name == "__new__"
        for statement in scope.classes[-1].body
    )


def _automatic(name: str, before: list[Member], styles: set[str], scope: Scope) -> Any:
    for statement in scope.classes[-1].body:
        if isinstance(statement, ast.FunctionDef) and statement.name == "_generate_next_value_":
            return _generated(statement, name, len(before))
    if styles & set(_STRING_ENUMS):
        return name.lower()
    numbers = [member.value for member in before if isinstance(member.value, int)]
    if styles & set(_FLAGS):
        return 1 << (max(numbers, default=0).bit_length())
    return max(numbers, default=0) + 1


def _generated(function: ast.FunctionDef, name: str, count: int) -> Any:
    """The usual custom rules: the name itself, or its lower or upper case form; the count."""
    parameters = [one.arg for one in function.args.args]
    for node in ast.walk(function):
        if isinstance(node, ast.Return) and node.value is not None and parameters:
            text = ast.unparse(node.value)
            rules = {
                parameters[0]: name,
                f"{parameters[0]}.lower()": name.lower(),
                f"{parameters[0]}.upper()": name.upper(),
                **({parameters[2]: count} if len(parameters) > 2 else {}),
            }
            if text in rules:
                return rules[text]
    return Unknown(name)


def json_members(found: dict[str, Member]) -> dict[str, Json]:
    """Members as name → value; a value that JSON cannot hold is given by the member's name."""
    out: dict[str, Json] = {}
    for name, member in found.items():
        try:
            out[name] = to_json(member.value)
        except NotJsonError:
            out[name] = name
    return out
