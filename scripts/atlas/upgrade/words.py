"""Edits made to the words of a command line: printed, never written."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence

from atlas.check.names import Names, is_boolean
from atlas.upgrade.model import Edit


def edit_words(words: Sequence[str], edits: Sequence[Edit], names: Names) -> list[str]:
    """The words with flags renamed, removed with their values, or set."""
    found = list(words)
    for edit in edits:
        found = _one(found, edit, names)
    return found


def _one(words: list[str], edit: Edit, names: Names) -> list[str]:
    out: list[str] = []
    place = 0
    while place < len(words):
        name, equals, value = words[place].partition("=")
        if not _is(name, edit.written):
            out.append(words[place])
            place += 1
            continue
        end = place + 1 if equals else _values_end(words, place, edit, names)
        values = [value] if equals else words[place + 1 : end]
        if edit.action == "rename":
            out.append(f"{edit.to}={value}" if equals else str(edit.to))
            out += [] if equals else values
        elif edit.action == "set":
            text = edit.to if isinstance(edit.to, str) else json.dumps(edit.to)
            out += [f"{name}={text}"] if equals else [name, text]
        place = end
    return out


def _is(word: str, written: str) -> bool:
    return word.startswith("-") and word.replace("_", "-") == written.replace("_", "-")


def _values_end(words: Sequence[str], place: int, edit: Edit, names: Names) -> int:
    known = names.flags.get(edit.written)
    if known is not None and is_boolean(known[0]["type"]):
        return place + 1
    end = place + 1
    while end < len(words) and not (words[end].startswith("-") and not _is_number(words[end])):
        end += 1
    return end


def _is_number(word: str) -> bool:
    return word[1:].replace(".", "", 1).isdigit()


def command(words: Sequence[str]) -> str:
    """Words as a shell takes them."""
    return " ".join(shlex.quote(word) for word in words)
