"""Compose files, Kubernetes manifests and values of charts: the containers in them that run an engine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from atlas.check.commands import Start, find_start, is_image, split, tag_of
from atlas.check.documents import Document
from atlas.check.given import Token
from atlas.check.model import Json, Path
from atlas.check.run import may_hold_containers

_ENTRY = ("entrypoint", "command", "args")
"""What is run, in the order in which it is put together; of Compose and Kubernetes alike."""


@dataclass(frozen=True)
class Container:
    """A mapping that says what is run, and the engine that it starts, if it is known."""

    path: Path
    start: Start | None


def looks_like_containers(document: Document) -> bool:
    """Whether it is a manifest or a Compose file, or anything that says what is run."""
    return may_hold_containers(document.value)


def containers(document: Document, known: Mapping[str, Sequence[Mapping[str, Json]]]) -> list[Container]:
    """Every container of the document."""
    found = []
    for path, mapping in _mappings(document.value, ()):
        tokens = [token for key in _ENTRY for token in _tokens(document, (*path, key), mapping.get(key))]
        found.append(Container(path, _start(tokens, _image(mapping.get("image")), known)))
    return found


def _mappings(value: Json, path: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Mappings that say what is run, outermost first."""
    if isinstance(value, dict):
        if _image(value.get("image")) or _is_run(value.get("command")) or _is_run(value.get("args")):
            yield path, value
            return
        for key, inner in value.items():
            yield from _mappings(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _mappings(inner, (*path, index))


def _is_run(value: Json) -> bool:
    """A list of words; a text alone may be anything."""
    return isinstance(value, list) and bool(value) and all(not isinstance(one, dict | list) for one in value)


def _image(value: Json) -> str | None:
    """`repo:tag`, also where a chart's values have its parts."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict) and isinstance(value.get("repository"), str):
        tag = value.get("tag")
        return f"{value['repository']}:{tag}" if tag else str(value["repository"])
    return None


def _tokens(document: Document, path: Path, value: Json) -> list[Token]:
    if isinstance(value, str):
        return split(Token(value, document.place(path)))
    if isinstance(value, list):
        return [
            Token(_text(one), document.place((*path, index)))
            for index, one in enumerate(value)
            if not isinstance(one, dict | list)
        ]
    return []


def _text(value: Json) -> str:
    return (
        value if isinstance(value, str) else {True: "true", False: "false", None: ""}.get(value, str(value))
    )


def _start(
    tokens: Sequence[Token], image: str | None, known: Mapping[str, Sequence[Mapping[str, Json]]]
) -> Start | None:
    tag = tag_of(image) if image else None
    start = find_start(tokens, known)
    if start is not None:
        return Start(start.engine, start.words, start.tag or tag)
    for engine, entries in known.items():
        if image and any(is_image(image, entry) for entry in entries):
            return Start(engine, tuple(tokens), tag)
    return None
