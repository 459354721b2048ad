"""Questions about type expressions: is one known, which values it lists, are two the same, how it reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from atlas.canonical import compact
from atlas.schema.facts import Json, TypeExpr
from atlas.schema.fragments import Schema
from atlas.schema.types import enum_values, to_json_schema, widened


@dataclass(frozen=True)
class Listed:
    """The values a type names; `open` when it takes others of the same kind as well."""

    values: tuple[Json, ...]
    open: bool

    def key(self) -> tuple[frozenset[bytes], bool]:
        return frozenset(map(compact, self.values)), self.open


def is_unknown(type_: TypeExpr | None) -> bool:
    """No type, or one with a part that could not be read."""
    if type_ is None or type_["k"] == "unknown":
        return True
    return any(is_unknown(part) for part in parts(type_))


def parts(type_: TypeExpr) -> list[TypeExpr]:
    """The type expressions directly inside one."""
    inner = [type_[key] for key in ("base", "item", "key", "value") if isinstance(type_.get(key), dict)]
    return [*inner, *type_.get("of", ()), *type_.get("items", ())]


def listed_values(type_: TypeExpr | None) -> Listed | None:
    """Values named at the top of a type: closed (only those, besides null or other kinds) or open."""
    schema = to_json_schema(type_)
    members = schema.get("anyOf", [schema])
    closed = [v for one in members for v in one.get("enum", [one["const"]] if "const" in one else ())]
    examples = [v for one in members for v in one.get("examples", ())]
    if not closed and not examples:
        return None
    return Listed((*closed, *examples), open=bool(examples))


def classes_in(type_: TypeExpr | None) -> list[tuple[str, str]]:
    """Config classes a type may hold, with the path step that leads to each: ``, `[]` or `.*`."""
    if type_ is None:
        return []
    if type_["k"] == "class":
        return [(type_["name"], "")]
    found: list[tuple[str, str]] = []
    for part in parts(type_):
        step = {"list": "[]", "set": "[]", "frozenset": "[]", "tuple": "[]", "dict": ".*"}.get(type_["k"], "")
        found += [(name, step + inner) for name, inner in classes_in(part)]
    return list(dict.fromkeys(found))


def same_type(one: TypeExpr, other: TypeExpr) -> bool:
    """Whether two lanes mean the same type.

    No difference make: the order in unions; an enum or its values; `int | float` or `float`; a class by
    its short or full name; `type[X]` or `type`; values that are named but not enforced.
    """
    return compact(_sorted(to_json_schema(plain(one)))) == compact(_sorted(to_json_schema(plain(other))))


def says_nothing(type_: TypeExpr | None) -> bool:
    """Whether a type narrows nothing: unknown, or `Any` (with or without None)."""
    return type_ is None or to_json_schema(type_) == {} or type_["k"] == "unknown"


def display(type_: TypeExpr | None) -> str:
    """The type as a reader of Python writes it, None last."""
    if type_ is None:
        return "unknown"
    match type_["k"]:
        case "union":
            texts = dict.fromkeys(display(member) for member in type_["of"])
            return " | ".join(sorted(texts, key=lambda text: text == "None"))
        case "prim":
            return str(type_["name"])
        case "none":
            return "None"
        case "any":
            return "Any"
        case "literal":
            return f"Literal[{', '.join(map(repr, type_['values']))}]"
        case "list" | "set" | "frozenset":
            return f"{type_['k']}[{display(type_['item'])}]"
        case "tuple":
            items = [display(type_["item"]), "..."] if "item" in type_ else map(display, type_["items"])
            return f"tuple[{', '.join(items) or '()'}]"
        case "dict":
            return f"dict[{display(type_['key'])}, {display(type_['value'])}]"
        case "class" | "opaque" | "enum":
            return short(type_["name"])
        case "callable":
            return "Callable"
        case "path":
            return "Path"
        case "annotated":
            return display(widened(type_["base"]) if type_.get("open") else type_["base"])
        case _:
            return "unknown"


def short(qualname: str) -> str:
    """The last part of a dotted name; `type` for `type[a.b.C]`."""
    return qualname.partition("[")[0].rpartition(".")[2]


def plain(type_: TypeExpr) -> TypeExpr:
    """The type without what lanes may write differently: classes by their short names, enums by values."""
    kind = type_["k"]
    if kind == "enum":
        return {"k": "literal", "values": enum_values(type_)}
    if kind == "annotated" and not type_.get("open"):
        return plain(type_["base"])  # bounds are compared as constraints, not as types
    if kind in ("class", "opaque"):
        return {"k": "any"} if type_["name"] in ("object", "builtins.object") else _named(type_["name"])
    out: TypeExpr = dict(type_)
    for key in ("base", "item", "key", "value"):
        if isinstance(out.get(key), dict):
            out[key] = plain(out[key])
    for key in ("of", "items"):
        if key in out:
            out[key] = [plain(part) for part in out[key]]
    return out


def _named(qualname: str) -> TypeExpr:
    return {"k": "opaque", "name": short(qualname)}


def _sorted(schema: Any) -> Any:
    """A fragment with every order that means nothing taken out."""
    if isinstance(schema, list):
        return [_sorted(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    out: Schema = {key: _sorted(value) for key, value in schema.items()}
    out.pop("examples", None)
    for key in ("anyOf", "enum"):
        if key in out:
            out[key] = sorted(out[key], key=compact)
    if isinstance(out.get("type"), list):
        out["type"] = sorted(out["type"])
    if "x-python-type" in out:
        out["x-python-type"] = sorted(out["x-python-type"].split(" | "))
    return out
