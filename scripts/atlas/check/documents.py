"""Files of users as JSON values that remember where they stood; anything odd is one line with its place.

YAML is composed by libyaml where that is there (a file of flags takes 1 ms instead of 10). Nothing is
constructed: tags, dates and numbers of other notations stay the text that they are, or are refused.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path as FilePath
from typing import Any, NamedTuple

from atlas.check.json_text import JsonError, read_json
from atlas.check.model import NOTHING, Json, Path, Place
from atlas.errors import InputError

MAX_BYTES = 4_000_000
MAX_VALUES = 200_000
MAX_DEPTH = 100
FORMATS = {".yaml": "yaml", ".yml": "yaml", ".json": "json", ".toml": "toml", ".sh": "sh", ".bash": "sh"}
_SHELL_WORDS = ("export", "set", "cd", "source", "exec", "sudo", "env")
_LONGEST_LINE = 10_000


class Document(NamedTuple):
    """One value of a file, and the place of everything in it: of a mapping's entry, that of its key."""

    name: str
    value: Json
    places: Mapping[Path, Place] = NOTHING

    def place(self, path: Path = ()) -> Place:
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path, Place(self.name))

    def below(self, path: Path) -> dict[str | int, dict[Path, Place]]:
        """The places inside of each member of the value at `path`, from that member."""
        size = len(path)
        found: dict[str | int, dict[Path, Place]] = {}
        for one, place in self.places.items():
            if len(one) > size + 1 and one[:size] == path:
                found.setdefault(one[size], {})[one[size + 1 :]] = place
        return found


def read_file(path: FilePath, form: str | None = None) -> list[Document]:
    """The documents of a file (YAML has several); InputError for what is no file or no plain data."""
    try:
        if path.is_dir():
            raise InputError("is a folder", where=str(path), hint="name a file, or - for standard input")
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=str(path)) from error
    except ValueError as error:  # a name with a null byte
        raise InputError(f"cannot be read: {error}", where=repr(str(path))) from error
    return read_bytes(content, str(path), form or FORMATS.get(path.suffix.lower()))


def read_stdin(form: str | None = None) -> list[Document]:
    return read_bytes(sys.stdin.buffer.read(MAX_BYTES + 1), "<stdin>", form)


def read_bytes(content: bytes, name: str, form: str | None = None) -> list[Document]:
    """As `read_file`. Without a format, what begins with a brace is JSON, and what begins with a command is
    one text, the script; anything else is YAML.
    """
    if len(content) > MAX_BYTES:
        raise InputError(f"is larger than {MAX_BYTES // 1_000_000} MB", where=name)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError("is not UTF-8", where=f"{name}:{line}", hint="save it as UTF-8") from error
    form = form or ("json" if text.lstrip()[:1] in ("{", "[") else "sh" if _is_script(text) else "yaml")
    if form == "sh":
        return [Document(name, text)]
    if form == "json":
        return [_json(text, name)]
    return [_toml(text, name)] if form == "toml" else list(_yaml(text, name))


def _is_script(text: str) -> bool:
    """Whether it begins as a command does: a word of a shell, or words that are no keys up to a flag."""
    if text.startswith("#!"):
        return True
    lines = (line.strip() for line in text.splitlines())
    first = next((line for line in lines if line and not line.startswith("#")), "")[:_LONGEST_LINE].split()
    place = next((place for place, word in enumerate(first) if word.startswith("-") or word == "\\"), None)
    if any(word.endswith(":") for word in first[:place]):
        return False
    return bool(place) or (len(first) > 1 and first[0] in _SHELL_WORDS)


def _json(text: str, name: str) -> Document:
    try:
        value, marks = read_json(text, MAX_DEPTH, MAX_VALUES)
    except JsonError as error:
        line, column = _line(text, error.position)
        raise InputError(f"not valid JSON: {error}", where=f"{name}:{line}:{column}") from error
    starts = [0, *(match.end() for match in re.finditer("\n", text))]
    return Document(name, value, dict(_places(marks, starts, name)))


def _places(marks: Mapping[Path, int], starts: list[int], name: str) -> Iterator[tuple[Path, Place]]:
    line = 0
    for path, position in sorted(marks.items(), key=lambda one: one[1]):
        while line + 1 < len(starts) and starts[line + 1] <= position:
            line += 1
        yield path, Place(name, line + 1, position - starts[line] + 1)


def _line(text: str, position: int) -> tuple[int, int]:
    return text.count("\n", 0, position) + 1, position - (text.rfind("\n", 0, position) + 1) + 1


def _toml(text: str, name: str) -> Document:
    import tomllib

    try:
        value = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"\(at line (\d+), column (\d+)\)", str(error))
        where = f"{name}:{found[1]}:{found[2]}" if found else name
        raise InputError(f"not valid TOML: {str(error).partition(' (at ')[0]}", where=where) from error
    except RecursionError as error:
        raise InputError("nested too deeply", where=name) from error
    places: dict[Path, Place] = {
        (match[1].strip("\"'"),): Place(name, *_line(text, match.start(1)))
        for match in re.finditer(r"^[ \t]*([A-Za-z0-9_\"'-]+)[ \t]*=", text.partition("\n[")[0], re.M)
    }
    return Document(name, json.loads(json.dumps(value, default=str)), places)


