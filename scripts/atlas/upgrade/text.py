"""Edits made to the text of a file: only the lines that they are about change, comments stay.

A file that would not read as the edited value afterwards is not touched: an edit that reaches other places by
an anchor, or needs one that it removes, is refused with the reason, and so is what has no place of its own in
the text (brought in by a merge, the last name of a mapping). See docs/decisions/0002-edits-by-position.md.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from atlas.check.documents import read_bytes
from atlas.check.json_text import read_json
from atlas.errors import InputError
from atlas.upgrade.model import DocumentPath, Edit

Json = Any


class NotEditable(Exception):
    """The text can't be edited in place; says why."""


@dataclass(frozen=True)
class Span:
    """A name and its value in a text: offsets of the name, and of the end of the value."""

    start: int
    end: int
    value_start: int
    value_end: int
    column: int
    flow: tuple[int, int] | None = None
    """In a flow mapping: where to cut so that the name is gone, with the comma on one side of it."""


def edit_text(
    text: str, form: str, document: int, edits: Sequence[tuple[DocumentPath, Edit]], wanted: Json
) -> str:
    """The text with the edits in its document of that number; NotEditable where that is not safe."""
    change = _edit_yaml if form == "yaml" else _edit_json
    found = text
    for path, edit in edits:
        found = change(found, document, path, edit)
    expected = [one.value for one in read_bytes(text.encode(), "the file", form)]
    expected[document] = wanted
    try:
        values = [one.value for one in read_bytes(found.encode(), "the edited file", form)]
    except InputError as error:
        raise NotEditable(f"the edited text could not be read: {error.what}") from error
    # As text, for 1 is True; and other documents of the file count too.
    if repr(values) != repr(expected):
        raise NotEditable("the edited text would not say what it should")
    return found


# YAML: lines of block mappings, and members of flow mappings.


def _edit_yaml(text: str, document: int, path: DocumentPath, edit: Edit) -> str:
    span, siblings = _yaml_span(text, document, path)
    if edit.action == "rename":
        old = text[span.start : span.end]
        return text[: span.start] + _like(old, str(edit.to)) + text[span.end :]
    if edit.action == "set":
        if "\n" in text[span.value_start : span.value_end]:
            raise NotEditable("its value takes several lines")
        return text[: span.value_start] + json.dumps(edit.to, ensure_ascii=False) + text[span.value_end :]
    if siblings == 1:
        raise NotEditable("it is the only name of its mapping")
    if span.flow is None:
        return _without_lines(text, span)
    start, end = span.flow
    if "#" in text[start:end]:
        raise NotEditable("a comment may stand beside it in its flow mapping ({…})")
    return text[:start] + text[end:]


def _yaml_span(text: str, document: int, path: DocumentPath) -> tuple[Span, int]:
    """Where the name at the end of the path stands, and how many names its mapping has."""
    node: yaml.Node = list(yaml.compose_all(text, Loader=yaml.SafeLoader))[document]
    for depth, key in enumerate(path):
        if isinstance(node, yaml.SequenceNode):
            node = node.value[int(key)]
            continue
        if not isinstance(node, yaml.MappingNode):
            raise NotEditable("it is not in the file")
        pairs = [pair for pair in node.value if pair[0].value == key]
        if len(pairs) != 1:
            raise NotEditable("it is brought in by a merge (<<)")
        name, value = pairs[0]
        if depth == len(path) - 1:
            marks = (name.start_mark, name.end_mark, value.start_mark, value.end_mark)
            start, end, value_start, value_end = (mark.index for mark in marks)
            flow = _cut(node, node.value.index(pairs[0])) if node.flow_style else None
            return Span(start, end, value_start, value_end, name.start_mark.column, flow), len(node.value)
        node = value
    raise NotEditable("it is not in the file")


def _cut(node: yaml.MappingNode, place: int) -> tuple[int, int] | None:
    """From a member of a flow mapping to the next, or for the last one from the end of that before it."""
    pairs = node.value
    if place + 1 < len(pairs):
        return pairs[place][0].start_mark.index, pairs[place + 1][0].start_mark.index
    if place:
        return pairs[place - 1][1].end_mark.index, pairs[place][1].end_mark.index
    return None


def _like(old: str, name: str) -> str:
    """A name in the quotes of the one before it."""
    return f"{old[0]}{name}{old[0]}" if old[:1] in "'\"" and old[:1] else name


def _without_lines(text: str, span: Span) -> str:
    """Less the lines of a name of a block mapping; blank lines and comments after them stay."""
    first = text.rfind("\n", 0, span.start) + 1
    if text[first : span.start].strip():
        raise NotEditable("something else stands before it in its line")
    lines = text[first:].splitlines(keepends=True)
    last = 1
    for number, line in enumerate(lines[1:], start=2):
        bare = line.strip()
        if bare and not bare.startswith("#"):
            indent = len(line) - len(line.lstrip(" "))
            same_list = indent == span.column and bare.startswith("- ") and _opens_list(text, span)
            if indent < span.column or (indent == span.column and not same_list):
                break
            last = number
    return text[:first] + "".join(lines[last:])


def _opens_list(text: str, span: Span) -> bool:
    """A list may stand at the indent of the name that it belongs to."""
    return text[span.value_start : span.value_start + 1] == "-"


# JSON: members of objects.


def _edit_json(text: str, document: int, path: DocumentPath, edit: Edit) -> str:
    del document
    marks = read_json(text.removeprefix("\ufeff"), 100, 200_000)[1]
    shift = len(text) - len(text.removeprefix("\ufeff"))
    start = marks[path] + shift
    end = _string_end(text, start)
    value_start = _skip(text, _skip(text, end) + 1)
    value_end = _value_end(text, value_start)
    if edit.action == "rename":
        return text[:start] + json.dumps(str(edit.to), ensure_ascii=False) + text[end:]
    if edit.action == "set":
        return text[:value_start] + json.dumps(edit.to, ensure_ascii=False) + text[value_end:]
    after = _skip(text, value_end)
    if text[after : after + 1] == ",":
        return text[:start] + text[_skip(text, after + 1) :]
    before = len(text[:start].rstrip())
    if text[before - 1 : before] == ",":
        return text[: before - 1] + text[value_end:]
    return text[:start] + text[after:]


def _skip(text: str, position: int) -> int:
    while text[position : position + 1] in (" ", "\t", "\n", "\r") and position < len(text):
        position += 1
    return position


def _string_end(text: str, start: int) -> int:
    return json.decoder.scanstring(text, start + 1, True)[1]  # type: ignore[attr-defined, no-any-return]


def _value_end(text: str, start: int) -> int:
    return json.JSONDecoder().raw_decode(text, start)[1]
