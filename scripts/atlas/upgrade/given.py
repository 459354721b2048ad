"""The parameters that a configuration sets, those inside objects too, each with its entry in the schema."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from atlas.check.given import Setting, Token
from atlas.check.keys import read_keys
from atlas.check.model import UNKNOWN, Item, Json, Place
from atlas.check.names import Entry, Names, inside
from atlas.check.tokens import read_tokens
from atlas.knowledge import Knowledge
from atlas.upgrade.model import DocumentPath


@dataclass(frozen=True)
class Given:
    """One parameter with its value. `subject` is `group:path`; `path` is where the configuration has it."""

    subject: str
    entry: Entry
    value: Json
    written: str
    path: DocumentPath
    place: Place


def given_fields(items: Sequence[Item], names: Names) -> list[Given]:
    """Of keyword arguments, or of a file of flags where names have dashes."""
    by_flag = bool(names.serve) and any("-" in item.name for item in items)
    if by_flag:
        return _all(read_keys(items, names).settings, names)
    settings = [Setting(entry, one.value, one) for one in items if (entry := names.fields.get(one.name))]
    return _all(settings, names)


def given_words(words: Sequence[Token], names: Names) -> list[Given]:
    """Of a command line."""
    return _all(read_tokens(words, names).settings, names)


def _all(settings: Sequence[Setting], names: Names) -> list[Given]:
    return [
        one
        for setting in settings
        for one in _below(names.knowledge, names.group, setting.entry, setting.value, setting.item, ())
    ]


def _below(
    knowledge: Knowledge, group: str, entry: Entry, value: Json, item: Item, path: DocumentPath
) -> Iterator[Given]:
    """The parameter, and the members of the object that it is given as."""
    written = ".".join([item.name, *map(str, path)])
    yield Given(f"{group}:{entry['path']}", entry, value, written, (item.name, *path), item.at(path))
    if not isinstance(value, dict) or value is UNKNOWN:
        return
    of, members = inside(knowledge, group, entry)
    for key, inner in value.items():
        if key in members:
            yield from _below(knowledge, of, members[key], inner, item, (*path, key))
