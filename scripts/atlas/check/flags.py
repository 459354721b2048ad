"""A command line's flags, or a file of them, as values of parameters."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from atlas.check.fragments import kinds_of
from atlas.check.model import UNKNOWN, Finding, Item, Json, Path, Place
from atlas.check.names import Entry, Names, inside, is_boolean
from atlas.check.texts import TEMPLATE, NotReadable, anything, parsed, read

_NUMBER = re.compile(r"-\d+$|-\d*\.\d+$")


class Token(NamedTuple):
    """One word of a command line, and where it stands."""

    text: str
    place: Place


class Setting:
    """A parameter with the value that was given for it."""

    __slots__ = ("entry", "item", "value")

    def __init__(self, entry: Entry, value: Json, item: Item) -> None:
        self.entry = entry
        self.value = value
        self.item = item


class Read:
    """What flags said: settings in the order given, findings about flags, and names that nothing knows."""

    def __init__(
        self, settings: Iterable[Setting] = (), findings: Iterable[Finding] = (), unknown: Iterable[Item] = ()
    ) -> None:
        self.settings = list(settings)
        self.findings = list(findings)
        self.unknown = list(unknown)


def read_tokens(tokens: Sequence[Token], names: Names) -> Read:
    """The words of a command line after the command itself."""
    return _Tokens(tokens, names).read()


class _Tokens:
    def __init__(self, tokens: Sequence[Token], names: Names) -> None:
        self.tokens = tokens
        self.names = names
        self.found = Read()
        self.positionals = list(names.serve.get("positionals", ()))
        self.by_name: dict[str, Setting] = {}

    def read(self) -> Read:
        place = 0
        while place < len(self.tokens):
            place = self._one(place)
        return self.found

    def _one(self, place: int) -> int:
        token = self._opened(place)
        if not _is_flag(token.text):
            self._positional(token)
            return place + 1
        name, equals, attached = token.text.partition("=")
        if name.startswith("-") and "." in name and self.names.serve.get("dotted_flags"):
            return self._dotted(place, name, attached if equals else None)
        flag, known, rest = self._resolved(name)
        if known is None:
            return self._unknown(place, flag, attached if equals else None)
        if rest is not None and not equals:
            attached, equals = rest, "="
        entry, denied = known
        return self._value(place, flag, entry, denied, attached if equals else None)

    def _opened(self, place: int) -> Token:
        """The word, where a value is attached to a short flag (`-O3`, `-O 3`) as the parser writes it."""
        token = self.tokens[place]
        for flag, full in self.names.serve.get("attached", {}).items():
            rest = token.text.removeprefix(flag)
            if rest and token.text != rest and not rest.startswith("."):
                return token._replace(text=f"{full}={rest.removeprefix('=')}")
            following = self.tokens[place + 1].text if place + 1 < len(self.tokens) else ""
            if token.text == flag and following.isdigit():
                return token._replace(text=full)
        return token

    def _resolved(self, name: str) -> tuple[str, tuple[Entry, bool] | None, str | None]:
        """The flag as the parser knows it, its parameter, and a value attached to a short flag."""
        flags = self.names.flags
        flag = spelled(name, self.names)
        if flag in flags:
            return flag, flags[flag], None
        if flag in self.names.other_flags:
            return flag, None, None
        if flag.startswith("--"):
            if self.names.serve.get("abbreviations"):
                every = {one for one in (*flags, *self.names.other_flags) if one.startswith(flag)}
                whole = {id(flags[one][0]) if one in flags else one for one in every}
                if len(whole) == 1 and (full := min(every, key=len)) in flags:
                    return full, flags[full], None
        elif (short := name[:2]) in flags and len(name) > 2:
            return short, flags[short], name[2:]
        return flag, None, None

    def _unknown(self, place: int, flag: str, attached: str | None) -> int:
        """A flag of the serving program, or of nothing: its values are those words that are no flags."""
        token = self.tokens[place]
        end = place + 1
        values = [] if attached is None else [attached]
        while attached is None and end < len(self.tokens) and not _is_flag(self.tokens[end].text):
            values.append(self.tokens[end].text)
            end += 1
        if flag in self.names.serve.get("flags", {}):
            self._finding(
                "ignored",
                token.place,
                f"`{flag}` sets nothing of {self.names.cls.rpartition('.')[2]}",
                written=flag,
                level="warning",
            )
        elif flag not in self.names.other_flags:
            value = values[0] if len(values) == 1 else values or True
            self.found.unknown.append(Item(flag, value, token.place, raw=True))
        return end

    def _positional(self, token: Token) -> None:
        if not self.positionals:
            self._finding(
                "unexpected_argument",
                token.place,
                f"`{token.text}` belongs to no flag; the command line is refused",
                written=token.text,
            )
            return
        name = self.positionals.pop(0)
        if (entry := self.names.fields.get(name)) is not None:
            value = UNKNOWN if TEMPLATE.search(token.text) else token.text
            self._set(entry, value, Item(name, token.text, token.place))

    def _dotted(self, place: int, name: str, attached: str | None) -> int:
        """`--flag.key value`, `--flag.key+ item,item`."""
        token = self.tokens[place]
        flag, *keys = name.split(".")
        if not all(keys):
            self._finding("wrong_flag", token.place, f"{name} names no key", written=name)
            return place + 1
        _, known, _ = self._resolved(flag)
        end = place + 1
        if attached is None:
            if end >= len(self.tokens):
                self._finding("missing_value", token.place, f"{name} needs a value", written=name)
                return end
            attached, end = self.tokens[end].text, end + 1
        if known is None:
            self.found.unknown.append(Item(flag, UNKNOWN, token.place, raw=True))
            return end
        value: Json = anything(attached)
        if keys[-1].endswith("+"):
            keys[-1] = keys[-1][:-1]
            value = attached.split(",")
        self._merge(known[0], flag, keys, value, token.place)
        return end

    def _merge(self, entry: Entry, flag: str, keys: list[str], value: Json, place: Place) -> None:
        before = self.by_name.get(entry["path"])
        whole = before.value if before and isinstance(before.value, dict) else {}
        places: dict[Path, Place] = dict(before.item.inner) if before and whole else {}
        whole = json.loads(json.dumps(whole, default=lambda _: None)) if whole else {}
        inner = whole
        for key in keys[:-1]:
            inner = inner.setdefault(key, {})
            if not isinstance(inner, dict):
                return
        inner[keys[-1]] = value
        places[tuple(keys)] = place
        item = Item(flag, whole, before.item.place if before else place, places)
        if before:
            before.value, before.item = whole, item
        else:
            self._set(entry, whole, item)

    def _value(self, place: int, flag: str, entry: Entry, denied: bool, attached: str | None) -> int:
        token = self.tokens[place]
        item = Item(flag, attached, token.place, raw=True)
        end = place + 1
        arity = _arity(entry)
        if arity == "none" and self._may_take_value(entry):
            if attached is None and not self.positionals and self._is_value(end):
                attached, end = "", end + 1
            self._set(entry, not denied if attached is None else UNKNOWN, item)
            return end
        if arity == "none":
            if attached is not None:
                self._finding(
                    "unexpected_value", token.place, f"{flag} takes no value", entry=entry, written=flag
                )
            elif end < len(self.tokens) and self.tokens[end].text.lower() in ("true", "false", "1", "0"):
                if not self.positionals:
                    self._finding(
                        "unexpected_value",
                        token.place,
                        f"{flag} takes no value, and `{self.tokens[end].text}` belongs to no flag",
                        entry=entry,
                        written=flag,
                    )
                end += 1
            self._set(entry, not denied, item)
            return end
        texts = [] if attached is None else [attached]
        while attached is None and end < len(self.tokens) and not _is_flag(self.tokens[end].text):
            texts.append(self.tokens[end].text)
            end += 1
            if arity != "many":
                break
        if not texts:
            if arity == "optional":
                self._set(entry, True, item)
            else:
                self._finding(
                    "missing_value", token.place, f"{flag} needs a value", entry=entry, written=flag
                )
            return end
        self._set(entry, self._read(entry, texts, item, arity), item._replace(value=" ".join(texts)))
        return end

    def _may_take_value(self, entry: Entry) -> bool:
        """Where true and false have a flag each, one that stands alone may take a value."""
        denied = any(negative for one, negative in self.names.flags.values() if one is entry)
        return bool(self.names.serve.get("negations")) and not denied

    def _is_value(self, place: int) -> bool:
        return place < len(self.tokens) and not _is_flag(self.tokens[place].text)

    def _read(self, entry: Entry, texts: list[str], item: Item, arity: str) -> Json:
        value, finding = value_of(entry, texts, item, self.names, many=arity == "many")
        self.found.findings += [finding] if finding else []
        return value

    def _set(self, entry: Entry, value: Json, item: Item) -> None:
        before = self.by_name.get(entry["path"])
        if before is not None:
            self.found.settings.remove(before)
            self._finding(
                "given_twice",
                item.place,
                f"{item.name} is given twice; the last one counts",
                entry=entry,
                written=item.name,
                level="note",
            )
        self.by_name[entry["path"]] = setting = Setting(entry, value, item)
        self.found.settings.append(setting)

    def _finding(
        self,
        kind: str,
        place: Place,
        message: str,
        *,
        written: str,
        entry: Entry | None = None,
        level: Any = "error",
    ) -> None:
        self.found.findings.append(
            Finding(kind, level, message, place, entry["path"] if entry else "", written, **_source(entry))
        )


def _source(entry: Entry | None) -> dict[str, Any]:
    for one in entry["evidence"] if entry else ():
        if one.get("file"):
            return {"file": one["file"], "line": one["line"]}
    return {}


def spelled(name: str, names: Names) -> str:
    """A flag as the parser compares it."""
    if name.startswith("--") and names.serve.get("underscores"):
        return name.replace("_", "-")
    return name


def _is_flag(text: str) -> bool:
    return (
        text.startswith("-") and text != "-" and not _NUMBER.match(text) and " " not in text.partition("=")[0]
    )


def _arity(entry: Entry) -> str:
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
        return read(texts[0], fragment, suffixes=suffixes, words=words, loose=loose), None
    except NotReadable as error:
        closed = not entry.get("open")
        kind = "not_allowed" if "enum" in entry and closed else "wrong_type"
        finding = Finding(
            kind,
            "error",
            f"{item.name} {error}",
            item.place,
            entry["path"],
            item.name,
            " ".join(texts),
            **_source(entry),
        )
        return UNKNOWN, finding


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
                        **_source(entry),
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
    read_value, finding = value_of(entry, texts or [""], item, names, many=_arity(entry) == "many")
    if finding:
        found.findings.append(finding._replace(message=finding.message.replace("--", "", 1)))
    yield Setting(entry, read_value, item)


def _plain(value: Json) -> str:
    return json.dumps(value) if isinstance(value, dict | list) else str(value)
