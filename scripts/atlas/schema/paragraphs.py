"""Documentation without the line breaks of its source file, but with its paragraphs and lists."""

from __future__ import annotations

import re

_BLANK = re.compile(r"\n[^\S\n]*\n")
_BULLET = re.compile(r"[-*•] \S")
_NUMBER = re.compile(r"\d{1,2}[.)] \S")


def unwrapped(text: str) -> str:
    """Each paragraph on one line, apart by a blank line; each item of a list on a line of its own.

    Only lines are joined: no word is added or lost, and doing it again changes nothing.
    """
    paragraphs = []
    for block in _BLANK.split(text):
        lines: list[str] = []
        for line in filter(None, (" ".join(one.split()) for one in block.split("\n"))):
            if not lines or _begins_item(line, lines[-1]):
                lines.append(line)
            else:
                lines[-1] += f" {line}"
        if lines:
            paragraphs.append("\n".join(lines))
    return "\n\n".join(paragraphs)


def _begins_item(line: str, before: str) -> bool:
    """A number begins an item only in a list: a sentence may be broken before one."""
    if _BULLET.match(line):
        return True
    return bool(_NUMBER.match(line)) and (before.endswith(":") or bool(_NUMBER.match(before)))
