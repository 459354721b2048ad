"""A name that the engine version does not have: what it may have meant, and what became of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from atlas.check.model import Finding, Item, Level
from atlas.check.names import Names, nearest
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


def unknown_parameter(names: Names, item: Item, *, flags: bool) -> Finding:
    """The finding about it; an error where the engine refuses it."""
    knowledge = names.knowledge
    flag = item.name if item.name.startswith("-") else f"--{item.name}"
    plain = item.name.lstrip("-").replace("-", "_")
    found = elsewhere(knowledge, names, plain)
    known: list[str] = list(names.flags) + list(names.other_flags) if flags else names.settable()
    near = nearest(flag, [one for one in known if one.startswith("--")]) if flags else nearest(plain, known)
    if flags and not item.name.startswith("-"):
        near = tuple(one.removeprefix("--") for one in near)
    parts = [
        f"`{item.name}` is no {'flag' if flags else 'parameter'} of {knowledge.engine} {knowledge.version}"
    ]
    if found and found.last_before:
        parts.append(f": {knowledge.engine} {found.last_before} has it, {found.gone_by} does not")
        if found.advice:
            parts.append(f" ({found.advice})")
    elif found and found.first_after:
        parts.append(f": {knowledge.engine} {found.first_after} has it, earlier versions tracked do not")
    elif near:
        parts.append(f" (did you mean {' or '.join(f'`{one}`' for one in near)}?)")
    level: Level = "error" if _refused(names, flags=flags, known_elsewhere=bool(found)) else "warning"
    if level == "warning":
        parts.append(
            "; the program that serves may have it"
            if flags
            else "; whether the engine refuses it is not known, as it takes further names"
        )
    return Finding(
        kind="removed_parameter" if found and found.last_before else "unknown_parameter",
        level=level,
        message="".join(parts),
        place=item.place,
        parameter=plain,
        written=item.name,
        value=None if item.raw else item.value,
        evidence="declared",
        nearest=near,
    )


def _refused(names: Names, *, flags: bool, known_elsewhere: bool) -> bool:
    """Whether a name that is not known is surely refused."""
    if not flags:
        return names.closed
    other = names.serve.get("other_flags")
    return bool(names.serve) and (known_elsewhere or other is None or bool(other.get("complete")))


def elsewhere(knowledge: Knowledge, names: Names, name: str) -> Elsewhere | None:
    """The parameter in other tracked versions; None where none has it."""
    results = knowledge.folder.parents[1]
    tracked = versions(knowledge.engine, results)
    having = dict(_having(knowledge, names, name, tracked))
    if not having:
        return None
    place = tracked.index(knowledge.version)
    before = [one for one in tracked[:place] if one in having]
    after = [one for one in tracked[place + 1 :] if one in having]
    last = before[-1] if before else None
    gone = tracked[tracked.index(last) + 1] if last else None
    advice = having[last] if last else None
    return Elsewhere(last, gone, after[0] if after else None, advice)


def _having(
    knowledge: Knowledge, names: Names, name: str, tracked: list[str]
) -> Iterator[tuple[str, str | None]]:
    for version in tracked:
        if version == knowledge.version:
            continue
        other = load(knowledge.engine, version, knowledge.folder.parents[1])
        for entry in other.schema.get(names.group, ()):
            spellings = {flag.lstrip("-").replace("-", "_") for flag in entry.get("cli_flags", ())}
            is_it = name in (entry["name"], *entry.get("aliases", ())) or name in spellings
            if is_it and entry["path"].count(".") == (1 if names.root["prefix"] else 0):
                deprecated = entry.get("deprecated") or {}
                yield version, deprecated.get("replacement") or deprecated.get("message")
                break
