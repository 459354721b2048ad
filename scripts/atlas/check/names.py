"""What can be set in one configuration class or function: its parameters by name, flag and path."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cached_property
from weakref import WeakKeyDictionary

from atlas.check.fragments import kinds_of
from atlas.check.model import Json
from atlas.knowledge.knowledge import Knowledge

Entry = Mapping[str, Json]
STRICT_KINDS = frozenset({"dataclass", "attrs", "msgspec", "named_tuple"})
"""Families whose constructor refuses a name that it does not know."""


class Names:
    """The parameters of one root of a group; what is nested in them too."""

    def __init__(self, knowledge: Knowledge, group: str, root: Mapping[str, Json]) -> None:
        self.knowledge = knowledge
        self.group = group
        self.root = root
        self.cls: str = root["name"]

    @cached_property
    def closed(self) -> bool:
        """Whether a name that is not known is refused."""
        return self.root["kind"] in STRICT_KINDS or self.cls in self.knowledge.closed

    @cached_property
    def fields(self) -> dict[str, Entry]:
        """What can be set, by name and alias."""
        prefix = self.root["prefix"]
        found = {
            name: entry
            for name, entry in level(self.knowledge, self.group, prefix).items()
            if self.root.get("nested") or entry["root"] == self.cls or self.cls in entry.get("also_in", ())
        }
        for entry in list(found.values()):
            for alias in entry.get("aliases", ()):
                found.setdefault(alias, entry)
        return found

    @cached_property
    def flags(self) -> dict[str, tuple[Entry, bool]]:
        """Each flag's parameter, and whether the flag denies it."""
        found: dict[str, tuple[Entry, bool]] = {}
        for entry in self.fields.values():
            usual = entry.get("cli_flag")
            if not usual:
                continue
            spellings = entry.get("cli_flags", (usual,))
            denied = {flag for flag in spellings if is_boolean(entry["type"]) and _denies(flag, usual)}
            for flag in spellings:
                found[flag] = (entry, flag in denied)
            if denied and self.serve.get("negations"):
                found.setdefault(f"--no-{usual.removeprefix('--')}", (entry, True))
        for flag, told in self.serve.get("flags", {}).items():
            known = next((self.fields[name] for name in told["sets"] if name in self.fields), None)
            if known is not None:
                found.setdefault(flag, (known, told["denies"]))
        return found

    @cached_property
    def serve(self) -> Mapping[str, Json]:
        """How the command line is read, where it sets this group."""
        serve = self.knowledge.serve
        return serve if serve and serve["group"] == self.group else {}

    @cached_property
    def other_flags(self) -> frozenset[str]:
        """Flags that are read, and set nothing of this class."""
        listed: list[str] = self.serve.get("other_flags", {}).get("names", [])
        return frozenset(self.serve.get("flags", {}).keys() - self.flags.keys()).union(listed)

    def settable(self) -> list[str]:
        """What to suggest: public names that a user can set."""
        return [
            name
            for name, entry in self.fields.items()
            if not entry.get("private") and not entry.get("readonly") and entry.get("via") != "init_attr"
        ]


_known: WeakKeyDictionary[Knowledge, dict[tuple[str, str], Names]] = WeakKeyDictionary()


def names_of(knowledge: Knowledge, group: str, root: Mapping[str, Json]) -> Names:
    """The names of a root, the same object whenever it is asked for."""
    known = _known.setdefault(knowledge, {})
    key = (group, root["name"])
    if key not in known:
        known[key] = Names(knowledge, group, root)
    return known[key]


def level(knowledge: Knowledge, group: str, path: str) -> dict[str, Entry]:
    """The parameters directly below a path (`""`: the first level), by name."""
    return knowledge.levels(group).get(path, {})


def inside(knowledge: Knowledge, group: str, entry: Entry) -> tuple[str, dict[str, Entry]]:
    """The group and members of the class that a parameter holds; no members where there is not one class."""
    same = entry.get("same_as")
    if same:
        group, _, path = same.partition(":")
        path = "" if path == "." else path
    else:
        path = entry["path"]
    return group, level(knowledge, group, path)


def class_of(fragment: Mapping[str, Json]) -> str | None:
    """The class of an object's type, where there is one only."""
    options = [fragment, *fragment.get("anyOf", ())]
    names = {one["x-python-type"] for one in options if "x-python-type" in one and "object" in kinds_of(one)}
    return names.pop() if len(names) == 1 else None


def is_boolean(fragment: Mapping[str, Json]) -> bool:
    """Whether it is true or false and nothing else but null."""
    kinds = {kind for option in (fragment, *fragment.get("anyOf", ())) for kind in kinds_of(option)}
    return "boolean" in kinds and kinds <= {"boolean", "null"}


def _denies(flag: str, usual: str) -> bool:
    if flag == f"--no-{usual.removeprefix('--')}":
        return True
    pairs = (("--enable-", "--disable-"), ("--disable-", "--enable-"))
    return any(usual.startswith(one) and flag == other + usual.removeprefix(one) for one, other in pairs)


def nearest(name: str, known: Iterable[str], n: int = 3) -> tuple[str, ...]:
    """The names that are most like it, the best first."""
    import difflib  # late: most configurations need no advice

    names = {_bare(one): one for one in known}
    return tuple(names[one] for one in difflib.get_close_matches(_bare(name), list(names), n=n, cutoff=0.7))


def _bare(name: str) -> str:
    """As names are compared: dashes before them make none alike."""
    return name.lower().replace("-", "_").lstrip("_")


_OF_TYPES = re.compile(r"type\((?:[^()]|\([^()]*\))*\) not in ")


def is_decided(knowledge: Knowledge, entry: Entry) -> bool:
    """Whether a proven rule says which values are refused: what is declared may be converted before that."""
    cls, _, field = entry.get("joins", "").rpartition(".")
    return any(
        rule.proven
        and rule.severity == "error"
        and rule.fields == (name,)
        and " not in " in _OF_TYPES.sub("", rule.when)
        for owner, name in ((entry["owner"], entry["name"]), (cls, field))
        for rule in knowledge.rules(owner)
    )
