"""Command lines and containers: the engine that they start, in its version, with its flags."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from atlas.check.commands import Start, find_start, is_word, serves, split, version_of
from atlas.check.containers import containers
from atlas.check.documents import Document, read_file
from atlas.check.given import Token
from atlas.check.model import Finding, Item, Json, Place, Result
from atlas.check.run import items_of
from atlas.check.select import named
from atlas.check.serving import target_of
from atlas.errors import InputError
from atlas.knowledge.knowledge import Knowledge

if TYPE_CHECKING:
    from atlas.check.run import Request


def check_containers(request: Request, document: Document) -> tuple[list[Result], int]:
    known = serves(request.folder, request.engine)
    every = containers(document, known)
    found = []
    for one in every:
        if one.start is not None:
            name = ".".join(map(str, one.path)) or document.name
            found.append(_check_start(request, one.start, f"{document.name} ({name})" if one.path else name))
    return found, len(every)


def check_words(request: Request, words: Sequence[str], name: str) -> Result:
    """A command line, already taken apart."""
    return check_command(request, [Token(word, Place(name)) for word in words], name)


def check_text(request: Request, document: Document) -> Result:
    """A document that is one text: a command."""
    return check_command(request, split(Token(document.value, document.place())), document.name)


def check_command(request: Request, tokens: Sequence[Token], name: str) -> Result:
    """A command line; that of an engine which is named may be its flags alone."""
    known = serves(request.folder, request.engine)
    if len(tokens) == 1 and " " in tokens[0].text.strip():
        tokens = split(tokens[0])  # the whole of it was in quotes
    start = find_start(tokens, known)
    if start is None and request.engine is not None:
        _refuse_other(tokens, known, name)
        start = Start(request.engine, tuple(tokens))
    if start is None:
        raise InputError(
            "no command or image of an engine is in it", where=name, hint="name the engine: --engine ENGINE"
        )
    return _check_start(request, start, name)


def _refuse_other(
    tokens: Sequence[Token], known: Mapping[str, Sequence[Mapping[str, Json]]], name: str
) -> None:
    """InputError for another command of an engine's program, whose words are none of its flags."""
    commands = [one for entries in known.values() for entry in entries for one in entry.get("commands", ())]
    first = tokens[0].text.rpartition("/")[2] if tokens else ""
    if first and any(is_word(first, command.split()[0]) for command in commands):
        shown = " ".join(token.text for token in tokens[:3])
        listed = ", ".join(dict.fromkeys(commands))
        raise InputError(f"`{shown}` does not start a server", where=name, hint=f"known are: {listed}")


def _check_start(request: Request, start: Start, name: str) -> Result:
    knowledge = request.knowledge(start.engine, version_of(start.tag), name)
    serve = knowledge.serve
    if serve is None:
        raise InputError(
            f"how {knowledge.engine} {knowledge.version} reads its command line is not known",
            where=name,
            hint="check its parameters as a file or as key=value, with --target CLASS",
        )
    cls, assumed = target_of(serve, start.words)
    group, root = named(knowledge, request.target or cls, request.group or serve["group"], [])
    checker = request.checker(knowledge, group, root)
    words, keys, lost = _without_file(start.words, serve.get("config_flag"))
    notes = _notes(request, start, knowledge, name)
    if lost:
        what = f"the file {lost} is not here, so what it says is not checked"
        notes.append(Finding("file_not_read", "note", what, Place(name.partition(" (")[0])))
    if assumed and not request.target:
        notes.append(Finding("target_assumed", "note", assumed, Place(name.partition(" (")[0])))
    return checker.check_tokens(words, name, notes, keys)


def _without_file(words: Sequence[Token], flag: str | None) -> tuple[list[Token], list[Item], str | None]:
    """The words without the file of flags that they name, and what is in that file, or where it would be."""
    kept: list[Token] = []
    path: str | None = None
    skip = False
    for place, word in enumerate(words):
        if skip:
            skip = False
        elif flag and word.text == flag and place + 1 < len(words):
            path, skip = words[place + 1].text, True
        elif flag and word.text.startswith(f"{flag}="):
            path = word.text.partition("=")[2]
        else:
            kept.append(word)
    if path is None or not Path(path).is_file():
        return kept, [], path
    items = []
    for document in read_file(Path(path), "yaml"):
        if isinstance(document.value, dict):
            items += items_of(document, ())
    return kept, items, None


def _notes(request: Request, start: Start, knowledge: Knowledge, name: str) -> list[Finding]:
    if request.version or version_of(start.tag):
        return []
    what = f"the tag `{start.tag}` names no version" if start.tag else "no version is named"
    message = f"{what}; checked against the newest tracked, {knowledge.version}"
    return [Finding("version_assumed", "note", message, Place(name.partition(" (")[0]))]
