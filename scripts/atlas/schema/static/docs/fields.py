"""NumPy sections and Sphinx field lists."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from atlas.schema.static.docs.entries import entry_from_head
from atlas.schema.static.docs.model import DocEntry, fold

_UNDERLINE = re.compile(r"^\s*[-=~]{3,}\s*$")
_SECTION = re.compile(
    r"^\s*(other parameters|parameters|attributes|keyword arguments|args|arguments)\s*:?\s*$", re.I
)
_NUMPY_HEAD = re.compile(r"^[`*\\]*([A-Za-z_]\w*(?:\s*,\s*[`*\\]*[A-Za-z_]\w*)*)[`*]*\s*(?::\s*(.*))?$")
_FIELD = re.compile(r"^\s*[:@]([A-Za-z]\w*)(?:\s+([^:]+?))?\s*:\s*(.*)$")
_PARAM_FIELDS = {"param", "parameter", "arg", "argument", "key", "keyword", "kwarg", "ivar", "cvar", "var"}


def numpy_entries(text: str) -> dict[str, DocEntry]:
    """Parameters of underlined sections of a docstring that has been dedented."""
    lines = text.expandtabs().splitlines()
    found: dict[str, DocEntry] = {}
    for index in range(len(lines) - 1):
        if _SECTION.match(lines[index]) and _UNDERLINE.match(lines[index + 1]):
            for name, entry in _numpy_section(_until_next_section(lines[index + 2 :])):
                found.setdefault(name, entry)
    return found


def _until_next_section(lines: Sequence[str]) -> Sequence[str]:
    for index in range(len(lines) - 1):
        if _UNDERLINE.match(lines[index + 1]) and lines[index].strip():
            return lines[:index]
    return lines


def _numpy_section(lines: Sequence[str]) -> Iterator[tuple[str, DocEntry]]:
    base = min((_indent(line) for line in lines if line.strip()), default=0)
    names, head, body = list[str](), "", list[str]()
    for line in [*lines, None]:
        match = _NUMPY_HEAD.match(line.strip()) if line and _indent(line) == base else None
        if match or line is None:
            for name in names:
                yield name, entry_from_head(head, "\n".join(body))
        if match:
            names = [name.strip(" `*\\") for name in match[1].split(",")]
            head, body = match[2] or "", []
        elif line is not None:
            body.append(line)


def sphinx_entries(text: str) -> dict[str, DocEntry]:
    """Parameters of `:param x:` and `:type x:` fields (also written with `@`)."""
    found: dict[str, DocEntry] = {}
    types: dict[str, str] = {}
    for kind, argument, body in _sphinx_fields(text.expandtabs().splitlines()):
        *declared, name = argument.split() or [""]
        name = name.strip("`*\\")
        if not name.isidentifier():
            continue
        if kind in _PARAM_FIELDS:
            found.setdefault(name, entry_from_head(" ".join(declared), body))
        elif kind in {"type", "vartype", "paramtype"}:
            types[name] = fold(body)
    return {name: _typed(entry, types.get(name)) for name, entry in found.items()}


def _typed(entry: DocEntry, type_text: str | None) -> DocEntry:
    if type_text is None or entry.type_text is not None:
        return entry
    declared = entry_from_head(type_text, "")
    return replace(declared, text=entry.text)


def _sphinx_fields(lines: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    kind, argument, body, indent = "", "", list[str](), 0
    for line in lines:
        match = _FIELD.match(line)
        # A blank line ends a field unless what follows is indented below it.
        ended = bool(line.strip()) and _indent(line) <= indent and bool(body) and not body[-1].strip()
        if match or ended:
            if kind:
                yield kind, argument, "\n".join(body)
            kind = ""
        if match:
            kind, argument, body, indent = match[1].lower(), match[2] or "", [match[3]], _indent(line)
        elif kind:
            body.append(line)
    if kind:
        yield kind, argument, "\n".join(body)


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
