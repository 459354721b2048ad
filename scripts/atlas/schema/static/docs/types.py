"""Types as people write them in docstrings, read into the type model of the lanes."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Sequence
from typing import Any

from atlas.schema.static.docs.entries import entry_from_head, split_top
from atlas.schema.static.docs.model import fold

TypeExpr = dict[str, Any]
Resolver = Callable[[str], TypeExpr | None]

_PRIMITIVES = {
    **dict.fromkeys(("int", "integer", "integers", "ints"), "int"),
    **dict.fromkeys(("float", "floats", "double", "scalar", "number"), "float"),
    **dict.fromkeys(("str", "string", "strings", "strs", "text", "Text"), "str"),
    **dict.fromkeys(("bool", "boolean", "booleans", "bools"), "bool"),
    **dict.fromkeys(("bytes", "bytearray"), "bytes"),
}
_SEQUENCES = {
    "list",
    "List",
    "lists",
    "Sequence",
    "sequence",
    "Iterable",
    "iterable",
    "Collection",
    "MutableSequence",
}
_SETS = {"set": "set", "Set": "set", "AbstractSet": "set", "MutableSet": "set"} | {
    "frozenset": "frozenset",
    "FrozenSet": "frozenset",
}
_DICTS = {
    "dict",
    "Dict",
    "dictionary",
    "Dictionary",
    "dicts",
    "Mapping",
    "MutableMapping",
    "mapping",
    "OrderedDict",
}
_TUPLES = {"tuple", "Tuple", "tuples"}
_CALLABLES = {"callable", "Callable", "function", "Function"}
_PATHS = {"Path", "PathLike", "PurePath", "path"}
_ROLE = re.compile(r":(?:\w+:)*\w+:`~?([^`]+)`")
_TAIL = re.compile(
    r"\s+(?:of\s+(?:shape|size|length|dimension)|with\s|in\s|containing|from|returned|instance)\b.*$", re.S
)
_ONE_OF = re.compile(r"^(?:one of|either|any of|can be|choose from|possible values)\b", re.I)
_OF = re.compile(r"^(?:an?\s+)?(\w+)\s+of\s+(?:(?:an?|the)\s+)?(.+)$", re.I | re.S)


def parse_doc_type(text: str, resolve: Resolver | None = None) -> TypeExpr | None:
    """The type that a docstring's type column states, or None where it can't be told.

    `resolve` may turn a dotted name that is not a well-known one into a type. Values listed in prose
    (`str, one of …`) never close an enumeration; a set in braces or literals joined by `or` do.
    """
    entry = entry_from_head(_unmarked(text), "")
    if entry.type_text is None:
        return None
    parsed = _Reader(resolve).read(entry.type_text)
    return _with_none(parsed) if parsed is not None and re.search(r"\bor none\b", text, re.I) else parsed


def _unmarked(text: str) -> str:
    text = _ROLE.sub(r"\1", fold(text))
    text = re.sub(r"\[`~?([\w.]+)`\](?:\([^)]*\))?", r"\1", text)
    return text.replace("`", "").replace("~", "").strip()


def _with_none(parsed: TypeExpr) -> TypeExpr:
    return _union([parsed, {"k": "none"}])


def _union(types: Sequence[TypeExpr]) -> TypeExpr:
    flat: list[TypeExpr] = []
    for each in types:
        for option in each["of"] if each["k"] == "union" else [each]:
            if option["k"] == "literal" and flat and flat[-1]["k"] == "literal":
                flat[-1] = {"k": "literal", "values": [*flat[-1]["values"], *option["values"]]}
            elif option not in flat:
                flat.append(option)
    return flat[0] if len(flat) == 1 else {"k": "union", "of": flat}


class _Reader:
    """Reads one type text; holds nothing but the resolver of names it does not know."""

    def __init__(self, resolve: Resolver | None) -> None:
        self._resolve = resolve or (lambda _: None)

    def read(self, text: str) -> TypeExpr | None:
        """Words first (`or`, `list of`), then Python syntax; a tail in prose is cut off."""
        text = text.strip(" .:;*")
        if not text or len(text) > 500:
            return None
        parts = [part for comma in split_top(text, ",") for part in _split_or(comma) if part]
        if len(parts) > 1:
            return self._alternatives(parts)
        return self._single(parts[0]) if parts else None

    def _alternatives(self, parts: Sequence[str]) -> TypeExpr | None:
        read: list[TypeExpr] = []
        for part in parts:
            if _ONE_OF.match(part):
                break
            parsed = self._single(part)
            if parsed is None:
                # `str, name of the thing`: what follows a type is prose; prose first is no type at all.
                break
            read.append(parsed)
        return _union(read) if read else None

    def _single(self, text: str) -> TypeExpr | None:
        text = text.strip(" .:;*")
        if text.endswith("]") and text.count("]") > text.count("["):
            text = text[:-1]
        for candidate in dict.fromkeys((text, _TAIL.sub("", text))):
            node = _expression(candidate)
            parsed = self._node(node) if node is not None else None
            parsed = parsed or self._words(candidate)
            if parsed is not None:
                return parsed
        return None

    def _words(self, text: str) -> TypeExpr | None:
        match = _OF.match(text)
        if match is None:
            first = text.split(" ", 1)[0]
            article = first.lower() in {"a", "an"}
            return self._single(text.split(" ", 1)[1]) if article and " " in text else None
        container, item_text = match[1].lower(), match[2]
        keyed = re.match(r"^(.+?)\s+(?:to|->|:)\s+(.+)$", item_text)
        if container in _DICTS and keyed:
            return {"k": "dict", "key": self._item(keyed[1]), "value": self._item(keyed[2])}
        return self._container(container, [self._item(item_text)])

    def _item(self, text: str) -> TypeExpr:
        return self.read(text) or {"k": "any"}

    def _container(self, name: str, items: Sequence[TypeExpr]) -> TypeExpr | None:
        first: TypeExpr = items[0] if items else {"k": "any"}
        if name in _SEQUENCES:
            return {"k": "list", "item": first}
        if name in _SETS:
            return {"k": _SETS[name], "item": first}
        if name in _TUPLES:
            return {"k": "tuple", "items": list(items)} if len(items) > 1 else {"k": "tuple", "item": first}
        if name in _DICTS:
            return {"k": "dict", "key": first, "value": items[1] if len(items) > 1 else {"k": "any"}}
        return None

    def _node(self, node: ast.expr) -> TypeExpr | None:
        match node:
            case ast.Constant(value=None):
                return {"k": "none"}
            case ast.Constant(value=str(value)):
                # A quoted well-known name is a forward reference, anything else a value.
                known = self._well_known(value)
                return known or {"k": "literal", "values": [value]}
            case ast.Call(func=function, args=[ast.Constant(value=str(forward))]) if (
                _dotted(function).rpartition(".")[2] == "ForwardRef"
            ):
                return self.read(forward)
            case ast.Constant(value=bool() | int() as value):
                return {"k": "literal", "values": [value]}
            case ast.Set(elts=elements) if all(isinstance(each, ast.Constant) for each in elements):
                values = [each.value for each in elements if isinstance(each, ast.Constant)]
                return {"k": "literal", "values": values} if all(map(_jsonable, values)) else None
            case ast.BinOp(left=left, op=ast.BitOr(), right=right):
                options = [self._node(left), self._node(right)]
                return _union([option for option in options if option]) if None not in options else None
            case ast.Subscript(value=value, slice=index):
                return self._subscript(_dotted(value), index)
            case ast.Call(func=function, args=arguments, keywords=[]) if arguments:
                # `tuple(int, float)` is how some authors write `tuple[int, float]`.
                return self._subscript(_dotted(function), ast.Tuple(arguments))
            case ast.Name() | ast.Attribute():
                return self._name(_dotted(node))
            case ast.List(elts=[only]):
                item = self._node(only)
                return {"k": "list", "item": item} if item else None
        return None

    def _subscript(self, dotted: str, index: ast.expr) -> TypeExpr | None:
        name = dotted.rpartition(".")[2]
        nodes = list(index.elts) if isinstance(index, ast.Tuple) else [index]
        if name == "Literal":
            values = [
                node.value for node in nodes if isinstance(node, ast.Constant) and _jsonable(node.value)
            ]
            return {"k": "literal", "values": values} if len(values) == len(nodes) else None
        if name in _CALLABLES:
            return {"k": "callable"}
        variadic = len(nodes) == 2 and isinstance(nodes[1], ast.Constant) and nodes[1].value is ...
        items = [self._node(_unquoted(node)) or {"k": "any"} for node in (nodes[:1] if variadic else nodes)]
        if name == "Union":
            return _union(items)
        if name == "Optional":
            return _with_none(items[0]) if len(items) == 1 else None
        if name in {"Annotated", "ClassVar", "Final"}:
            return items[0]
        return self._container(name, items) or ({"k": "opaque", "name": dotted} if dotted else None)

    def _well_known(self, dotted: str) -> TypeExpr | None:
        name = dotted.rpartition(".")[2]
        if dotted in _PRIMITIVES:
            return {"k": "prim", "name": _PRIMITIVES[dotted]}
        if name in {"Any", "any", "object"}:
            return {"k": "any"}
        if name in _CALLABLES:
            return {"k": "callable"}
        if name in _PATHS:
            return {"k": "path"}
        if name in {"None", "NoneType", "none"}:
            return {"k": "none"}
        return self._container(name, [])

    def _name(self, dotted: str) -> TypeExpr | None:
        known = self._well_known(dotted) or (self._resolve(dotted) if dotted else None)
        if known is not None:
            return known
        name = dotted.rpartition(".")[2]
        # A word is a type's name when it looks like one; `additional` or `deprecated` is prose.
        looks_like = "." in dotted or (name[:1].isupper() and any(char.islower() for char in name))
        return {"k": "opaque", "name": dotted} if dotted and looks_like else None


def _jsonable(value: object) -> bool:
    return value is None or isinstance(value, str | int | float | bool)


def _split_or(text: str) -> list[str]:
    parts = [""]
    for word in re.split(r"(\s+or\s+|^or\s+)", text):
        if word.strip() == "or" and _balanced(parts[-1]):
            parts.append("")
        else:
            parts[-1] += word
    return [part.strip() for part in parts]


def _balanced(text: str) -> bool:
    return all(text.count(opening) == text.count(closing) for opening, closing in ("()", "[]", "{}"))


def _expression(text: str) -> ast.expr | None:
    try:
        return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return None


def _unquoted(node: ast.expr) -> ast.expr:
    """A forward reference (`list["Item"]`) as the expression it holds."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return _expression(node.value) or node
    return node


def _dotted(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=value, attr=attr):
            base = _dotted(value)
            return f"{base}.{attr}" if base else ""
    return ""
