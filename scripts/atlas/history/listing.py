"""`atlas ls …`: what there is: engines, versions, parameters, rules."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from atlas.errors import InputError
from atlas.history.recorded import Recorded, load_recorded, pinned, recorded_versions
from atlas.history.words import default
from atlas.knowledge import Parameter, Rule, engines, versions
from atlas.validation import nearest

Json: TypeAlias = Any
Row: TypeAlias = dict[str, Json]
FORMAT_VERSION = 1


def listed(kind: str, rows: Sequence[Row], **about: str) -> dict[str, Json]:
    """The form of config/schemas/cli/ls.schema.json."""
    return {"format_version": FORMAT_VERSION, "kind": kind, **about, kind: list(rows)}


def engine_rows(results: Path | None) -> list[Row]:
    found = []
    for engine in engines(results):
        tracked, full = recorded_versions(engine, results), versions(engine, results)
        found.append(
            {
                "engine": engine,
                "newest": full[-1],
                "oldest": tracked[0],
                "versions": len(tracked),
                "in_full": len(full),
            }
        )
    return found


def version_rows(engine: str, results: Path | None) -> list[Row]:
    """Every tracked version: what is kept of it, its parameters by group, its rules."""
    load_recorded(engine, None, results)  # an unknown engine is an error
    full = set(versions(engine, results))
    found = []
    for version in recorded_versions(engine, results):
        knowledge = load_recorded(engine, version, results)
        found.append(
            {
                "version": version,
                "kept": "in full" if version in full else "history",
                "parameters": {group: len(knowledge.schema[group]) for group in knowledge.groups},
                "rules": len(knowledge.rules()) if version in full else None,
            }
        )
    return found


def parameter_rows(
    pin: str, results: Path | None, *, group: str | None, match: str | None, deprecated: bool
) -> tuple[str, str, list[Row]]:
    """Engine, version, and its parameters; `match` is a glob on paths and flags."""
    knowledge = pinned(pin, results)
    _require(group, knowledge.groups, f"{knowledge.engine} {knowledge.version} has no group")
    rows = [
        _parameter(one)
        for one in knowledge.parameters
        if group in (None, one.group) and _matches(one, match) and (one.deprecated or not deprecated)
    ]
    return knowledge.engine, knowledge.version, rows


def _parameter(one: Parameter) -> Row:
    facts: Mapping[str, Json] = {
        "default_kind": one.default_kind,
        "default_text": one.default_text,
        **({"default": one.default} if one.has_default else {}),
    }
    return {
        "group": one.group,
        "path": one.path,
        "type": one.display,
        "default_kind": one.default_kind,
        "default": "required" if one.default_kind == "required" else default(facts),
        "flag": one.cli_flag,
        "deprecated": bool(one.deprecated),
        "private": one.private,
        "readonly": one.readonly,
    }


def _matches(one: Parameter, match: str | None) -> bool:
    return match is None or any(fnmatch.fnmatchcase(text, match) for text in (one.path, *one.cli_flags))


def rule_rows(
    pin: str, results: Path | None, *, target: str | None, severity: str | None, match: str | None
) -> tuple[str, str, list[Row]]:
    """Engine, version, and its rules; `match` is a glob on their fields."""
    knowledge = pinned(pin, results)
    if isinstance(knowledge, Recorded):
        raise InputError(
            f"of {knowledge.engine} {knowledge.version} only the history is kept, and no rules",
            hint=f"in full there are: {', '.join(versions(knowledge.engine, results))}",
        )
    cls = knowledge.target(target).cls if target else None
    rows = [
        _rule(rule)
        for rule in knowledge.rules(cls)
        if severity in (None, rule.severity)
        and (match is None or any(fnmatch.fnmatchcase(name, match) for name in rule.fields))
    ]
    return knowledge.engine, knowledge.version, rows


def _rule(rule: Rule) -> Row:
    return {
        "id": rule.id,
        "target": rule.target,
        "severity": rule.severity,
        "depth": rule.depth,
        "fields": list(rule.fields),
        "when": rule.when,
        "message": rule.message,
        "proven": rule.proven,
    }


def _require(name: str | None, known: Sequence[str], what: str) -> None:
    if name is not None and name not in known:
        raise InputError(f"{what} `{name}`{nearest(name, known)}")
