"""Values held against what is declared of parameters: types, limits, choices, and names inside objects."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any

from atlas.check.fragments import problems
from atlas.check.given import Setting, source_of
from atlas.check.joined import always_made, is_handed_over
from atlas.check.model import UNKNOWN, Finding, Item, Json, Path
from atlas.check.names import Entry, class_of, inside, is_decided, level, nearest
from atlas.knowledge.knowledge import Knowledge

_KINDS = {"type": "wrong_type", "range": "out_of_range", "choice": "not_allowed"}


class Declared:
    """The declarations of one group."""

    def __init__(self, knowledge: Knowledge, group: str) -> None:
        self.knowledge = knowledge
        self.group = group

    def problems(self, setting: Setting) -> Iterator[Finding]:
        """What is wrong with a value, by the declarations alone."""
        yield from self._value_problems(setting.entry, setting.value, (), setting.item, self.group)

    def _value_problems(
        self, entry: Entry, value: Json, path: Path, item: Item, group: str
    ) -> Iterator[Finding]:
        if value is UNKNOWN:
            return
        if entry.get("readonly") or entry.get("via") == "init_attr":
            yield self._declared_finding(
                "not_settable",
                "error",
                entry,
                item,
                path,
                value,
                f"{item.name} is set by the engine, and cannot be given",
            )
            return
        lax = self._converts(entry)
        for place, kind, text in problems(entry["type"], value):
            if lax and kind == "type" and not place and self._conforms(entry, value) is not False:
                continue
            if kind == "choice" and (entry.get("open") or (lax and self._conforms(entry, value) is True)):
                continue
            if kind == "choice" and not place and is_decided(self.knowledge, entry):
                continue
            severity = "error" if lax or (kind == "range" and self._enforced(entry)) else "warning"
            yield self._declared_finding(
                _KINDS[kind], severity, entry, item, (*path, *place), value, f"{_named(item, path)}: {text}"
            )
        if isinstance(value, dict) and value:
            yield from self._members(entry, value, path, item, group)
        if isinstance(value, list) and value:
            yield from self._listed(entry, value, path, item, group)

    def _members(
        self, entry: Entry, value: dict[str, Json], path: Path, item: Item, group: str
    ) -> Iterator[Finding]:
        """What is in an object of a known class."""
        of, members = inside(self.knowledge, group, entry)
        if not members:
            return
        cls = class_of(entry["type"])
        for key, inner in value.items():
            found = members.get(key) or next(
                (one for one in members.values() if key in one.get("aliases", ())), None
            )
            if found is not None:
                yield from self._value_problems(found, inner, (*path, key), item, of)
                continue
            closed = cls in self.knowledge.closed
            from atlas.check.unknown import elsewhere, told_elsewhere

            known = elsewhere(self.knowledge, of, f"{entry['path']}.{key}") if of == group else None
            near = nearest(key, members)
            hint = told_elsewhere(self.knowledge, known)
            if near and not hint:
                hint = f" (did you mean {' or '.join(f'`{one}`' for one in near)}?)"
            owner = (cls or entry["name"]).rpartition(".")[2]
            yield Finding(
                "removed_parameter" if known and known.last_before else "unknown_parameter",
                "error" if closed else "warning",
                f"`{key}` is no parameter of {owner}{hint}",
                item.at((*path, key)),
                f"{entry['path']}.{key}",
                f"{_named(item, path)}.{key}",
                inner,
                nearest=tuple(f"{entry['path']}.{one}" for one in near),
            )

    def _listed(
        self, entry: Entry, value: list[Json], path: Path, item: Item, group: str
    ) -> Iterator[Finding]:
        members = level(self.knowledge, group, f"{entry['path']}[]")
        for index, inner in enumerate(value):
            if members and isinstance(inner, dict):
                for key, part in inner.items():
                    if (found := members.get(key)) is not None:
                        yield from self._value_problems(found, part, (*path, index, key), item, group)

    def _declared_finding(
        self, kind: str, level: Any, entry: Entry, item: Item, path: Path, value: Json, message: str
    ) -> Finding:
        return Finding(
            kind,
            level,
            message,
            item.at(path),
            entry["path"],
            item.name,
            value,
            **source_of(entry),
        )

    def _converts(self, entry: Entry) -> bool:
        """Whether a value of another type is converted or refused, as pydantic does."""
        families = self.knowledge.families
        owners = [entry["owner"]]
        if is_handed_over(entry, self._made):
            owners.append(entry["joins"].rpartition(".")[0])
        return any(families.get(owner, "").startswith("pydantic") for owner in owners)

    @cached_property
    def _made(self) -> frozenset[str]:
        return always_made(self.knowledge)

    def _enforced(self, entry: Entry) -> bool:
        """Whether the class is one whose declared limits are known to be held against values."""
        return self._converts(entry)

    def _conforms(self, entry: Entry, value: Json) -> bool | None:
        from atlas.invariants.predicate import conforms

        return conforms(value, entry["display"])


def _named(item: Item, path: Path) -> str:
    return ".".join([item.name, *(str(part) for part in path)])
