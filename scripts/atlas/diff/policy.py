"""How bad a change is: data, apart from the facts, that users override and waive."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from atlas.diff.change import Change, Diff
from atlas.diff.kinds import MIRROR
from atlas.errors import InputError
from atlas.validation import _explain as explain
from atlas.validation import nearest
from atlas.yamlfile import Document, load_yaml

LEVELS = ("breaking", "behavioural", "risky", "indeterminate", "notice", "additive", "cosmetic")
"""Worst first. What could not be told is above a notice: it stands in the way of an all-clear."""
PACKAGED = Path(__file__).resolve().parents[1] / "_config"
"""What an installed package brings along of config/."""
CONFIG = PACKAGED if PACKAGED.is_dir() else Path(__file__).resolve().parents[3] / "config"
DEFAULT_POLICY = CONFIG / "diff_policy.yaml"
SCHEMA = "diff_policy.schema.json"
Impact = str | Mapping[str, str]


@dataclass(frozen=True)
class Waiver:
    """A change that is accepted until a date, the last day on which that holds."""

    id: str
    reason: str
    expires: date
    where: str

    def covers(self, change_id: str) -> bool:
        return change_id == self.id or fnmatchcase(change_id, self.id)


@dataclass(frozen=True)
class Policy:
    """Impacts by kind (and evidence), overrides by id, and waivers."""

    impacts: Mapping[str, Impact]
    overrides: Sequence[tuple[str, str]] = ()
    waivers: Sequence[Waiver] = ()

    def impact(self, change: Change, engine: str) -> str:
        name = change.id(engine)
        for pattern, level in self.overrides:
            if name == pattern or fnmatchcase(name, pattern):
                return level
        found = self.impacts[change.kind]
        return found if isinstance(found, str) else found.get(change.evidence, found["otherwise"])


@dataclass(frozen=True)
class Judged:
    """A change with its impact, and the waiver that covers it."""

    change: Change
    id: str
    impact: str
    waiver: Waiver | None = None
    expired: bool = False

    @property
    def counts(self) -> bool:
        """Whether it may fail a gate."""
        return self.waiver is None or self.expired


@dataclass(frozen=True)
class Report:
    """A diff under a policy, worst first."""

    diff: Diff
    judged: tuple[Judged, ...]
    unused: tuple[Waiver, ...]
    """Waivers that cover nothing here."""

    def at_least(self, level: str) -> list[Judged]:
        limit = LEVELS.index(level)
        return [one for one in self.judged if LEVELS.index(one.impact) <= limit]

    def failing(self, level: str) -> list[Judged]:
        return [one for one in self.at_least(level) if one.counts]

    @property
    def worst(self) -> str | None:
        """The worst impact of what is not waived."""
        return min((one.impact for one in self.judged if one.counts), key=LEVELS.index, default=None)


def load_policy(user: Path | None = None) -> Policy:
    """The default policy, with a user's file over it. InputError with file and line for what is not valid."""
    default = _read(DEFAULT_POLICY)
    missing = sorted(set(MIRROR) - set(default.value["impacts"]))
    if missing:
        raise InputError(f"no impact for {', '.join(missing)}", where=default.name)
    if user is None:
        return _policy([default])
    return _policy([_read(user), default])


def _read(path: Path) -> Document:
    document = load_yaml(path, path.name if path == DEFAULT_POLICY else None)
    if document.value is None:
        return Document(document.name, {}, document.positions)
    _check(document)
    for kind in document.value.get("impacts", {}):
        if kind not in MIRROR:
            raise InputError(
                f"no kind of change is called `{kind}`{nearest(kind, MIRROR)}",
                where=document.where(("impacts", kind)),
            )
    return document


def _check(document: Document) -> None:
    """InputError that lists all that is not as the schema says, each with its place."""
    from jsonschema import Draft202012Validator

    schema = json.loads((CONFIG / "schemas" / SCHEMA).read_text(encoding="utf-8"))
    found = sorted(
        (document.positions.get(pointer, (0, 0)), document.where(pointer), text)
        for error in Draft202012Validator(schema).iter_errors(document.value)
        for pointer, text in explain(error)
    )
    if found:
        (_, where, text), *rest = found
        more = "".join(f"\n{place}: {what}" for _, place, what in rest)
        raise InputError(text + more, where=where, hint=f"the format is config/schemas/{SCHEMA}")


def _policy(documents: Sequence[Document]) -> Policy:
    """Of several, the first that says something counts."""
    impacts: dict[str, Impact] = {}
    for document in reversed(documents):
        impacts |= document.value.get("impacts", {})
    overrides = [
        (one["id"], one["impact"]) for document in documents for one in document.value.get("overrides", ())
    ]
    waivers = [_waiver(document, index, one) for document in documents for index, one in _waivers(document)]
    return Policy(impacts, overrides, waivers)


def _waivers(document: Document) -> list[tuple[int, Any]]:
    return list(enumerate(document.value.get("waivers", ())))


def _waiver(document: Document, index: int, entry: Mapping[str, str]) -> Waiver:
    where = document.where(("waivers", index))
    try:
        expires = date.fromisoformat(entry["expires"])
    except ValueError as error:
        raise InputError(
            f"`expires` is no date: {error}", where=document.where(("waivers", index, "expires"))
        ) from error
    return Waiver(entry["id"], entry["reason"], expires, where)


def judge(diff: Diff, policy: Policy, today: date) -> Report:
    """Every change with its impact and waiver, worst first, parameters before rules."""
    used: set[int] = set()
    judged = []
    for change in diff.changes:
        name = change.id(diff.engine)
        impact = policy.impact(change, diff.engine)
        covering = [place for place, waiver in enumerate(policy.waivers) if waiver.covers(name)]
        used |= set(covering)
        valid = [policy.waivers[place] for place in covering if policy.waivers[place].expires >= today]
        waiver = valid[0] if valid else policy.waivers[covering[0]] if covering else None
        judged.append(Judged(change, name, impact, waiver, expired=waiver is not None and not valid))
    ordered = sorted(judged, key=lambda one: (LEVELS.index(one.impact), one.change.aspect == "rule"))
    unused = tuple(one for place, one in enumerate(policy.waivers) if place not in used)
    return Report(diff, tuple(ordered), unused)
