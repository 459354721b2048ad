"""The words after a flag, or the value of a key in a file of flags, as what the parameter takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from atlas.check.fragments import choices, kinds_of, shown
from atlas.check.given import source_of
from atlas.check.model import UNKNOWN, Finding, Item, Json
from atlas.check.names import Entry, Names, inside, is_boolean, is_decided
from atlas.check.texts import NotReadable, parsed, read


def spelled(name: str, names: Names) -> str:
    """A flag as the parser compares it."""
    if name.startswith("--") and names.serve.get("underscores"):
        return name.replace("_", "-")
    return name


def arity_of(entry: Entry) -> str:
    """How many words a flag takes: `none`, `one`, `many` or `optional`."""
    if is_boolean(entry["type"]):
        return "none"
    options = [entry["type"], *entry["type"].get("anyOf", ())]
    kinds = {kind for option in options for kind in kinds_of(option)}
    if "boolean" in kinds:
        return "optional"
    return "many" if "array" in kinds and not kinds & {"string", "object"} else "one"


def value_of(
    entry: Entry, texts: Sequence[str], item: Item, names: Names, *, many: bool
) -> tuple[Json, Finding | None]:
    """What the words after a flag stand for; UNKNOWN with a finding where the command line is refused."""
    suffixes = entry["name"] in names.serve.get("human_readable", ())
    words = names.serve.get("words", {}).get(entry["name"], {})
    fragment: Mapping[str, Json] = entry["type"]
    try:
        if many:
            if len(texts) == 1 and texts[0].startswith("[") and isinstance(value := parsed(texts[0]), list):
                return value, None
            items = _items(fragment)
            parts = [part for text in texts for part in _parts(text, items)]
            return [read(text, items, suffixes=suffixes, words=words) for text in parts], None
        if _holds_object(fragment):
            suffixes = suffixes or bool(names.serve.get("human_readable"))
        loose = not inside(names.knowledge, names.group, entry)[1]
        value = read(texts[0], fragment, suffixes=suffixes, words=words, loose=loose)
        return value, _unlisted(entry, value, item)
    except NotReadable as error:
        closed = not entry.get("open")
        kind = "not_allowed" if "enum" in entry and closed else "wrong_type"
        if kind == "not_allowed" and is_decided(names.knowledge, entry):
            return texts[0], None
        finding = Finding(
            kind,
            "error",
            f"{item.name} {error}",
            item.place,
            entry["path"],
            item.name,
            " ".join(texts),
            **source_of(entry),
        )
        return UNKNOWN, finding


def _unlisted(entry: Entry, value: Json, item: Item) -> Finding | None:
    """A value that the flag does not list: the parser refuses it, whatever the class behind it takes."""
    if value is UNKNOWN or not lists(entry) or value in entry["enum"]:
        return None
    seen = {one.get("lane") for one in entry["evidence"]}
    return Finding(
        "not_allowed",
        "error" if seen >= {"static", "live"} else "warning",
        f"{item.name} {shown(value)} is not one of {choices(entry['enum'])}",
        item.place,
        entry["path"],
        item.name,
        value,
        **source_of(entry),
    )


def lists(entry: Entry) -> bool:
    """Whether its values are those of the flag, while the class behind it takes others.

    Only what the annotation states as the flag's choices: values of a type may be converted before they are
    looked up, so that others are taken, too.
    """
    if not entry.get("open") or not entry.get("enum"):
        return False
    kinds = {kind for option in (entry["type"], *entry["type"].get("anyOf", ())) for kind in kinds_of(option)}
    if kinds & {"array", "object", "boolean"}:
        return False
    return "choices=" in (entry.get("annotation") or "")


def _parts(text: str, items: Mapping[str, Json]) -> list[str]:
    """Several of the values that are listed, in one word with commas between."""
    listed = {str(one) for one in items.get("enum", ())}
    parts = text.split(",")
    return parts if len(parts) > 1 and listed.issuperset(parts) else [text]


def _items(fragment: Mapping[str, Json]) -> Mapping[str, Json]:
    for option in (fragment, *fragment.get("anyOf", ())):
        if "array" in kinds_of(option) and isinstance(option.get("items"), Mapping):
            items: Mapping[str, Json] = option["items"]
            return items
    return {}


def _holds_object(fragment: Mapping[str, Json]) -> bool:
    return any("object" in kinds_of(option) for option in (fragment, *fragment.get("anyOf", ())))
