"""Documentation written beside the fields of a class: strings after them, annotations, comments."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from inspect import cleandoc
from typing import Literal

from atlas.schema.paragraphs import unwrapped
from atlas.schema.static.docs.google import google_entries
from atlas.schema.static.docs.model import fold

Origin = Literal["docstring", "annotation", "call", "comment"]

# Tool directives, banners and remarks to colleagues say nothing about the field.
_DIRECTIVE = re.compile(
    r"^(noqa|type:|pragma|fmt:|pylint|mypy:|ruff:|pyright|isort|nosec|yapf|adapted from)", re.I
)
_REMARK = re.compile(r"^(todo|fixme|xxx|hack|nit)\b", re.I)
_DOC_KEYWORDS = ("description", "help", "doc", "documentation")
_DOC_CALLS = {"Doc", "doc"}


@dataclass(frozen=True)
class FieldDoc:
    """What stands beside one field. A `comment` is of lower rank: it was not written for users."""

    text: str
    origin: Origin
    line: int


def is_annotated(node: ast.expr) -> bool:
    """Whether the expression is `Annotated` under its usual name."""
    return (isinstance(node, ast.Name) and node.id == "Annotated") or (
        isinstance(node, ast.Attribute) and node.attr == "Annotated"
    )


def attribute_docs(
    node: ast.ClassDef, source_text: str, *, annotated: Callable[[ast.expr], bool] = is_annotated
) -> dict[str, FieldDoc]:
    """The best documentation beside each field of a class body and of `self.x = …` in its `__init__`.

    `annotated` says which subscripted names stand for `typing.Annotated` (aliases included).
    """
    lines = source_text.splitlines()
    found: dict[str, FieldDoc] = {}
    for body in _bodies(node):
        for index, (name, statement) in _fields(body):
            doc = (
                _string_after(body, index)
                or _statement_doc(statement, annotated)
                or _comment(body, index, lines)
            )
            if doc is not None:
                found.setdefault(name, doc)
    return found


def annotation_doc(annotation: ast.expr, annotated: Callable[[ast.expr], bool] = is_annotated) -> str | None:
    """Text of `Annotated[T, Doc("…")]`, `Annotated[T, Meta(description="…")]` or `Annotated[T, "…"]`."""
    for part in ast.walk(annotation):
        if not (
            isinstance(part, ast.Subscript) and annotated(part.value) and isinstance(part.slice, ast.Tuple)
        ):
            continue
        for metadata in part.slice.elts[1:]:
            text = literal_text(metadata) or call_doc(metadata)
            if text:
                return text
    return None


def call_doc(node: ast.expr | None) -> str | None:
    """Text that a call carries: `Field(description="…")`, `field(metadata={"help": "…"})`, `Doc("…")`."""
    if not isinstance(node, ast.Call):
        return None
    keywords = {keyword.arg: keyword.value for keyword in node.keywords if keyword.arg}
    for name in _DOC_KEYWORDS:
        if name in keywords and (text := literal_text(keywords[name])):
            return text
    metadata = keywords.get("metadata")
    if isinstance(metadata, ast.Dict):
        for key, value in zip(metadata.keys, metadata.values, strict=True):
            if isinstance(key, ast.Constant) and key.value in _DOC_KEYWORDS and (text := literal_text(value)):
                return text
    called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    if called in _DOC_CALLS and node.args:
        return literal_text(node.args[0])
    return None


def literal_text(node: ast.expr | None) -> str | None:
    """A string written in place, unwrapped: constants, `+`, f-strings (holes as `{…}`), `dedent("…")`."""
    text = _written(node)
    return unwrapped(text) or None if text is not None else None


def _written(node: ast.expr | None) -> str | None:
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.BinOp(op=ast.Add(), left=left, right=right):
            first, second = _written(left), _written(right)
            return None if first is None or second is None else first + second
        case ast.BinOp(op=ast.Mod(), left=left):
            return _written(left)
        case ast.JoinedStr(values=values):
            return "".join(
                str(value.value) if isinstance(value, ast.Constant) else "{" + _hole(value) + "}"
                for value in values
            )
        case ast.Call(args=[only], keywords=[]) if _called(node) in {"dedent", "cleandoc", "_"}:
            return _written(only)
        case ast.Call(func=ast.Attribute(value=template, attr="format" | "strip")):
            return _written(template)
    return None


def _called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def _hole(value: ast.expr) -> str:
    return ast.unparse(value.value) if isinstance(value, ast.FormattedValue) else ast.unparse(value)


def _bodies(node: ast.ClassDef) -> Iterator[Sequence[ast.stmt]]:
    yield node.body
    for item in node.body:
        if isinstance(item, ast.FunctionDef) and item.name == "__init__":
            yield item.body


def _fields(body: Sequence[ast.stmt]) -> Iterator[tuple[int, tuple[str, ast.Assign | ast.AnnAssign]]]:
    for index, statement in enumerate(body):
        if isinstance(statement, ast.AnnAssign):
            targets: list[ast.expr] = [statement.target]
        elif isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            targets = statement.targets
        else:
            continue
        match targets[0]:
            case ast.Name(id=name):
                yield index, (name, statement)
            case ast.Attribute(value=ast.Name(id="self"), attr=name):
                yield index, (name, statement)


def _string_after(body: Sequence[ast.stmt], index: int) -> FieldDoc | None:
    following = body[index + 1] if index + 1 < len(body) else None
    # A string with an `Args:` section is the docstring of the class in the wrong place.
    match following:
        case ast.Expr(value=ast.Constant(value=str(text))) if fold(text) and not google_entries(
            cleandoc(text)
        ):
            return FieldDoc(unwrapped(text), "docstring", following.lineno)
    return None


def _statement_doc(
    statement: ast.Assign | ast.AnnAssign, annotated: Callable[[ast.expr], bool]
) -> FieldDoc | None:
    if isinstance(statement, ast.AnnAssign) and (text := annotation_doc(statement.annotation, annotated)):
        return FieldDoc(text, "annotation", statement.lineno)
    if text := call_doc(statement.value):
        return FieldDoc(text, "call", statement.lineno)
    return None


def _comment(body: Sequence[ast.stmt], index: int, lines: Sequence[str]) -> FieldDoc | None:
    statement = body[index]
    last = statement.end_lineno or statement.lineno
    if last > len(lines):
        return None
    # Columns of the syntax tree count UTF-8 bytes.
    after = lines[last - 1].encode()[statement.end_col_offset or 0 :].decode(errors="replace").strip()
    if trailing := _comment_text([after] if after.startswith("#") else []):
        return FieldDoc(trailing, "comment", last)
    above = _lines_above(body, index, lines)
    if not above or _heads_a_group(body, index, lines):
        return None
    text = _comment_text(above)
    return FieldDoc(text, "comment", statement.lineno - len(above)) if text else None


def _lines_above(body: Sequence[ast.stmt], index: int, lines: Sequence[str]) -> list[str]:
    floor = (body[index - 1].end_lineno or 0) if index else 0
    above: list[str] = []
    line = body[index].lineno - 1
    while line > floor and lines[line - 1].strip().startswith("#"):
        above.insert(0, lines[line - 1].strip())
        line -= 1
    return above


def _heads_a_group(body: Sequence[ast.stmt], index: int, lines: Sequence[str]) -> bool:
    """Whether the comment above this field stands over several: another field follows on the next line."""
    following = index + 1
    if following >= len(body) or not isinstance(body[following], ast.Assign | ast.AnnAssign):
        return False
    end = body[index].end_lineno or body[index].lineno
    return body[following].lineno == end + 1 and not _lines_above(body, following, lines)


def _comment_text(comments: Sequence[str]) -> str:
    texts = [comment.lstrip("#").strip() for comment in comments]
    if any(_REMARK.match(text) for text in texts):
        return ""
    kept = [text for text in texts if not _DIRECTIVE.match(text) and re.search(r"\w", text)]
    return "" if len(kept) < len(texts) and not kept else fold(" ".join(kept))
