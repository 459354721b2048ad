"""A diff applied to the facts of its older version gives those of the newer one: nothing is left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from atlas.diff.change import Diff
from atlas.diff.compare import key_of, name_of
from atlas.diff.facts import Facts, aspects_of

Json: TypeAlias = Any
State: TypeAlias = dict[str, dict[str, Json]]
"""By subject: its facts by aspect."""


def state_of(facts: Facts) -> State:
    """All facts that versions are compared by."""
    state: State = {name_of(key): aspects_of(entry) for key, entry in facts.entries.items()}
    state |= {name: {"rule": dict(rule.facts)} for name, rule in facts.rules.items()}
    return state


def applied(diff: Diff, state: State) -> State:
    """The facts of the newer version."""
    found = {subject: dict(aspects) for subject, aspects in state.items()}
    whole = [one for one in diff.changes if one.aspect == "" or (one.aspect == "rule" and _is_whole(one))]
    for change in whole:
        if change.old is not None:
            found.pop(change.subject, None)
    for change in whole:
        if change.new is not None:
            name = change.renamed_to or change.subject
            found[name] = {"rule": change.new} if change.aspect == "rule" else _aspects(change.new, name)
    for change in diff.changes:
        if change not in whole:
            aspects = found.setdefault(change.renamed_to or change.subject, {})
            if change.new is None:
                aspects.pop(change.aspect, None)
            else:
                aspects[change.aspect] = change.new
    return found


def _is_whole(change: Any) -> bool:
    return change.old is None or change.new is None or change.renamed_to is not None


def _aspects(entry: Mapping[str, Json], name: str) -> dict[str, Json]:
    return aspects_of({**entry, "path": key_of(name)[1]})
