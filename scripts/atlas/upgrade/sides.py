"""One configuration under both versions: what each says of it, and what differs between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from atlas.check.model import Finding, Result
from atlas.diff.change import Change, Diff
from atlas.diff.facts import Facts
from atlas.upgrade.given import Given


@dataclass(frozen=True)
class Sides:
    """What is known of the configuration under both versions."""

    before: Result
    after: Result
    given: Sequence[Given]
    diff: Diff
    facts: tuple[Facts, Facts]

    def changes(self, subject: str) -> list[Change]:
        return [one for one in self.diff.changes if one.subject == subject]

    def id(self, change: Change) -> str:
        return change.id(self.diff.engine)


def new_errors(before: Result, after: Result) -> list[Finding]:
    """What the newer version refuses, and the older did not."""
    known = {(one.kind, one.parameter) for one in before.findings if one.level == "error"}
    return [one for one in after.findings if one.level == "error" and (one.kind, one.parameter) not in known]
