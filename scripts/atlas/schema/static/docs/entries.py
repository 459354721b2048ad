"""The head of a documented parameter, `(type, *optional*, defaults to X)`, taken apart."""

from __future__ import annotations

import re

from atlas.schema.paragraphs import unwrapped
from atlas.schema.static.docs.model import DocEntry, fold

_DEFAULT = re.compile(
    r"^[`*]*(?:defaults?\s+to|defaults?\s+is|defaults?\s*[:=]|defaults?)[`*]*\s*(.+)$", re.I | re.S
)
_OPTIONAL = re.compile(r"^[`*_\s]*(optional)[`*_\s]*$", re.I)
_REQUIRED = re.compile(r"^[`*_\s]*(required|keyword[- ]only)[`*_\s]*$", re.I)
_UNSEPARATED = re.compile(r"^(.*\S)\s+(?:[`*]*(optional)[`*]*|(defaults?\s+to\s.+))(?:\s.*)?$", re.I | re.S)
_OPENING = {"(": ")", "[": "]", "{": "}"}


def entry_from_head(head: str, text: str) -> DocEntry:
    """The entry whose type column reads `head` and whose description is `text`."""
    types: list[str] = []
    default: str | None = None
    optional = False
    for part in _columns(head):
        if _OPTIONAL.match(part):
            optional = True
        elif _REQUIRED.match(part):
            continue
        elif match := _DEFAULT.match(part):
            default = unquoted(match[1])
        elif part:
            types.append(part)
    return DocEntry(fold(", ".join(types)) or None, unwrapped(text), default, optional or default is not None)


def _columns(head: str) -> list[str]:
    """The parts between commas, and those that lack one: `int` *optional*."""
    parts: list[str] = []
    for part in split_top(head, ","):
        match = _UNSEPARATED.match(part)
        parts += [match[1], match[2] or match[3]] if match and not _DEFAULT.match(part) else [part]
    return parts


def unquoted(text: str) -> str:
    """The text without the markup that wraps all of it."""
    text = fold(text)
    while len(text) > 2 and text[0] == text[-1] and text[0] in "`*" and text[0] not in text.strip(text[0]):
        text = text[1:-1].strip()
    return text


def split_top(text: str, separator: str) -> list[str]:
    """Parts of the text at separators that stand outside brackets, backticks and quotes."""
    # An odd backtick (`int` or list[int]`) can't be paired: treat backticks as ordinary characters then.
    quotes = "\"'" if text.count("`") % 2 else "\"'`"
    parts: list[str] = [""]
    depth, quote = 0, ""
    for position, char in enumerate(text):
        if quote:
            quote = "" if char == quote else quote
        elif char in quotes and text.find(char, position + 1) > 0:
            # A quote inside a word is an apostrophe.
            quote = "" if char == "'" and position and text[position - 1].isalnum() else char
        elif char in _OPENING:
            depth += 1
        elif char in _OPENING.values():
            depth = max(0, depth - 1)
        if char == separator and not depth and not quote:
            parts.append("")
        else:
            parts[-1] += char
    return [part.strip() for part in parts]


def closing_bracket(text: str, start: int) -> int:
    """Index of the `)` that closes the `(` at `start`, or -1."""
    depth = 0
    for index in range(start, len(text)):
        depth += {"(": 1, ")": -1}.get(text[index], 0)
        if depth == 0:
            return index
    return -1
