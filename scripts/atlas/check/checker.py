"""One configuration against one engine version: everything that is wrong with it, at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from atlas.check.flags import Read, Setting, Token, read_keys, read_tokens
from atlas.check.fragments import problems
from atlas.check.joined import Joined, always_made, is_handed_over, joined
from atlas.check.model import LEVELS, UNKNOWN, Finding, Item, Json, Path, Place, Result
from atlas.check.names import Entry, Names, class_of, inside, level, nearest
from atlas.check.rules import Applied, RuleSet, same
from atlas.knowledge.knowledge import Knowledge
from atlas.knowledge.model import Rule, Target

_KINDS = {"type": "wrong_type", "range": "out_of_range", "choice": "not_allowed"}


class Checker:
    """Checks configurations of one class or function; made once, it is fast for many."""

    def __init__(self, knowledge: Knowledge, names: Names) -> None:
        self.knowledge = knowledge
        self.names = names

    # The three ways a configuration is written.

    def check_tokens(
        self, tokens: Sequence[Token], subject: str, notes: Sequence[Finding] = (), keys: Sequence[Item] = ()
    ) -> Result:
        """The words of a command line; `keys` are those of the file that it names, which it overrides."""
        read = read_tokens(tokens, self.names)
        if keys:
            below = read_keys(keys, self.names)
            given = {setting.entry["path"] for setting in read.settings}
            read = Read(
                [one for one in below.settings if one.entry["path"] not in given] + read.settings,
                below.findings + read.findings,
                below.unknown + read.unknown,
            )
        return self._result(read, subject, notes, flags=True)

    def check_keys(self, items: Sequence[Item], subject: str) -> Result:
        """A file of flags."""
        return self._result(read_keys(items, self.names), subject, (), flags=True)

    def check_fields(self, items: Sequence[Item], subject: str) -> Result:
        """Keyword arguments."""
        read = Read()
        for item in items:
            entry = self.names.fields.get(item.name) or self._by_flag(item.name)
            if entry is None:
                read.unknown.append(item)
            else:
                read.settings.append(Setting(entry, item.value, item))
        return self._result(read, subject, (), flags=False)

    def _by_flag(self, name: str) -> Entry | None:
        if "-" not in name:
            return None
        known = self.names.flags.get(f"--{name.lstrip('-')}")
        return known[0] if known else None

    def check(self, config: Mapping[str, Json]) -> Result:
        """Keyword arguments as they are."""
        place = Place("config")
        return self.check_fields([Item(name, value, place) for name, value in config.items()], "config")

    # What is found.

    def _result(self, read: Read, subject: str, notes: Sequence[Finding], *, flags: bool) -> Result:
        findings = [*notes, *self._limits(subject), *read.findings]
        if read.unknown:
            from atlas.check.unknown import unknown_parameter

            findings += [unknown_parameter(self.names, item, flags=flags) for item in read.unknown]
        further = {} if flags or self.names.closed else {one.name: one.value for one in read.unknown}
        applied = list(self._applied(read.settings, further))
        declared = [found for setting in read.settings for found in self._declared(setting)]
        told: list[Finding] = []
        effective: dict[str, Json] = {}
        for one in applied:
            told += self._told(one, read.settings)
            effective |= self._effective(one)
        findings += _without_repeated(declared, told)
        findings += without_vague(told)
        findings += [found for setting in read.settings for found in self._deprecated(setting)]
        findings += self._missing(read, flags)
        findings.sort(key=_order)
        return Result(
            subject=subject,
            engine=self.knowledge.engine,
            version=self.knowledge.version,
            group=self.names.group,
            target=self.names.cls,
            findings=tuple(self._linked(one) for one in findings),
            effective={} if any(one.level == "error" for one in findings) else effective,
            checked=len(read.settings) + len(read.unknown),
            in_full=self.knowledge.in_full,
        )

    def _limits(self, subject: str) -> Iterator[Finding]:
        """What is to be said of a version that is not kept in full."""
        if not self.knowledge.in_full:
            from atlas.history.recorded import told

            place = Place(subject.partition(" (")[0])
            yield Finding("history_only", "note", str(told(self.knowledge)), place, evidence="static")

    def _linked(self, finding: Finding) -> Finding:
        if finding.file is None or finding.line is None:
            return finding
        return finding._replace(link=self.knowledge.source_link(finding.file, finding.line))

    # Types, limits and choices.

    def _declared(self, setting: Setting) -> Iterator[Finding]:
        yield from self._value_problems(setting.entry, setting.value, (), setting.item, self.names.group)

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
            level = "error" if lax or (kind == "range" and self._enforced(entry)) else "warning"
            yield self._declared_finding(
                _KINDS[kind], level, entry, item, (*path, *place), value, f"{_named(item, path)}: {text}"
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
            **_source(entry),
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

    # Rules.

    @cached_property
    def _own(self) -> tuple[Target, RuleSet] | None:
        return self._rules_of(self.names.cls)

    @cached_property
    def _joined(self) -> tuple[Joined, ...]:
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

    def _applied(self, settings: Sequence[Setting], further: Mapping[str, Json]) -> Iterator[Applied]:
        """Every class with rules that a part of the configuration is about.

        `further` are names that the class takes without knowing them; its rules may.
        """
        config = {one.entry["name"]: one.value for one in settings if _is_known(one.value)}
        config |= {name: value for name, value in further.items() if _is_known(value)}
        if self._own:
            target, rules = self._own
            yield Applied(target, rules, config, {name: name for name in config})
        for one in self._joined:
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

    def _told(self, one: Applied, settings: Sequence[Setting]) -> Iterator[Finding]:
        from atlas.check.messages import told

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
            found = told(rule, one, items, given)
            entry = entries.get(found.parameter)
            yield found._replace(**_source(entry)) if entry and found.file is None else found

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

    def _effective(self, one: Applied) -> dict[str, Json]:
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

    # What else is to be told.

    def _deprecated(self, setting: Setting) -> Iterator[Finding]:
        deprecated = setting.entry.get("deprecated")
        if not deprecated:
            return
        parts = [f"{setting.item.name} is deprecated"]
        if deprecated.get("since"):
            parts.append(f" since {deprecated['since']}")
        if deprecated.get("replacement"):
            parts.append(f"; use {deprecated['replacement']}")
        elif deprecated.get("message"):
            parts.append(f": {deprecated['message']}")
        yield Finding(
            "deprecated",
            "warning",
            "".join(parts),
            setting.item.place,
            setting.entry["path"],
            setting.item.name,
            **_source(setting.entry),
        )

    def _missing(self, read: Read, flags: bool) -> Iterator[Finding]:
        """Parameters of the class itself that have to be given."""
        if flags or self.names.root["kind"] == "function":
            return
        given = {id(setting.entry) for setting in read.settings}
        for name, entry in self.names.fields.items():
            required = entry["default_kind"] == "required" and name == entry["name"]
            if required and id(entry) not in given and entry.get("via") is None:
                yield Finding(
                    "missing_parameter",
                    "warning",
                    f"`{name}` has no default and is not given",
                    read.settings[0].item.place if read.settings else Place(""),
                    entry["path"],
                    name,
                    **_source(entry),
                )


def _source(entry: Entry) -> dict[str, Any]:
    for one in entry["evidence"]:
        if one.get("file"):
            return {"file": one["file"], "line": one["line"]}
    return {}


def _named(item: Item, path: Path) -> str:
    return ".".join([item.name, *(str(part) for part in path)])


def _is_known(value: Json) -> bool:
    """Whether nothing in it is filled in later."""
    if isinstance(value, dict):
        return all(map(_is_known, value.values()))
    if isinstance(value, list):
        return all(map(_is_known, value))
    return value is not UNKNOWN


def _all_given(rule: Rule, config: Mapping[str, Json]) -> bool:
    return all(name.partition(".")[0] in config for name in rule.fields)


def _without_repeated(declared: Sequence[Finding], told: Sequence[Finding]) -> list[Finding]:
    """What is declared, but for parameters that a proven rule refuses for that alone."""
    proven = {one.parameter for one in told if one.level == "error" and one.evidence == "proven"}
    return [one for one in declared if one.parameter not in proven or one.kind == "unknown_parameter"]


def without_vague(told: Sequence[Finding]) -> list[Finding]:
    """Of several findings of one statement, those that say no more than another are left out."""
    kept: list[Finding] = []
    for one in sorted(told, key=lambda finding: finding.message.count("…")):
        same_place = (
            other
            for other in kept
            if one.line and (one.file, one.line, one.kind) == (other.file, other.line, other.kind)
        )
        if not any("…" in one.message or one.message == other.message for other in same_place):
            kept.append(one)
    return kept


def _order(finding: Finding) -> tuple[Any, ...]:
    place = finding.place
    return (LEVELS.index(finding.level), place.name, place.line or 0, place.column or 0, finding.parameter)
