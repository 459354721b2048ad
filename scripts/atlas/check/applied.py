"""The rules of all classes that a configuration is about, and what they say of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

from atlas.check.given import Setting, source_of
from atlas.check.joined import Joined, joined
from atlas.check.model import UNKNOWN, Finding, Json
from atlas.check.names import Entry, Names, class_of, inside
from atlas.check.rules import Applied, RuleSet, same
from atlas.knowledge.knowledge import Knowledge
from atlas.knowledge.model import Rule, Target


class Rules:
    """The rules about one class, those it hands values to, and those of objects inside."""

    def __init__(self, knowledge: Knowledge, names: Names) -> None:
        self.knowledge = knowledge
        self.names = names

    @cached_property
    def own(self) -> tuple[Target, RuleSet] | None:
        return self._rules_of(self.names.cls)

    @cached_property
    def joined(self) -> tuple[Joined, ...]:
        return tuple(joined(self.knowledge, self.names.fields))

    def _rules_of(self, cls: str) -> tuple[Target, RuleSet] | None:
        if cls not in self._sets:
            target = next((one for one in self.knowledge.targets if one.cls == cls), None)
            rules = self.knowledge.rules(cls)
            self._sets[cls] = (target, RuleSet(rules, target.context)) if target and rules else None
        return self._sets[cls]

    @cached_property
    def _sets(self) -> dict[str, tuple[Target, RuleSet] | None]:
        return {}

    def applied(self, settings: Sequence[Setting], further: Mapping[str, Json]) -> Iterator[Applied]:
        """Every class with rules that a part of the configuration is about.

        `further` are names that the class takes without knowing them; its rules may.
        """
        config = {one.entry["name"]: one.value for one in settings if _is_known(one.value)}
        config |= {name: value for name, value in further.items() if _is_known(value)}
        if self.own:
            target, rules = self.own
            yield Applied(target, rules, config, {name: name for name in config})
        for one in self.joined:
            fields = {field: name for name, field in one.fields.items() if name in config}
            if fields:
                taken = {field: config[name] for field, name in fields.items()}
                unsure = frozenset(field for field, name in fields.items() if name in one.unsure)
                yield Applied(one.target, one.rules, taken, fields, via=one.target.name, unsure=unsure)
        for setting in settings:
            if isinstance(setting.value, dict) and _is_known(setting.value):
                yield from self._applied_inside(setting.entry, setting.value, self.names.group)

    def _applied_inside(self, entry: Entry, value: Mapping[str, Json], group: str) -> Iterator[Applied]:
        cls = class_of(entry["type"])
        found = self._rules_of(cls) if cls else None
        if found and cls:
            target, rules = found
            names = {name: f"{entry['path']}.{name}" for name in value}
            yield Applied(target, rules, value, names, via=target.name)
        of, members = inside(self.knowledge, group, entry)
        for name, inner in value.items():
            if isinstance(inner, dict) and name in members:
                yield from self._applied_inside(members[name], inner, of)

    def told(self, one: Applied, settings: Sequence[Setting]) -> Iterator[Finding]:
        from atlas.check import messages

        items = {setting.entry["name"]: setting.item for setting in settings}
        entries = {setting.entry["name"]: setting.entry for setting in settings}
        bare = {rule.id for rule in one.rules.holding({})} if one.rules.always else set()
        for rule in one.rules.holding(one.config):
            given = [name for name in (*rule.fields, *rule.sets) if name.partition(".")[0] in one.config]
            if not given or (rule.id in bare and rule.severity != "error"):
                continue
            if one.via and "given(" in rule.when and not _all_given(rule, one.config):
                continue
            if rule.severity == "dormant" and not self._changes(rule, one):
                continue
            found = messages.told(rule, one, items, given)
            entry = entries.get(found.parameter)
            yield found._replace(**source_of(entry)) if entry and found.file is None else found

    def _changes(self, rule: Rule, one: Applied) -> bool:
        """Whether a rule makes something else of what was given, or sets what was not."""
        found = one.rules.sets(rule, one.config)
        return (
            any(
                name not in one.target.defaults or not same(value, one.target.defaults[name])
                if name not in one.config
                else not same(value, one.config[name])
                for name, value in found.items()
            )
            or not found
        )

    def effective(self, one: Applied) -> dict[str, Json]:
        """What given parameters end up as, under the names that the user knows."""
        if one.unsure:
            return {}
        if not any(rule.severity == "dormant" for rule in one.rules.holding(one.config)):
            return {}
        found, stable = one.rules.effective(one.config)
        if not stable:
            return {}
        bare, _ = one.rules.effective({})
        return {
            one.names.get(name, f"{one.via}.{name}" if one.via else name): value
            for name, value in found.items()
            if name in one.config or name not in bare or not same(bare[name], value)
        }


def _is_known(value: Json) -> bool:
    """Whether nothing in it is filled in later."""
    if isinstance(value, dict):
        return all(map(_is_known, value.values()))
    if isinstance(value, list):
        return all(map(_is_known, value))
    return value is not UNKNOWN


def _all_given(rule: Rule, config: Mapping[str, Json]) -> bool:
    return all(name.partition(".")[0] in config for name in rule.fields)
