"""A file of flags as values of parameters."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from atlas.check.given import Read, Setting, source_of
from atlas.check.model import UNKNOWN, Finding, Item, Json
from atlas.check.names import Entry, Names, is_boolean
from atlas.check.words import arity_of, spelled, value_of


def read_keys(items: Sequence[Item], names: Names) -> Read:
    """A file of flags: each key is a flag without its dashes, its value what would be written after it."""
    found = Read()
    for item in items:
        flag = spelled(f"--{item.name}", names)
        known = names.flags.get(flag)
        if known is None:
            if flag not in names.other_flags:
                found.unknown.append(item)
            continue
        entry, denied = known
        found.settings.extend(_setting(entry, denied, item, names, found))
    return found


def _setting(entry: Entry, denied: bool, item: Item, names: Names, found: Read) -> Iterator[Setting]:
    value = item.value
    if isinstance(value, bool):
        if is_boolean(entry["type"]):
            denies = any(negative for one, negative in names.flags.values() if one is entry)
            if value or denies or entry.get("default") is False:
                yield Setting(entry, value is not denied, item)
            else:
                found.findings.append(
                    Finding(
                        "ignored",
                        "warning",
                        f"`{item.name}: false` is ignored: there is no flag that says so",
                        item.place,
                        entry["path"],
                        item.name,
                        value,
                        **source_of(entry),
                    )
                )
            return
        value = str(value)
    if value is None or value is UNKNOWN or isinstance(value, dict):
        yield Setting(entry, UNKNOWN if value is None else value, item)
        return
    texts = [
        one if isinstance(one, str) else _plain(one)
        for one in (value if isinstance(value, list) else [value])
    ]
    read_value, finding = value_of(entry, texts or [""], item, names, many=arity_of(entry) == "many")
    if finding:
        found.findings.append(finding._replace(message=finding.message.replace("--", "", 1)))
    yield Setting(entry, read_value, item)


def _plain(value: Json) -> str:
    return json.dumps(value) if isinstance(value, dict | list) else str(value)