def _yaml(text: str, name: str) -> Iterator[Document]:
    import yaml

    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        _check_depth(yaml.parse(text, Loader=loader), name)
        loaded = loader(text)
        try:
            while loaded.check_node():
                yield _Nodes(name, loaded).document(loaded.get_node())
        finally:
            loaded.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
        raise InputError(f"not valid YAML: {error.problem or error.context}", where=where) from error
    except yaml.YAMLError as error:
        raise InputError(f"not valid YAML: {' '.join(str(error).split())}", where=name) from error
    except RecursionError as error:
        raise InputError("nested too deeply", where=name) from error


def _check_depth(events: Iterator[Any], name: str) -> None:
    """Before nodes are composed: libyaml does that recursively, and overruns its stack."""
    depth = 0
    for event in events:
        kind = type(event).__name__
        if kind in ("SequenceStartEvent", "MappingStartEvent"):
            depth += 1
            if depth > MAX_DEPTH:
                mark = event.start_mark
                raise InputError(
                    f"nested more than {MAX_DEPTH} deep", where=f"{name}:{mark.line + 1}:{mark.column + 1}"
                )
        elif kind in ("SequenceEndEvent", "MappingEndEvent"):
            depth -= 1


_MERGE = "tag:yaml.org,2002:merge"
_PLAIN = {
    f"tag:yaml.org,2002:{kind}" for kind in ("map", "seq", "str", "null", "bool", "int", "float", "timestamp")
}


class _Nodes:
    """Turns the nodes of one document into values; counts them, so that aliases cannot explode."""

    def __init__(self, name: str, loader: Any) -> None:
        self.name = name
        self.loader = loader
        self.places: dict[Path, Place] = {}
        self.count = 0

    def document(self, node: Any) -> Document:
        return Document(self.name, self._value(node, ()), self.places)

    def _fail(self, node: Any, what: str, hint: str | None = None) -> InputError:
        return InputError(what, where=str(self._place(node)), hint=hint)

    def _place(self, node: Any) -> Place:
        return Place(self.name, node.start_mark.line + 1, node.start_mark.column + 1)

    def _value(self, node: Any, path: Path) -> Json:
        self.count += 1
        if self.count > MAX_VALUES:
            raise self._fail(node, f"more than {MAX_VALUES} values (aliases count each time)")
        if len(path) > MAX_DEPTH:  # an alias inside of what it names has no end
            raise self._fail(node, f"nested more than {MAX_DEPTH} deep")
        self.places.setdefault(path, self._place(node))
        if node.tag not in _PLAIN:
            raise self._fail(node, f"{node.tag.removeprefix('tag:yaml.org,2002:')} is not a JSON value")
        if node.id == "mapping":
            return self._mapping(node, path)
        if node.id == "sequence":
            return [self._value(item, (*path, index)) for index, item in enumerate(node.value)]
        return self._scalar(node)

    def _scalar(self, node: Any) -> Json:
        if node.tag.endswith(":timestamp"):
            return node.value
        try:
            value = self.loader.construct_object(node)
        except ValueError as error:  # a number of too many digits, or one that is none: `0x`
            raise self._fail(node, f"cannot be read: {' '.join(str(error).split())}") from error
        if isinstance(value, float) and (value != value or abs(value) == float("inf")):
            raise self._fail(node, "is not a finite number", f'in quotes, it is text: "{node.value}"')
        return value

    def _mapping(self, node: Any, path: Path) -> dict[str, Json]:
        found: dict[str, Json] = {}
        merged: dict[str, Json] = {}
        for key_node, value_node in node.value:
            if key_node.tag == _MERGE:
                merged = {**self._merged(value_node, path), **merged}
                continue
            if key_node.id != "scalar":
                raise self._fail(key_node, "a key must be text, not a list or a mapping")
            key = str(key_node.value)
            if key in found:
                raise self._fail(key_node, f"`{key}` stands twice in the same mapping")
            self.places[(*path, key)] = self._place(key_node)
            found[key] = self._value(value_node, (*path, key))
        return {**merged, **found}

    def _merged(self, node: Any, path: Path) -> dict[str, Json]:
        """What `<<` brings in: of several mappings, the first that has a key counts."""
        if node.id not in ("mapping", "sequence"):
            raise self._fail(node, "only a mapping can be merged (<<)")
        parts = node.value if node.id == "sequence" else [node]
        found: dict[str, Json] = {}
        for part in reversed(parts):
            if part.id != "mapping":
                raise self._fail(part, "only a mapping can be merged (<<)")
            outer, self.places = self.places, {}
            found.update(self._mapping(part, path))
            for place, value in self.places.items():
                outer.setdefault(place, value)
            self.places = outer
        return found
