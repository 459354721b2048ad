"""Deprecations that code states: warnings it gives, decorators, and comments over assignments."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator, Sequence
from typing import TypeAlias

from atlas.schema.facts import DeprecationFact
from atlas.schema.static.deprecation_text import deprecation_in, merged, stated, subjects
from atlas.schema.static.docs.attributes import literal_text
from atlas.schema.static.docs.model import fold
from atlas.schema.static.evaluate import Evaluator
from atlas.schema.static.modules import Scope

FunctionNode: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef
CodeNode: TypeAlias = ast.ClassDef | FunctionNode
Code = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)

_SPEAKS = re.compile(r"warn|deprecat|^info(_once)?$|^log$", re.I)
_CONSTRUCTORS = {"__init__", "__new__", "__post_init__", "post_init"}
# A comment that heads several assignments, up to a blank line; any other is about the next one only.
_GROUP = re.compile(
    r"^\W*deprecated\W*(?:\(|(?:\w+\s+){0,3}(?:options|parameters|arguments|args|flags|fields|settings|attributes|kwargs)\b)",
    re.I,
)


def code_deprecations(
    node: CodeNode, scope: Scope, names: Collection[str], evaluator: Evaluator
) -> dict[str, DeprecationFact]:
    """What the code of a class or function says of those of its parameters that are in `names`."""
    inner = scope.inside(node) if isinstance(node, ast.ClassDef) else scope
    functions = (
        [node]
        if not isinstance(node, ast.ClassDef)
        else [f for f in node.body if isinstance(f, FunctionNode)]
    )
    said: dict[str, list[DeprecationFact]] = {}
    for function in functions:
        whole = function is node or function.name in _CONSTRUCTORS
        own = (
            set()
            if whole
            else {argument.arg for argument in ast.walk(function.args) if isinstance(argument, ast.arg)}
        )
        for message in _messages(function, inner, evaluator):
            for name in subjects(message) & set(names) - own:
                said.setdefault(name, []).append(stated(message, [name]))
        for name, fact in _decorated(function, names, whole):
            said.setdefault(name, []).append(fact)
    lines = scope.module.source.splitlines()
    bodies = [node.body, *(f.body for f in functions if f is not node and f.name in _CONSTRUCTORS)]
    for body in bodies:
        for name, fact in _commented(body, lines, names):
            said.setdefault(name, []).append(fact)
    return {name: whole_fact for name, facts in said.items() if (whole_fact := merged(facts))}


# --- warnings ---------------------------------------------------------------------------------------


def _messages(function: FunctionNode, scope: Scope, evaluator: Evaluator) -> Iterator[str]:
    """Messages about deprecation among what a function logs and warns."""
    local: dict[str, list[ast.expr]] = {}
    for part in ast.walk(function):
        if isinstance(part, ast.Assign) and isinstance(part.targets[0], ast.Name):
            local.setdefault(part.targets[0].id, []).append(part.value)
    for call in ast.walk(function):
        if isinstance(call, ast.Call) and call.args and _SPEAKS.search(_name(call.func)):
            for argument in _texts(call.args[0], local):
                text = _text(argument, scope, evaluator)
                if text and "deprecat" in text.lower():
                    yield text


def _texts(node: ast.expr, local: dict[str, list[ast.expr]]) -> Sequence[ast.expr]:
    if isinstance(node, ast.Call) and node.args and "Warning" in _name(node.func):
        node = node.args[0]  # `warn(DeprecationWarning("…"))`
    return local[node.id] if isinstance(node, ast.Name) and node.id in local else [node]


def _text(node: ast.expr, scope: Scope, evaluator: Evaluator) -> str | None:
    value = evaluator.evaluate(node, scope)
    text = value if isinstance(value, str) else literal_text(node)
    return None if text is None else fold(text)


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


# --- decorators -------------------------------------------------------------------------------------


def _decorated(
    function: FunctionNode, names: Collection[str], whole: bool
) -> Iterator[tuple[str, DeprecationFact]]:
    """`@deprecate_kwarg("old", new_name="new")` on a constructor, `@deprecated("…")` on a property."""
    for decorator in function.decorator_list:
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        if "deprecat" not in _name(called).lower():
            continue
        arguments = decorator.args if isinstance(decorator, ast.Call) else []
        first = literal_text(arguments[0]) if arguments else None
        if whole and first and first in names and isinstance(decorator, ast.Call):
            new = next((k.value for k in decorator.keywords if k.arg and k.arg.startswith("new")), None)
            yield first, DeprecationFact(message=fold(ast.unparse(decorator)), replacement=literal_text(new))
        elif function.name in names:
            yield function.name, stated(first, [function.name])


# --- comments ---------------------------------------------------------------------------------------


def _commented(
    body: Sequence[ast.stmt], lines: Sequence[str], names: Collection[str]
) -> Iterator[tuple[str, DeprecationFact]]:
    """`# Deprecated in 5.13` over an assignment or behind it; `# Deprecated arguments` over several."""
    group: str | None = None
    end = 0
    for statement in body:
        above = _comment_above(statement, lines, end)
        if above or statement.lineno > end + 1:
            group = above if above and _GROUP.match(above) else None
        behind = _comment_behind(statement, lines)
        for text in (behind, group or above):
            for name in _sets(statement) & set(names) if text else ():
                stands = deprecation_in(text or "", [name])
                if stands is not None or (text is group and group):
                    yield name, stands or stated(text, [name])
        end = statement.end_lineno or statement.lineno


def _comment_above(statement: ast.stmt, lines: Sequence[str], floor: int) -> str | None:
    texts: list[str] = []
    line = statement.lineno - 1
    while line > floor and line <= len(lines) and lines[line - 1].strip().startswith("#"):
        texts.insert(0, lines[line - 1].strip().lstrip("# "))
        line -= 1
    return _without_todo(" ".join(texts))


def _comment_behind(statement: ast.stmt, lines: Sequence[str]) -> str | None:
    last = statement.end_lineno or statement.lineno
    if last > len(lines):
        return None
    rest = lines[last - 1].encode()[statement.end_col_offset or 0 :].decode(errors="replace").strip()
    return _without_todo(rest.lstrip("# ")) if rest.startswith("#") else None


def _without_todo(text: str) -> str | None:
    return fold(re.sub(r"\s*\bTODO\b.*$", "", text)) or None


def _sets(statement: ast.stmt) -> set[str]:
    """Names that a statement assigns, or takes out of keyword arguments."""
    if isinstance(statement, ast.Assign):
        targets: list[ast.expr] = statement.targets
    elif isinstance(statement, ast.AnnAssign):
        targets = [statement.target]
    else:
        return set()
    found = {_name(target) for target in targets}
    match statement.value:
        case ast.Call(func=ast.Attribute(attr="pop" | "get"), args=[ast.Constant(value=str(name)), *_]):
            found.add(name)
    return found
