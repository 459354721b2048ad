"""Flags that a loop makes from the fields of a class: named after them, or as their annotations say."""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

from atlas.schema.facts import FieldFact, FlagFact, TypeExpr
from atlas.schema.static.evaluate import Evaluator
from atlas.schema.static.modules import Scope

ScopeOf = Callable[[FieldFact], Scope | None]

# How projects call these things in the marks that they put into `Annotated[T, Mark(…)]`.
_NAME_KEYS = ("cli_name", "flag", "flags", "option", "options", "cli")
_ALIAS_KEYS = ("aliases", "alias", "cli_aliases", "short")
_SKIP_KEYS = ("no_cli", "skip_cli", "hidden_from_cli")


def field_flags(
    loop: ast.For, fields: Collection[FieldFact], scope_of: ScopeOf, evaluator: Evaluator
) -> Iterator[FlagFact]:
    """One flag for each field that the loop turns into one.

    Where fields carry marks or help in their annotations, those without are taken to be left out.
    """
    marks = {fact.name: _mark(fact) for fact in fields}
    all_plain = not any(mark is not None for mark in marks.values())
    dashes = _uses_dashes(loop)
    negatable = "BooleanOptionalAction" in ast.unparse(loop)
    for fact in fields:
        mark = marks[fact.name]
        if mark is None and not all_plain:
            continue
        scope = scope_of(fact)
        stated = _stated(mark, scope, evaluator) if mark is not None and scope else {}
        if any(stated.get(key) is True for key in _SKIP_KEYS) or any(
            stated.get(key) is False for key in _NAME_KEYS
        ):
            continue
        yield _flag(fact, mark, stated, dashes=dashes, negatable=negatable)


def _flag(
    fact: FieldFact, mark: ast.expr | None, stated: Mapping[str, Any], *, dashes: bool, negatable: bool
) -> FlagFact:
    plain = fact.name.replace("_", "-") if dashes else fact.name
    names = [*(_texts(stated, _NAME_KEYS) or [f"--{plain}"]), *_texts(stated, _ALIAS_KEYS)]
    written = _keyword(mark, "action")
    action = stated.get("action")
    if written is not None and not isinstance(action, str):
        action = ast.unparse(written).rpartition(".")[2]
    if action is None and has_boolean(fact.type):
        action = "BooleanOptionalAction" if negatable else "store_true"
    choices = stated.get("choices")
    return FlagFact(
        flags=negated(names) if action == "BooleanOptionalAction" else tuple(names),
        dest=fact.name,
        action=action,
        choices=tuple(choices) if isinstance(choices, list | tuple) else literal_choices(fact.type),
        default=fact.default,
        help=fact.description,
        file=fact.file,
        line=fact.line,
    )


def _mark(fact: FieldFact) -> ast.expr | None:
    """The mark or help text in `Annotated[T, mark, …]`, from the annotation as written."""
    try:
        node = ast.parse(fact.annotation or "", mode="eval").body
    except (SyntaxError, ValueError):
        return None
    if not (isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Tuple)):
        return None
    texts = [
        each for each in node.slice.elts[1:] if isinstance(each, ast.Constant | ast.JoinedStr | ast.BinOp)
    ]
    calls = [each for each in node.slice.elts[1:] if isinstance(each, ast.Call) and each.keywords]
    container = ast.unparse(node.value).rpartition(".")[2]
    # `dict[str, int]` has elements too, but neither texts nor calls among them.
    return next(iter([*calls, *texts]), None) if container not in ("Literal", "Union", "Callable") else None


def _stated(mark: ast.expr, scope: Scope, evaluator: Evaluator) -> dict[str, Any]:
    if not isinstance(mark, ast.Call):
        return {}
    wanted = {*_NAME_KEYS, *_ALIAS_KEYS, *_SKIP_KEYS, "action", "choices"}
    values = {each.arg: evaluator.evaluate(each.value, scope) for each in mark.keywords if each.arg in wanted}
    return {key: value for key, value in values.items() if key}


def _keyword(mark: ast.expr | None, name: str) -> ast.expr | None:
    keywords = mark.keywords if isinstance(mark, ast.Call) else []
    return next((each.value for each in keywords if each.arg == name), None)


def _texts(stated: Mapping[str, Any], keys: Sequence[str]) -> list[str]:
    found: list[str] = []
    for key in keys:
        value = stated.get(key)
        found += [value] if isinstance(value, str) else value if isinstance(value, list | tuple) else []
    return [text for text in found if isinstance(text, str) and text.startswith("-")]


def _uses_dashes(loop: ast.For) -> bool:
    """Whether underscores become dashes, in the loop or in a function that names the flag."""
    calls = [part for part in ast.walk(loop) if isinstance(part, ast.Call)]
    named_in_loop = any(
        isinstance(call.func, ast.Attribute)
        and call.func.attr == "add_argument"
        and "'--'" in ast.unparse(call)
        for call in calls
    )
    return not named_in_loop or "replace(" in ast.unparse(loop)


def negated(names: Sequence[str]) -> tuple[str, ...]:
    """The names with the `--no-x` that argparse adds to each long one."""
    out: list[str] = []
    for name in names:
        out.append(name)
        if name.startswith("--"):
            out.append(f"--no-{name[2:]}")
    return tuple(out)


def is_boolean(its: TypeExpr | None) -> bool:
    """Whether a type is just bool."""
    return its is not None and _bare(its) == {"k": "prim", "name": "bool"}


def has_boolean(its: TypeExpr | None) -> bool:
    """Whether a switch can set it: bool, also with None, but not beside str (that takes a value)."""
    if its is None:
        return False
    parts = [_bare(one) for one in (_bare(its)["of"] if _bare(its)["k"] == "union" else [its])]
    names = {one.get("name") for one in parts if one["k"] == "prim"}
    return "bool" in names and "str" not in names


def literal_choices(its: TypeExpr | None) -> tuple[Any, ...] | None:
    """The values of a closed enumeration; None where other values are taken too."""
    if its is None or _is_open(its):
        return None
    parts = [_bare(one) for one in (_bare(its)["of"] if _bare(its)["k"] == "union" else [its])]
    values: list[Any] = []
    for one in parts:
        if one["k"] == "literal":
            values += one["values"]
        elif one["k"] != "none":
            return None
    return tuple(values) or None


def _is_open(its: TypeExpr) -> bool:
    """Whether what the type says is not enforced."""
    return its["k"] == "annotated" and (its["open"] or _is_open(its["base"]))


def _bare(its: TypeExpr) -> TypeExpr:
    return _bare(its["base"]) if its["k"] == "annotated" else its
