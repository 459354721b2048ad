"""From what a user names to results: files, standard input, `key=value` pairs, a command line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from pathlib import Path
from typing import Any

from atlas.check.checker import Checker
from atlas.check.documents import Document, read_file, read_stdin
from atlas.check.model import Item, Json, Place, Result
from atlas.check.names import names_of
from atlas.check.select import choose, named, sections
from atlas.check.texts import anything
from atlas.errors import InputError
from atlas.knowledge.knowledge import Knowledge
from atlas.knowledge.library import load, results_folder

COMMAND_LINE = "command line"


class Request:
    """What is asked: an engine and version (found in the input where not named), and a class or group.

    `form` is the format of files, where their names don't tell.
    """

    def __init__(
        self,
        engine: str | None = None,
        version: str | None = None,
        target: str | None = None,
        group: str | None = None,
        form: str | None = None,
        results: Path | None = None,
    ) -> None:
        self.engine = engine
        self.version = version
        self.target = target
        self.group = group
        self.form = form
        self.results = results
        self._checkers: dict[tuple[str, str, str, str], Checker] = {}
        self._loaded: dict[tuple[str, str | None], Knowledge] = {}

    def about(self, group: str) -> Request:
        """The same of a group, and what was read already."""
        other = copy(self)
        other.group = group
        return other

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
                hint="name one: --engine ENGINE==VERSION",
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
        from atlas.check.starting import check_words

        found.append(check_words(request, command, COMMAND_LINE))
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
    for document in documents:
        if document.value is None:
            continue
        if may_hold_containers(document.value):
            from atlas.check.starting import check_containers

            results, count = check_containers(request, document)
            found += results
            seen += count
        elif isinstance(document.value, str):
            from atlas.check.starting import check_text

            found.append(check_text(request, document))
        else:
            found += _check_mapping(request, document)
    if not found and seen:
        raise InputError(
            f"none of its {seen} containers runs {request.engine or 'an engine that is known'}", where=name
        )
    if not found:
        raise InputError("is empty", where=name)
    return found


def may_hold_containers(value: Json) -> bool:
    """Whether it is a manifest or a Compose file, or anything that says what is run."""
    if not isinstance(value, dict):
        return False
    if isinstance(value.get("services"), dict) or ("apiVersion" in value and "kind" in value):
        return True
    return (
        bool(value.keys() & {"image", "args", "command"})
        or {"repository", "tag"} <= value.keys()
        or any(
            may_hold_containers(one) or (isinstance(one, list) and any(map(may_hold_containers, one)))
            for one in value.values()
        )
    )


def _check_mapping(request: Request, document: Document) -> Iterator[Result]:
    value = document.value
    if not isinstance(value, dict):
        raise InputError(f"is {_kind(value)}, not a mapping of parameters", where=str(document.place()))
    knowledge = request.knowledge(None, None, document.name)
    parts = {} if request.target or request.group else sections(knowledge, value)
    if parts:
        for key, group in parts.items():
            items = items_of(document, (key,))
            yield from check_items(request.about(group), items, f"{document.name} ({key})")
        return
    yield from check_items(request, items_of(document, ()), document.name)


def _kind(value: Json) -> str:
    return "a list" if isinstance(value, list) else "a single value"


def items_of(document: Document, path: tuple[str, ...]) -> list[Item]:
    value = document.value
    for key in path:
        value = value[key]
    below = document.below(path)
    return [
        Item(key, inner, document.place((*path, key)), below.get(key, {})) for key, inner in value.items()
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
