"""YAML as JSON values that remember where they stood in the file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from atlas.errors import InputError

MAX_BYTES = 4_000_000
MAX_NODES = 200_000
Pointer = tuple[str | int, ...]


@dataclass(frozen=True)
class Document:
    """A parsed file: its JSON value, and the line and column of every value in it."""

    name: str
    value: Any
    positions: dict[Pointer, tuple[int, int]]

    def where(self, pointer: Pointer = ()) -> str:
        """`file:line:column` of the value at `pointer`, or of the nearest one around it."""
        path = tuple(pointer)
        while path not in self.positions and path:
            path = path[:-1]
        line, column = self.positions.get(path, (1, 1))
        return f"{self.name}:{line}:{column}"


_PLAIN = ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")


class _Loader(yaml.SafeLoader):
    """Safe loading where dates stay text: JSON has none."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def load_yaml(path: Path, name: str | None = None) -> Document:
    """Read one YAML (or JSON) file; InputError with its place for anything that is not plain data.

    `name` is what errors call the file, its path if not given.
    """
    name = name or str(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=name) from error
    return parse_yaml(content, name)


def parse_yaml(content: bytes | str, name: str) -> Document:
    """Like load_yaml, for text already read."""
    if len(content) > MAX_BYTES:
        raise InputError(f"larger than {MAX_BYTES // 1_000_000} MB", where=name)
    loader: Any = None
    try:
        loader = _Loader(content)
        node = loader.get_single_node()
        return _Reader(name, loader).read(node)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
        raise InputError(f"not valid YAML: {error.problem or error.context}", where=where) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"not valid YAML: {' '.join(str(error).split())}", where=name) from error
    except RecursionError as error:
        raise InputError("nested too deeply", where=name) from error
    finally:
        if loader is not None:
            loader.dispose()


class _Reader:
    """Turns YAML nodes into values; counts them, so that aliases cannot explode."""

    def __init__(self, name: str, loader: Any) -> None:
        self.name = name
        self.loader = loader
        self.positions: dict[Pointer, tuple[int, int]] = {}
        self.count = 0

    def read(self, node: yaml.Node | None) -> Document:
        value = None if node is None else self._value(node, ())
        return Document(self.name, value, self.positions)

    def _fail(self, node: yaml.Node, what: str, hint: str | None = None) -> InputError:
        mark = node.start_mark
        return InputError(what, where=f"{self.name}:{mark.line + 1}:{mark.column + 1}", hint=hint)

    def _value(self, node: yaml.Node, path: Pointer) -> Any:
        self.count += 1
        if self.count > MAX_NODES:
            raise self._fail(node, f"more than {MAX_NODES} values (aliases count each time)")
        self.positions[path] = (node.start_mark.line + 1, node.start_mark.column + 1)
        if not isinstance(node, yaml.ScalarNode) and node.tag not in _PLAIN:
            raise self._fail(node, f"{node.tag} is not a JSON value")
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self._value(item, (*path, index)) for index, item in enumerate(node.value)]
        if not isinstance(node, yaml.ScalarNode):
            raise self._fail(node, f"unexpected {type(node).__name__}")
        value = self._scalar(node)
        if value is not None and not isinstance(value, bool | int | float | str):
            raise self._fail(node, f"{node.tag} is not a JSON value")
        if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
            raise self._fail(node, "not a finite number", 'write it in quotes if the text is meant: ".inf"')
        return value

    def _scalar(self, node: yaml.ScalarNode) -> Any:
        try:
            return self.loader.construct_object(node)
        except (ValueError, yaml.YAMLError) as error:
            raise self._fail(node, f"cannot be read: {' '.join(str(error).split())}") from error

    def _mapping(self, node: yaml.MappingNode, path: Pointer) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                raise self._fail(key_node, "merge keys (<<) are not read", "write the keys out")
            if key_node.tag != "tag:yaml.org,2002:str":
                raise self._fail(key_node, "a key must be text", f'write it in quotes: "{key_node.value}"')
            key = str(key_node.value)
            if key in found:
                raise self._fail(key_node, f"`{key}` stands twice in the same mapping")
            found[key] = self._value(value_node, (*path, key))
            self.positions[(*path, key)] = (key_node.start_mark.line + 1, key_node.start_mark.column + 1)
        return found
