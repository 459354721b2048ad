"""Files of configurations: an upgrade of each, and the file edited in place where that is safe."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

from atlas.check.commands import serves
from atlas.check.containers import looks_like_containers
from atlas.check.documents import FORMATS, MAX_BYTES, Document, read_bytes
from atlas.check.model import Item
from atlas.check.select import sections
from atlas.errors import InputError
from atlas.knowledge import results_folder
from atlas.upgrade.model import DocumentPath
from atlas.upgrade.run import Done, Task, upgrade_items, upgrade_words
from atlas.upgrade.text import NotEditable, edit_text
from atlas.upgrade.values import edited


def upgrade_file(task: Task, path: Path, *, write: bool) -> list[Done]:
    """Every configuration in a file; with `write`, the file is edited in place."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        raise InputError(f"cannot be read: {error}", where=str(path)) from error
    form = task.form or FORMATS.get(path.suffix.lower()) or _form_of(content)
    documents = read_bytes(content, str(path), form)
    found = upgrade_documents(task, documents)
    if not found:
        raise InputError("has no configuration", where=str(path))
    if any(one.upgrade.edits for one, _ in found):
        return _edit_file(path, content, form, documents, found, write=write)
    return [one for one, _ in found]


def _form_of(content: bytes) -> str:
    return "json" if content.lstrip()[:1] in (b"{", b"[") else "yaml"


Where: TypeAlias = tuple[int, DocumentPath]
"""The number of a document in its file, and where a configuration is in it."""


def upgrade_documents(task: Task, documents: Sequence[Document]) -> list[tuple[Done, Where]]:
    """Configurations, and containers of the engine."""
    found: list[tuple[Done, Where]] = []
    for number, document in enumerate(documents):
        if document.value is None:
            continue
        if looks_like_containers(document):
            found += [(one, (number, ())) for one in _containers(task, document)]
            continue
        if not isinstance(document.value, dict):
            raise InputError("is not a mapping of parameters", where=str(document.place()))
        parts = {} if task.target or task.group else sections(task.knowledge[0], document.value)
        for key, group in parts.items():
            upgraded = upgrade_items(task, _items(document, (key,)), f"{document.name} ({key})", group)
            found.append((Done(upgraded), (number, (key,))))
        if not parts:
            found.append((Done(upgrade_items(task, _items(document, ()), document.name)), (number, ())))
    return found


def _containers(task: Task, document: Document) -> list[Done]:
    from atlas.check.containers import containers

    known = serves(results_folder(task.results), task.engine)
    starts = [(one, one.start) for one in containers(document, known) if one.start is not None]
    return [
        upgrade_words(task, start, f"{document.name} ({'.'.join(map(str, one.path))})")
        for one, start in starts
    ]


def _items(document: Document, path: tuple[str, ...]) -> list[Item]:
    value = document.value
    for key in path:
        value = value[key]
    below = document.below(path)
    return [
        Item(key, inner, document.place((*path, key)), below.get(key, {})) for key, inner in value.items()
    ]


def _edit_file(
    path: Path,
    content: bytes,
    form: str,
    documents: Sequence[Document],
    found: Sequence[tuple[Done, Where]],
    *,
    write: bool,
) -> list[Done]:
    """All edits of a file at once: it is replaced as a whole, or not at all."""
    text, reason = content.decode("utf-8"), ""
    try:
        if form == "toml":
            raise NotEditable("TOML is not edited in place")
        for done, (number, below) in found:
            if done.text is not None:
                raise NotEditable("commands in containers are not edited in place")
            wanted = edited(documents[number].value, done.upgrade.edits, below)
            edits = [((*below, *edit.path), edit) for edit in done.upgrade.edits]
            text = edit_text(text, form, number, edits, wanted)
            documents = [
                one._replace(value=wanted) if place == number else one for place, one in enumerate(documents)
            ]
    except NotEditable as error:
        reason = str(error)
    if write and not reason:
        replace_file(path.resolve(), text)
    return [
        replace(done, text=done.text or (None if reason else text), not_written=reason) for done, _ in found
    ]


def replace_file(path: Path, text: str) -> None:
    """In one step, with the permissions that the file has: a configuration may hold secrets."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    made = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(file.fileno(), path.stat().st_mode & 0o7777)
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        made.replace(path)
    except BaseException:
        made.unlink(missing_ok=True)
        raise
