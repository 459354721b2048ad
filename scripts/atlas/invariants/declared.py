"""The type of a field as far as JSON can tell: names of enums and classes as what they take."""

from __future__ import annotations

import ast

from atlas.invariants.model import FieldSpec, Json
from atlas.invariants.predicate.type_texts import Type, parse_type

_CONVERTED = ("bool", "int", "float", "path")


def declared_type(spec: FieldSpec) -> str:
    """`display` with the name of an enum written as its values, and of a class as an object.

    Only where the fragment shows which it is; other names stay, and nothing is known of their values.
    """
    options = [spec.type, *spec.type.get("anyOf", ())]
    classes = {
        str(option["x-python-type"]).rpartition(".")[2]
        for option in options
        if option.get("type") == "object" and "x-python-type" in option
    }
    enums = [list(option["enum"]) for option in options if "enum" in option]
    try:
        tree = ast.parse(spec.display, mode="eval")
    except (SyntaxError, ValueError):
        return spec.display
    members = list(_members(tree.body))
    unknown = [name for name in map(_name, members) if name and parse_type(name).kind == "unknown"]
    enum_names = [name for name in unknown if name not in classes]
    listed = enums[0] if len(enums) == len(enum_names) == 1 and "Literal" not in spec.display else None
    return " | ".join(_member_text(member, classes, listed) for member in members)


def _members(node: ast.expr) -> list[ast.expr]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return [*_members(node.left), *_members(node.right)]
    return [node]


def _name(node: ast.expr) -> str | None:
    return node.id if isinstance(node, ast.Name) else None


def _member_text(node: ast.expr, classes: set[str], listed: list[Json] | None) -> str:
    name = _name(node)
    if name is None or parse_type(name).kind != "unknown":
        return ast.unparse(node)
    if name in classes:
        return "dict[str, Any]"
    return f"Literal[{', '.join(map(repr, listed))}]" if listed else name


def may_refuse(declared: Type) -> bool:
    """Whether some JSON value is surely not taken."""
    if declared.kind == "union":
        return all(map(may_refuse, declared.parts))
    return declared.kind not in ("any", "unknown")


def may_convert(declared: Type) -> bool:
    """Whether some value may become another one, and JSON shows it: sets have no order, keys are text."""
    if declared.kind in ("set", "frozenset"):
        return False
    if declared.kind == "dict":
        return may_convert(declared.parts[1])
    if declared.kind == "literal":
        return any(isinstance(const.value, bool | int | float) for const in declared.values)
    return declared.kind in _CONVERTED or any(map(may_convert, declared.parts))
