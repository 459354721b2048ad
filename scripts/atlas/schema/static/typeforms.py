"""Questions about annotations and the types read from them, and small changes of such types."""

from __future__ import annotations

import ast
from typing import Any

from atlas.schema import facts
from atlas.schema.facts import Json, TypeExpr
from atlas.schema.static.classify import ClassView

_CONFIG_NAMES = ("Config", "Params", "Parameters", "Args", "Arguments", "Options", "Settings")
_RECORDS = ("dataclass", "pydantic_dataclass", "pydantic", "msgspec", "attrs", "typed_dict")


def is_config(view: ClassView) -> bool:
    """Whether a class holds configuration that can be looked into: a record, or a plain `…Config`."""
    if view.family in _RECORDS:
        return True
    return (
        view.family == "plain"
        and view.node.name.endswith(_CONFIG_NAMES)
        and any(_takes_parameters(base.node) for base in view.mro)
    )


def _takes_parameters(node: Any) -> bool:
    """Whether a class body has a constructor that is given anything."""
    for one in node.body:
        if isinstance(one, ast.FunctionDef) and one.name == "__init__":
            return len(one.args.args) > 1 or bool(one.args.kwonlyargs) or one.args.kwarg is not None
    return False


def hoisted(its: TypeExpr) -> tuple[TypeExpr, dict[str, Json]]:
    """A type without the bounds around all of it, and those bounds."""
    if its["k"] == "annotated" and not its["open"]:
        return its["base"], dict(its["constraints"])
    return its, {}


def optional_bounds(its: TypeExpr) -> dict[str, Json]:
    """Bounds of `T` in `Optional[T]`: pydantic applies them to the field, since None has nothing to bound."""
    if its["k"] != "union":
        return {}
    others = [one for one in its["of"] if one["k"] != "none"]
    return hoisted(others[0])[1] if len(others) == 1 else {}


def chosen(its: TypeExpr, choices: tuple[Json, ...] | None) -> TypeExpr:
    """A type narrowed to choices that only the command line enforces: open."""
    if not choices:
        return its
    values = [one for one in choices if one is not None]
    if its["k"] == "union":
        kept = [one for one in its["of"] if one["k"] == "none"]
        inner = [one for one in its["of"] if one["k"] != "none"]
        if len(inner) == 1:
            return facts.union([chosen(inner[0], choices), *kept])
        return its
    if its["k"] in ("list", "set", "frozenset"):
        return facts.sequence(its["k"], chosen(its["item"], choices))
    if its["k"] == "prim":
        return facts.annotated(facts.literal(values), {}, is_open=True)
    return its


def parsed_text(node: ast.expr) -> ast.expr | None:
    """The expression in a string annotation."""
    if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
        return None
    try:
        found = ast.parse(node.value.strip(), mode="eval").body
    except (SyntaxError, ValueError):
        return None
    for part in ast.walk(found):
        if isinstance(part, ast.expr):
            part.end_lineno = None  # its place is in the string, not in the module
    return found


def items(node: ast.Subscript) -> list[ast.expr]:
    return list(node.slice.elts) if isinstance(node.slice, ast.Tuple) and node.slice.elts else [node.slice]


def unknown(node: ast.expr) -> TypeExpr:
    return facts.unknown(ast.unparse(node))
