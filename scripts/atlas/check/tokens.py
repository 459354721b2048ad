"""A command line's flags as values of parameters."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from atlas.check.given import Read, Setting, Token, source_of
from atlas.check.model import UNKNOWN, Finding, Item, Json, Path, Place
from atlas.check.names import Entry, Names
from atlas.check.texts import TEMPLATE, anything
from atlas.check.words import arity_of, spelled, value_of

_NUMBER = re.compile(r"-\d+$|-\d*\.\d+$")


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
        arity = arity_of(entry)
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
            Finding(kind, level, message, place, entry["path"] if entry else "", written, **source_of(entry))
        )


def _is_flag(text: str) -> bool:
    return (
        text.startswith("-") and text != "-" and not _NUMBER.match(text) and " " not in text.partition("=")[0]
    )
