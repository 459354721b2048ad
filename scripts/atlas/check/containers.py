"""Compose files, Kubernetes manifests and values of charts: the containers in them that run an engine."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from atlas.check.commands import Start, find_start, is_image, own, split, tag_of
from atlas.check.documents import Document
from atlas.check.given import Token
from atlas.check.model import Json, Path
from atlas.check.run import may_hold_containers

_ENTRY = ("entrypoint", "command", "args")
"""What is run, in the order in which it is put together; of Compose and Kubernetes alike."""
_EXTRA = ("extraArgs", "extra_args")
"""Further words, as values of charts have them, also a level further in."""


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
    services = document.value.get("services") if isinstance(document.value, dict) else None
    compose = isinstance(services, dict)  # beside them are fragments that services take over
    found = []
    for path, mapping in _mappings(services, ("services",)) if compose else _mappings(document.value, ()):
        tokens = [token for place in _places(mapping) for token in _tokens(document, path, mapping, place)]
        found.append(Container(path, _start(tokens, _image_of(mapping), known)))
    return found


def _mappings(value: Json, path: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Mappings that say what is run, outermost first."""
    if isinstance(value, dict):
        if _image_of(value) or _is_run(value.get("command")) or _is_run(value.get("args")):
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


def _image_of(mapping: Mapping[str, Json]) -> str | None:
    """`repo:tag`, also where a chart's values have its parts, below `image` or beside all else."""
    image = mapping.get("image")
    if isinstance(image, str) and image:
        return image
    for parts in (image, mapping):
        if isinstance(parts, dict) and isinstance(parts.get("repository"), str):
            tag = parts.get("tag")
            if tag or parts is image:
                return f"{parts['repository']}:{tag}" if tag else str(parts["repository"])
    return None


def _places(mapping: Mapping[str, Json]) -> list[tuple[str, ...]]:
    """Where words may stand, in the order in which they are put together."""
    inner = [key for key, value in mapping.items() if isinstance(value, dict)]
    return [
        *((key,) for key in _ENTRY),
        *(("image", key) for key in _ENTRY),
        *((key,) for key in _EXTRA),
        *((key, extra) for key in inner for extra in _EXTRA),
    ]


def _tokens(
    document: Document, path: Path, mapping: Mapping[str, Json], place: tuple[str, ...]
) -> list[Token]:
    """The words at a place in a mapping; none where that is something else."""
    value: Json = mapping
    for key in place:
        value = value.get(key) if isinstance(value, dict) else None
        path = (*path, key)
    if isinstance(value, str):
        return split(Token(value, document.place(path)), script=False)
    if isinstance(value, list):
        return [
            Token(_text(one), document.place((*path, index)))
            for index, one in enumerate(value)
            if not isinstance(one, dict | list)
        ]
    return []


def _text(value: Json) -> str:
    """As the word that is passed on: `true`, `0`."""
    return value if isinstance(value, str) else "" if value is None else json.dumps(value)


def _start(
    tokens: Sequence[Token], image: str | None, known: Mapping[str, Sequence[Mapping[str, Json]]]
) -> Start | None:
    tag = tag_of(image) if image else None
    start = find_start(tokens, known)
    if start is not None:
        return Start(start.engine, start.words, start.tag or tag)
    for engine, entries in known.items():
        if image and any(is_image(image, entry) for entry in entries):
            return Start(engine, own(tokens), tag)
    return None
