"""From what a user names to results: files, standard input, `key=value` pairs, a command line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from atlas.check.checker import Checker
from atlas.check.commands import Start, find_start, serves, split, version_of
from atlas.check.documents import Document, read_file, read_stdin
from atlas.check.flags import Token
from atlas.check.model import Finding, Item, Json, Place, Result
from atlas.check.names import names_of
from atlas.check.select import choose, named, sections
from atlas.check.texts import anything
from atlas.errors import InputError
from atlas.knowledge.knowledge import Knowledge
from atlas.knowledge.library import load, results_folder

COMMAND_LINE = "command line"


@dataclass
class Request:
    """What is asked: an engine and version (found in the input where not named), and a class or group."""

    engine: str | None = None
    version: str | None = None
    target: str | None = None
    group: str | None = None
    form: str | None = None
    """The format of files, where their names don't tell."""
    results: Path | None = None
    _checkers: dict[tuple[str, str, str, str], Checker] = field(default_factory=dict)
    _loaded: dict[tuple[str, str | None], Knowledge] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        return results_folder(self.results)

    def knowledge(self, engine: str | None, version: str | None, where: str) -> Knowledge:
        """What is known of the version asked for, else the one found, else the newest."""
        name = self.engine or engine
        if name is None:
            raise InputError(
                "no engine is named, and none is found in it",
                where=where,
                hint="name one: --engine vllm==0.33.0",
            )
        wanted = self.version or version
        if (name, wanted) not in self._loaded:
            self._loaded[name, wanted] = load(name, wanted, self.results)
        return self._loaded[name, wanted]

    def checker(self, knowledge: Knowledge, group: str, root: Mapping[str, Any]) -> Checker:
        key = (knowledge.engine, knowledge.version, group, root["name"])
        if key not in self._checkers:
            self._checkers[key] = Checker(knowledge, names_of(knowledge, group, root))
        return self._checkers[key]


def run(request: Request, sources: Sequence[str], command: Sequence[str]) -> list[Result]:
    """Results of every configuration that is named; InputError for what cannot be read."""
    found: list[Result] = []
    results_folder(request.results)  # what is missing there comes before what is missing in the input
    pairs = [one for one in sources if _is_pair(one)]
    for source in sources:
        if source not in pairs:
            documents = read_stdin(request.form) if source == "-" else read_file(Path(source), request.form)
            found += check_documents(request, documents, "<stdin>" if source == "-" else source)
    if pairs:
        place = Place(COMMAND_LINE)
        items = [Item(name, anything(text), place) for name, _, text in (one.partition("=") for one in pairs)]
        found += check_items(request, items, COMMAND_LINE)
    if command:
        tokens = [Token(text, Place(COMMAND_LINE)) for text in command]
        found.append(check_command(request, tokens, COMMAND_LINE))
    if not found:
        raise InputError(
            "nothing to check", hint="name a file, -, key=value pairs, or a command line after --"
        )
    return found


def _is_pair(source: str) -> bool:
    name, equals, _ = source.partition("=")
    return (
        bool(equals) and name.replace("-", "_").replace(".", "_").isidentifier() and not Path(source).exists()
    )


def check_documents(request: Request, documents: Sequence[Document], name: str) -> list[Result]:
    """The documents of a file: containers that run an engine, or configurations."""
    found: list[Result] = []
    seen = 0
    from atlas.check.containers import looks_like_containers

    for document in documents:
        if document.value is None:
            continue
        if looks_like_containers(document):
            results, count = _check_containers(request, document)
            found += results
            seen += count
        elif isinstance(document.value, str):
            token = Token(document.value, document.place())
            found.append(check_command(request, split(token), document.name))
        else:
            found += _check_mapping(request, document)
    if not found and seen:
        raise InputError(
            f"none of its {seen} containers runs {request.engine or 'an engine that is known'}", where=name
        )
    if not found:
        raise InputError("is empty", where=name)
    return found


def _check_containers(request: Request, document: Document) -> tuple[list[Result], int]:
    from atlas.check.containers import containers

    known = serves(request.folder, request.engine)
    every = containers(document, known)
    found = []
    for one in every:
        if one.start is not None:
            name = ".".join(map(str, one.path)) or document.name
            found.append(_check_start(request, one.start, f"{document.name} ({name})" if one.path else name))
    return found, len(every)


def _check_mapping(request: Request, document: Document) -> Iterator[Result]:
    value = document.value
    if not isinstance(value, dict):
        raise InputError(f"is {_kind(value)}, not a mapping of parameters", where=str(document.place()))
    knowledge = request.knowledge(None, None, document.name)
    parts = {} if request.target or request.group else sections(knowledge, value)
    if parts:
        for key, group in parts.items():
            items = _items(document, (key,))
            yield from check_items(replace(request, group=group), items, f"{document.name} ({key})")
        return
    yield from check_items(request, _items(document, ()), document.name)


def _kind(value: Json) -> str:
    return "a list" if isinstance(value, list) else "a single value"


def _items(document: Document, path: tuple[str, ...]) -> list[Item]:
    value = document.value
    for key in path:
        value = value[key]
    return [
        Item(key, inner, document.place((*path, key)), document.below((*path, key)))
        for key, inner in value.items()
    ]


def check_items(request: Request, items: Sequence[Item], name: str) -> list[Result]:
    """Keys and values: keyword arguments of a class, or flags in a file (with dashes in their names)."""
    knowledge = request.knowledge(None, None, name)
    if request.target or request.group:
        group, root = named(knowledge, request.target, request.group, [item.name for item in items])
    else:
        group, root = choose(knowledge, [item.name for item in items])
    checker = request.checker(knowledge, group, root)
    if checker.names.serve and any("-" in item.name for item in items):
        return [checker.check_keys(items, name)]
    return [checker.check_fields(items, name)]


def check_command(request: Request, tokens: Sequence[Token], name: str) -> Result:
    """A command line; that of an engine which is named may be its flags alone."""
    start = find_start(tokens, serves(request.folder, request.engine))
    if start is None and request.engine is not None:
        start = Start(request.engine, tuple(tokens))
    if start is None:
        raise InputError(
            "no command or image of an engine is in it", where=name, hint="name the engine: --engine vllm"
        )
    return _check_start(request, start, name)


def _check_start(request: Request, start: Start, name: str) -> Result:
    knowledge = request.knowledge(start.engine, version_of(start.tag), name)
    serve = knowledge.serve
    if serve is None:
        raise InputError(
            f"how {knowledge.engine} {knowledge.version} reads its command line is not known",
            where=name,
            hint="check its parameters as a file or as key=value, with --target CLASS",
        )
    group, root = named(knowledge, request.target, request.group or serve["group"], [])
    checker = request.checker(knowledge, group, root)
    words, keys = _without_file(start.words, serve.get("config_flag"))
    return checker.check_tokens(words, name, _notes(request, start, knowledge, name), keys)


def _without_file(words: Sequence[Token], flag: str | None) -> tuple[list[Token], list[Item]]:
    """The words without the file of flags that they name, and what is in that file, if it is here."""
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
        return kept, []
    items = []
    for document in read_file(Path(path), "yaml"):
        if isinstance(document.value, dict):
            items += _items(document, ())
    return kept, items


def _notes(request: Request, start: Start, knowledge: Knowledge, name: str) -> list[Finding]:
    if request.version or version_of(start.tag):
        return []
    what = f"the tag `{start.tag}` names no version" if start.tag else "no version is named"
    message = f"{what}; checked against the newest tracked, {knowledge.version}"
    return [Finding("version_assumed", "note", message, Place(name.partition(" (")[0]))]
