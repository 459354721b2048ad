"""A name that the engine version does not have: what it may have meant, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from atlas.check.model import Finding, Item, Level
from atlas.check.names import Entry, Names, level, nearest
from atlas.knowledge.knowledge import Knowledge
from atlas.knowledge.library import load, versions


@dataclass(frozen=True)
class Elsewhere:
    """A parameter in other versions of the engine: the last before with it, the first after with it."""

    last_before: str | None
    gone_by: str | None
    first_after: str | None
    advice: str | None
    """What its deprecation said."""
    taken: bool = False
    """Whether the version that went without it takes further names, and may still take this one."""
    now: str | None = None
    """What took its place, by the engine's own evidence."""
    flags_until: str | None = None
    """The last version whose parser still took its flag, setting nothing."""


def unknown_parameter(names: Names, item: Item, *, flags: bool, advise: bool = True) -> Finding:
    """The finding about it; an error where the engine refuses it. `advise`: with what it may mean."""
    knowledge = names.knowledge
    flag = item.name if item.name.startswith("-") else f"--{item.name}"
    plain = item.name.lstrip("-").replace("-", "_")
    prefix = f"{names.root['prefix']}." if names.root["prefix"] else ""
    found = elsewhere(knowledge, names.group, prefix + plain) if advise else None
    near = _near(names, flag, plain, flags=flags) if advise else ()
    if flags and not item.name.startswith("-"):
        near = tuple(one.removeprefix("--") for one in near if one.startswith("--"))
    dashes = flags and advise and bool(_other_dashes(names, flag, flags=flags))
    parts = [
        f"`{item.name}` is no {'flag' if flags else 'parameter'} of {knowledge.engine} {knowledge.version}"
    ]
    if found:
        parts.append(told_elsewhere(knowledge, found))
    elif near:
        parts.append(f" (did you mean {' or '.join(f'`{one}`' for one in near)}?)")
    severity: Level = (
        "error" if _refused(names, flags=flags, known_elsewhere=bool(found) or dashes) else "warning"
    )
    if severity == "warning":
        parts.append(
            "; the program that serves may have it"
            if flags
            else "; whether the engine refuses it is not known, as it takes further names"
        )
    return Finding(
        kind="removed_parameter" if found and found.last_before else "unknown_parameter",
        level=severity,
        message="".join(parts),
        place=item.place,
        parameter=plain,
        written=item.name,
        value=None if item.raw else item.value,
        evidence="declared",
        nearest=near,
    )


def _near(names: Names, flag: str, plain: str, *, flags: bool) -> tuple[str, ...]:
    found = _other_dashes(names, flag, flags=flags)
    if found or not flags:
        return found or nearest(plain, names.settable())
    return nearest(flag, [one for one in (*names.flags, *names.other_flags) if one.startswith("--")])


def _other_dashes(names: Names, flag: str, *, flags: bool) -> tuple[str, ...]:
    """`--tp` for `-tp`, or the other way round; for keyword arguments, the name behind it."""
    other = f"-{flag}" if not flag.startswith("--") else flag.removeprefix("-")
    if other not in names.flags:
        return ()
    entry = names.flags[other][0]
    return tuple(dict.fromkeys((other, str(entry["cli_flag"])))) if flags else (str(entry["name"]),)


def _refused(names: Names, *, flags: bool, known_elsewhere: bool) -> bool:
    """Whether a name that is not known is surely refused."""
    if not flags:
        return names.closed
    other = names.serve.get("other_flags")
    return bool(names.serve) and (known_elsewhere or other is None or bool(other.get("complete")))


def elsewhere(knowledge: Knowledge, group: str, path: str) -> Elsewhere | None:
    """The parameter at a path (or of that flag or alias) in other tracked versions; None if none has it."""
    above, _, name = path.rpartition(".")
    if name in level(knowledge, group, above):
        return None  # it is there, and only its flag is written in another way
    return _by_history(knowledge, group, path) or _by_schemas(knowledge, group, path)


def _by_history(knowledge: Knowledge, group: str, path: str) -> Elsewhere | None:
    """By the history of all tracked versions, as far as their sources go."""
    from atlas.history.history import load_history

    history = load_history(knowledge.engine, knowledge.folder.parents[1])
    if history is None or knowledge.version not in history.versions:
        return None
    above, _, name = path.rpartition(".")
    flag = name.replace("_", "-")
    named = [key for asked in (path, name, f"--{flag}", f"--{name}") for key in history.find(asked, group)]
    key = next((key for key in named if key[1].rpartition(".")[0] == above), None)
    if key is None or history.at(key, knowledge.version).present:
        return None
    found = history.around(key, knowledge.version)
    if found.last is None:
        return Elsewhere(None, None, found.first_after.since, None) if found.first_after else None
    assert found.gone is not None
    deprecated = found.last.facts.get("deprecated") or {}
    renamed = found.gone.renamed
    return Elsewhere(
        last_before=found.last.until,
        gone_by=found.gone.since,
        first_after=found.first_after.since if found.first_after else None,
        advice=deprecated.get("replacement") or deprecated.get("message"),
        taken=found.gone.state != "absent",
        now=renamed.to.rpartition(".")[2] if renamed and not renamed.maybe else None,
        flags_until=found.flags_until,
    )


def _by_schemas(knowledge: Knowledge, group: str, path: str) -> Elsewhere | None:
    """By the schemas of the versions that are kept in full: what only a running class shows, too."""
    results = knowledge.folder.parents[1]
    tracked = versions(knowledge.engine, results)
    if knowledge.version not in tracked:
        return None
    having: dict[str, str | None] = {}
    for version in tracked:
        if version != knowledge.version:
            entry = _entry(_loaded(knowledge.engine, version, results), group, path)
            if entry is not None:
                deprecated = entry.get("deprecated") or {}
                having[version] = deprecated.get("replacement") or deprecated.get("message")
    if not having:
        return None
    place = tracked.index(knowledge.version)
    before = [one for one in tracked[:place] if one in having]
    after = [one for one in tracked[place + 1 :] if one in having]
    last = before[-1] if before else None
    gone = tracked[tracked.index(last) + 1] if last else None
    return Elsewhere(last, gone, after[0] if after else None, having[last] if last else None)


@lru_cache(maxsize=16)
def _loaded(engine: str, version: str, results: Path) -> Knowledge:
    """Once, however many names are asked for."""
    return load(engine, version, results)


def _entry(knowledge: Knowledge, group: str, path: str) -> Entry | None:
    above, _, name = path.rpartition(".")
    members = level(knowledge, group, above)
    if name in members:
        return members[name]
    for entry in members.values():
        long = (flag for flag in entry.get("cli_flags", ()) if flag.startswith("--"))
        spellings = {flag.lstrip("-").replace("-", "_") for flag in long}
        if name in (*entry.get("aliases", ()), *spellings):
            return entry
    return None


def told_elsewhere(knowledge: Knowledge, found: Elsewhere | None) -> str:
    """What to say of it, after the name; nothing where nothing is known."""
    if found and found.last_before:
        advice = f" ({found.advice})" if found.advice else f" (now `{found.now}`)" if found.now else ""
        if found.flags_until:
            advice += f"; the parser of {found.flags_until} still lists the flag, which sets nothing"
        without = "was not seen to take it" if found.taken else "does not"
        return f": {knowledge.engine} {found.last_before} has it, {found.gone_by} {without}{advice}"
    if found and found.first_after:
        return f": {knowledge.engine} {found.first_after} has it, no earlier version that is tracked does"
    return ""
