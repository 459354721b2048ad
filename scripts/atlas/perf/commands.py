"""Commands as an engine's YAML writes them: lists of words with places that are filled in, and no shell."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from atlas.errors import InputError
from atlas.validation import nearest
from atlas.yamlfile import Document, Pointer

PLACE = re.compile(r"\{([a-z][a-z0-9_]*)\}")
PORT = "port"
"""That of a server, which the driver chooses when it starts one."""
ASKED = ("input_tokens", "output_tokens", "requests", "warmup", "seed", "batches", "warmup_batches")
ALWAYS = ("python", "model", "output")
REVISION = "revision"
"""That of a hub's model, where the card names one."""

Command = Sequence[str | Sequence[str]]


def filled(command: Command, values: Mapping[str, Any], where: str) -> list[str]:
    """The words of a command; InputError where it needs a parameter that the card does not set.

    A list in it is left out where one of its places has no value.
    """
    words: list[str] = []
    for one in command:
        group = [one] if isinstance(one, str) else one
        missing = next((name for word in group for name in PLACE.findall(word) if name not in values), None)
        if missing is None:
            words += [_filled(word, values) for word in group]
        elif isinstance(one, str):
            raise InputError(f"the engine's own tool needs the parameter `{missing}`", where=where)
    return words


def places_of(bench: Mapping[str, Any]) -> set[str]:
    """What the commands of an engine's tool have places for."""
    server = [bench["server"]["command"]] if "server" in bench else []
    commands = [*bench.get("before", ()), *server, bench["command"]]
    return {name for command in commands for name in places_in(command)}


def places_in(command: Command) -> set[str]:
    return {name for _, name in _places(command)}


def check_commands(document: Document) -> None:
    """InputError for a place in a command of an engine's `perf` that nothing is put into."""
    for index, entry in enumerate(document.value.get("runs", ())):
        at: Pointer = ("runs", index)
        if "convert" in entry:
            _check(document, (*at, "convert", "command"), (*ALWAYS, REVISION))
        for mode, bench in entry.get("bench", {}).items():
            here = (*at, "bench", mode)
            known = [*ALWAYS, REVISION, *ASKED, *entry["parameters"], *bench.get("parameters", ())]
            served = [*known, PORT] if "server" in bench else known
            _check(document, (*here, "command"), served)
            if "server" in bench:
                _check(document, (*here, "server", "command"), served)
            for number in range(len(bench.get("before", ()))):
                _check(document, (*here, "before", number), known)
            formats = document.value.get("formats", {})
            if bench["format"] not in formats:
                what = f"the engine has no format `{bench['format']}`{nearest(bench['format'], formats)}"
                raise InputError(what, where=document.where((*here, "format")))


def _check(document: Document, at: Pointer, known: Sequence[str]) -> None:
    command: Any = document.value
    for part in at:
        command = command[part]
    for number, name in _places(command):
        if name not in known:
            what = f"nothing is put into `{{{name}}}`{nearest(name, known)}"
            raise InputError(what, where=document.where((*at, number)))


def _places(command: Command) -> Iterator[tuple[int, str]]:
    for number, one in enumerate(command):
        for word in [one] if isinstance(one, str) else one:
            yield from ((number, name) for name in PLACE.findall(word))


def _filled(word: str, values: Mapping[str, Any]) -> str:
    return PLACE.sub(lambda found: _text(values[found[1]]), word)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
