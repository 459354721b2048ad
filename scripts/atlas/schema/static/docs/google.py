"""Google-style docstrings, typed or not, and the dialects of it that engines write."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from atlas.schema.static.docs.entries import closing_bracket, entry_from_head
from atlas.schema.static.docs.model import DocEntry

_PARAMETERS = (
    r"args?|arguments?|params?|parameters?|attributes?|attrs|fields|inputs|options|class attributes|members"
    r"|keyword args|keyword arguments|kwargs|(?:other|optional|required|key) parameters"
)
_OTHERS = (
    r"returns?|yields?|raises?|examples?|example usage|notes?|warnings?|see also|references?|todo|usage|tips?"
    r"|outputs?|methods|warns|limitations|important|side effects|shapes?|properties|details|behaviou?r"
)
_HEADER = re.compile(
    rf"^[*#\s]*(?:({_PARAMETERS})|({_OTHERS}))\s*\**(?:\s*\(.*\))?\s*::?\**\s*(?:\(.*\))?$", re.I
)
_NAME = re.compile(
    r"^(?:[-*+]\s+)?[`*\\]*([A-Za-z_]\w*(?:\s*[,/]\s*\*{0,2}[A-Za-z_]\w*)*)[`*]*(?P<colon>\s*:)?(?P<gap>\s*)"
)
_PROSE = {
    "Note",
    "Notes",
    "NOTE",
    "Warning",
    "WARNING",
    "Example",
    "Examples",
    "TODO",
    "Tip",
    "Default",
    "Usage",
    "See",
}
_MAX_HEAD_LINES = 5


@dataclass(frozen=True)
class _Line:
    indent: int
    text: str


def google_entries(text: str) -> dict[str, DocEntry]:
    """Parameters of the `Args:`-like sections of a docstring that has been dedented."""
    lines = [_Line(len(line) - len(line.lstrip()), line.strip()) for line in text.expandtabs().splitlines()]
    found: dict[str, DocEntry] = {}
    for block in _blocks(lines):
        for name, entry in _entries(block):
            found.setdefault(name, entry)
    return found


def _blocks(lines: Sequence[_Line]) -> Iterator[list[_Line]]:
    """Bodies of parameter sections: from a header to the next header or the end of its indentation."""
    index = 0
    while index < len(lines):
        match = _HEADER.match(lines[index].text)
        index += 1
        if not match or not match[1]:
            continue
        header = lines[index - 1].indent
        start = index
        first = next((line for line in lines[start:] if line.text), None)
        # Some authors forget to indent: then entries stand where the header does.
        flat = first is not None and first.indent <= header and _head(first.text) is not None
        while index < len(lines) and not _ends(lines, index, header, flat):
            index += 1
        yield list(lines[start:index])


def _ends(lines: Sequence[_Line], index: int, header: int, flat: bool) -> bool:
    """Whether a section is over at this line."""
    line = lines[index]
    if not line.text or line.indent > header:
        return False
    if _HEADER.match(line.text):
        return True
    if flat and line.indent == header:
        return False
    # An escape such as `\n` in the source breaks a line in two: the rest of the text goes on below it.
    following = lines[index + 1] if index + 1 < len(lines) else _Line(0, "")
    return not (lines[index - 1].text and following.text and following.indent > header)


def _entries(block: Sequence[_Line]) -> Iterator[tuple[str, DocEntry]]:
    heads = [line.indent for line in block if line.text and _head(line.text)]
    base = heads[0] if heads else 0
    index = 0
    names: list[str] = []
    head, body = "", list[str]()
    while index < len(block):
        line = block[index]
        index += 1
        opened = None
        if line.text and line.indent <= base + 1:
            opened, index = _open(block, index - 1)
            if opened is not None or line.text.startswith(">"):
                yield from _closed(names, head, body)
                names, head, body = opened or ([], "", [])
                continue
        body.append(line.text)
    yield from _closed(names, head, body)


def _closed(names: Sequence[str], head: str, body: Sequence[str]) -> Iterator[tuple[str, DocEntry]]:
    for name in names:
        yield name, entry_from_head(head, "\n".join(body))


def _open(block: Sequence[_Line], index: int) -> tuple[tuple[list[str], str, list[str]] | None, int]:
    """The entry that starts at `index` (its bracketed head may span lines), and the line to go on at."""
    text = block[index].text
    for used in range(1, _MAX_HEAD_LINES + 1):
        parsed = _head(text)
        incomplete = parsed is not None and parsed[1] is None
        if parsed is None:
            return None, index + 1
        if not incomplete:
            names, head, rest = parsed
            return (names, head or "", [rest]), index + used
        if index + used >= len(block):
            break
        text = f"{text} {block[index + used].text}"
    return None, index + 1


def _head(text: str) -> tuple[list[str], str | None, str] | None:
    """Names, type column and first words of an entry; type column None where its bracket is still open."""
    match = _NAME.match(text)
    if match is None:
        return None
    names = [name.strip().lstrip("*") for name in re.split(r"[,/]", match[1])]
    rest = text[match.end() :]
    if rest.startswith("(") and (match["colon"] is None or rest.startswith("(`")):
        return _typed_head(names, rest, spaced=bool(match["gap"]))
    if match["colon"] is None or any(name in _PROSE for name in names):
        return None
    # `name:text` is a role, a URL or a dictionary, never an entry; and names joined by `/` are prose.
    if (rest and not match["gap"]) or rest.startswith("//") or "/" in match[1]:
        return None
    return names, "", rest


def _typed_head(names: list[str], rest: str, *, spaced: bool) -> tuple[list[str], str | None, str] | None:
    end = closing_bracket(rest, 0)
    if end < 0:
        looks_typed = "`" in rest or "optional" in rest or "[" in rest
        return (names, None, "") if looks_typed else None
    inner, after = rest[1:end], rest[end + 1 :].lstrip(")`* ")
    if after.startswith(":"):
        return names, inner, after[1:].strip()
    # Without a colon only a line that holds nothing else, or a clearly marked type, is a head.
    marked = "optional" in inner or re.fullmatch(r"`[^`]+`.*", inner) is not None
    if marked and (not after or (spaced and after.startswith("-"))):
        return names, inner, after.lstrip("- ")
    return None
