"""One configuration against one engine version: everything that is wrong with it, at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from atlas.check.applied import Rules
from atlas.check.declared import Declared
from atlas.check.findings import in_order, without_repeated, without_vague
from atlas.check.given import Read, Setting, Token, source_of
from atlas.check.model import Finding, Item, Json, Place, Result
from atlas.check.names import Entry, Names
from atlas.knowledge.knowledge import Knowledge

MOST_ADVISED = 100
"""Of so many unknown names it is told what they may have meant, or where they were: it takes milliseconds."""


class Checker:
    """Checks configurations of one class or function; made once, it is fast for many."""

    def __init__(self, knowledge: Knowledge, names: Names) -> None:
        self.knowledge = knowledge
        self.names = names
        self.declared = Declared(knowledge, names.group)
        self.rules = Rules(knowledge, names)

    # The three ways a configuration is written.

    def check_tokens(
        self, tokens: Sequence[Token], subject: str, notes: Sequence[Finding] = (), keys: Sequence[Item] = ()
    ) -> Result:
        """The words of a command line; `keys` are those of the file that it names, which it overrides."""
        from atlas.check.tokens import read_tokens

        read = read_tokens(tokens, self.names)
        if keys:
            from atlas.check.keys import read_keys

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
        from atlas.check.keys import read_keys

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
        findings = [*notes, *self._limits(subject)]
        if read.unknown:
            from atlas.check.unknown import unknown_parameter

            findings += [
                unknown_parameter(self.names, item, flags=flags, advise=place < MOST_ADVISED)
                for place, item in enumerate(read.unknown)
            ]
        further = {} if flags or self.names.closed else {one.name: one.value for one in read.unknown}
        applied = list(self.rules.applied(read.settings, further))
        declared = [found for setting in read.settings for found in self.declared.problems(setting)]
        told: list[Finding] = []
        effective: dict[str, Json] = {}
        for one in applied:
            told += self.rules.told(one, read.settings)
            effective |= self.rules.effective(one)
        listed = [one for one in read.findings if one.kind == "not_allowed"]
        findings += [one for one in read.findings if one.kind != "not_allowed"]
        findings += without_repeated([*listed, *declared], told)
        findings += without_vague(told)
        findings += [found for setting in read.settings for found in self._deprecated(setting)]
        findings += self._missing(read, flags)
        findings.sort(key=in_order)
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
            **source_of(setting.entry),
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
                    **source_of(entry),
                )
