"""What a rule says of a configuration, as a finding."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from atlas.check.fragments import shown
from atlas.check.model import Evidence, Finding, Item, Json, Level, Place
from atlas.check.rules import Applied, conditions, is_plain
from atlas.check.templates import render
from atlas.knowledge.model import Rule

SEEN_TO_FAIL = "given: as proven, not any"
"""How it begins what a rule requires that does not hold with another model than that it was proven with."""
_LEVELS: Mapping[str, Level] = {"error": "error", "warn": "warning", "dormant": "note"}


def told(rule: Rule, one: Applied, items: Mapping[str, Item], given: Sequence[str]) -> Finding:
    """`given` are the fields of the rule that the user set."""
    level: Level = _LEVELS[rule.severity]
    needed = conditions(rule)
    if one.unsure & set(_top(given)):
        needed = (*needed, f"{one.via} is made of it")
    if level == "error" and (needed or not is_plain(rule)):
        level = "warning"
    if any(condition.startswith(SEEN_TO_FAIL) for condition in needed):
        level = "note"
    sets = one.rules.sets(rule, one.config)
    effective = {one.names.get(name, name): value for name, value in sets.items()}
    first = one.names.get(given[0].partition(".")[0], given[0])
    item, place = _written(first, items)
    evidence: Evidence = "proven" if rule.proven else "static"
    return Finding(
        kind=f"rule_{rule.severity}",
        level=level,
        message=_text(rule, one, effective, given),
        place=place,
        parameter=first,
        written=item.name if item else first,
        value={one.names.get(name, name): one.config[name] for name in _top(given) if name in one.config},
        evidence=evidence,
        rule=rule.id,
        depth=rule.depth,
        conditions=needed,
        effective=effective,
        file=rule.file,
        line=rule.line,
    )


def _top(given: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(name.partition(".")[0] for name in given))


def _written(parameter: str, items: Mapping[str, Item]) -> tuple[Item | None, Place]:
    name, *rest = parameter.split(".")
    item = items.get(name)
    return item, item.at(tuple(rest)) if item else Place("")


def _changes(one: Applied, effective: Mapping[str, Json], names: str) -> Iterator[str]:
    given = {one.names.get(name, name): value for name, value in one.config.items()}
    for name, value in effective.items():
        if name in given:
            yield f"{name}: {shown(given[name])} becomes {shown(value)}"
        else:
            yield f"{names}: {name} becomes {shown(value)}"


def _text(rule: Rule, one: Applied, effective: Mapping[str, Json], given: Sequence[str]) -> str:
    names = ", ".join(one.names.get(name, name) for name in _top(given))
    if rule.severity == "dormant":
        return "; ".join(_changes(one, effective, names)) or f"{names}: {', '.join(rule.sets)} is changed"
    if rule.message:
        said = render(rule.message, one.config, one.rules.context)
        return f"{names}: {said}" if not any(name in said for name in _top(given)) else said
    verb = "is refused" if rule.severity == "error" else "is warned about"
    raises = f" ({rule.effect['raises']})" if "raises" in rule.effect else ""
    values = ", ".join(
        f"{one.names.get(name, name)}={shown(one.config[name])}" for name in _top(given) if name in one.config
    )
    return f"{values or names} {verb}{raises}, as {rule.when}"
