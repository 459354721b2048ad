"""JSON with the offset of every value, strict about what `json` lets pass: duplicate keys, NaN, depth."""

from __future__ import annotations

import json
import re
from json.decoder import scanstring  # type: ignore[attr-defined]

from atlas.check.model import Json, Path

_SPACE = re.compile(r"[ \t\n\r]*")
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?")
_WORDS = {"true": True, "false": False, "null": None}
_MOST_DIGITS = 4000


class JsonError(ValueError):
    """The text is no JSON; `position` is the offset where that shows."""

    def __init__(self, what: str, position: int) -> None:
        super().__init__(what)
        self.position = position


def read_json(text: str, max_depth: int, max_values: int) -> tuple[Json, dict[Path, int]]:
    """The value, and the offset of each value in it: of a member of an object, that of its key."""
    reader = _Reader(text, max_depth, max_values)
    value, end = reader.value(reader.skip(0), ())
    end = reader.skip(end)
    if end != len(text):
        raise JsonError("there is more after the end of the value", end)
    return value, reader.marks


class _Reader:
    def __init__(self, text: str, max_depth: int, max_values: int) -> None:
        self.text = text
        self.max_depth = max_depth
        self.max_values = max_values
        self.marks: dict[Path, int] = {}

    def skip(self, position: int) -> int:
        match = _SPACE.match(self.text, position)
        return match.end() if match else position

    def value(self, position: int, path: Path) -> tuple[Json, int]:
        if len(path) > self.max_depth:
            raise JsonError(f"nested more than {self.max_depth} deep", position)
        if len(self.marks) >= self.max_values:
            raise JsonError(f"more than {self.max_values} values", position)
        self.marks.setdefault(path, position)
        first = self.text[position : position + 1]
        if first == "{":
            return self._object(position, path)
        if first == "[":
            return self._array(position, path)
        if first == '"':
            return self._string(position)
        for word, value in _WORDS.items():
            if self.text.startswith(word, position):
                return value, position + len(word)
        return self._number(position)

    def _number(self, position: int) -> tuple[Json, int]:
        match = _NUMBER.match(self.text, position)
        if not match:
            raise JsonError("a value is missing or cannot be read here", position)
        if match.end() - position > _MOST_DIGITS:
            raise JsonError("a number of too many digits", position)
        value = float(match[0]) if match[1] or match[2] else int(match[0])
        if isinstance(value, float) and abs(value) == float("inf"):
            raise JsonError("a number that is too large", position)
        return value, match.end()

    def _string(self, position: int) -> tuple[str, int]:
        try:
            value, end = scanstring(self.text, position + 1, True)
        except json.JSONDecodeError as error:
            raise JsonError(error.msg, error.pos) from error
        return value, end

    def _object(self, position: int, path: Path) -> tuple[dict[str, Json], int]:
        found: dict[str, Json] = {}
        position = self.skip(position + 1)
        if self.text[position : position + 1] == "}":
            return found, position + 1
        while True:
            if self.text[position : position + 1] != '"':
                raise JsonError("a key in double quotes is missing", position)
            key, end = self._string(position)
            if key in found:
                raise JsonError(f"`{key}` stands twice in the same object", position)
            self.marks[(*path, key)] = position
            end = self._expect(":", self.skip(end))
            found[key], end = self.value(self.skip(end), (*path, key))
            position = self.skip(end)
            if self.text[position : position + 1] == "}":
                return found, position + 1
            position = self.skip(self._expect(",", position))

    def _array(self, position: int, path: Path) -> tuple[list[Json], int]:
        found: list[Json] = []
        position = self.skip(position + 1)
        if self.text[position : position + 1] == "]":
            return found, position + 1
        while True:
            value, end = self.value(position, (*path, len(found)))
            found.append(value)
            position = self.skip(end)
            if self.text[position : position + 1] == "]":
                return found, position + 1
            position = self.skip(self._expect(",", position))

    def _expect(self, what: str, position: int) -> int:
        if self.text[position : position + 1] != what:
            raise JsonError(f"`{what}` is missing", position)
        return position + 1
