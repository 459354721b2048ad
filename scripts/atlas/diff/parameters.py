"""The changes of one parameter that both versions have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from atlas.diff.change import Basis, Change
from atlas.diff.defaults import (
    default_changes,
    effective_undecided,
    platforms_of,
    same_default,
    undecided_default,
)
from atlas.diff.facts import Facts, aspects_of, lanes_of, place_of
from atlas.diff.fragments import accepts, without_null
from atlas.diff.subset import subset
from atlas.diff.types import type_changes, undecided

Json: TypeAlias = Any
Entry: TypeAlias = Mapping[str, Json]
OPPOSITES = (("--enable-", "--disable-"), ("--disable-", "--enable-"))
PLAIN = {
    "description": "doc_changed",
    "place": "source_moved",
    "written": "type_rewritten",
    "default_text": "default_text_changed",
    "origin": "provenance_changed",
    "env": "env_changed",
}
"""Aspects of which any change is of one kind."""


@dataclass(frozen=True)
class Pair:
    """One parameter in two versions."""

    subject: str
    renamed_to: str | None
    old: Entry
    new: Entry
    facts: tuple[Facts, Facts]

    @property
    def sides(self) -> tuple[tuple[Entry, Facts], tuple[Entry, Facts]]:
        return (self.old, self.facts[0]), (self.new, self.facts[1])

    @property
    def basis(self) -> Basis:
        return "live" if all("live" in lanes_of(one) for one in (self.old, self.new)) else "static"

    def change(self, kind: str, aspect: str, detail: Mapping[str, Json], reason: str = "") -> Change:
        before, after = aspects_of(self.old).get(aspect), aspects_of(self.new).get(aspect)
        return Change(
            kind=kind,
            subject=self.subject,
            renamed_to=self.renamed_to,
            aspect=aspect,
            old=before,
            new=after,
            basis=self.basis,
            reason=reason,
            detail=detail,
            where=(place_of(self.old), place_of(self.new)),
        )


def parameter_changes(pair: Pair) -> Iterator[Change]:
    """Everything that differs, aspect by aspect."""
    before, after = aspects_of(pair.old), aspects_of(pair.new)
    for aspect in dict.fromkeys((*before, *after)):
        if before.get(aspect) == after.get(aspect) and _exactly(before.get(aspect), after.get(aspect)):
            continue
        if aspect in PLAIN:
            yield pair.change(PLAIN[aspect], aspect, {})
        else:
            yield from _CHANGES[aspect](pair)


def _exactly(one: Json, other: Json) -> bool:
    """`==` of Python takes 1 for True and for 1.0; facts must be the same to the letter."""
    return repr(one) == repr(other) or _sorted(one) == _sorted(other)


def _sorted(value: Json) -> str:
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{key!r}:{_sorted(value[key])}" for key in sorted(value)) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(_sorted, value)) + "]"
    return repr(value)


def _type(pair: Pair) -> Iterator[Change]:
    if _follows_default(pair):
        yield pair.change("provenance_changed", "type", {"follows": "default"})
        return
    reason = _unsure(pair, "type") or _method(pair) or undecided(pair.old, pair.new)
    if reason:
        detail = {"from": pair.old["display"], "to": pair.new["display"]}
        yield pair.change("indeterminate", "type", detail, reason)
        return
    for kind, detail in type_changes(pair.old, pair.new):
        yield pair.change(kind, "type", detail)


def _default(pair: Pair) -> Iterator[Change]:
    reason = _unsure(pair, "default") or undecided_default(pair.old, pair.new)
    if reason:
        yield pair.change("indeterminate", "default", {}, reason)
        return
    for kind, detail in default_changes(pair.old, pair.new, pair.facts):
        yield pair.change(kind, "default", detail)


def _effective(pair: Pair) -> Iterator[Change]:
    if not same_default(pair.old, pair.new):
        # Told with the change of the declared default.
        yield pair.change("provenance_changed", "effective_default", {"follows": "default"})
        return
    reason = effective_undecided(pair.old, pair.new, pair.facts)
    detail = {
        "from": _resolved(pair.old),
        "to": _resolved(pair.new),
        "platform": " and ".join(sorted(platforms_of(pair.old, pair.new))),
    }
    if reason:
        yield pair.change("indeterminate", "effective_default", detail, reason)
    elif _exactly(detail["from"], detail["to"]):
        yield pair.change("provenance_changed", "effective_default", detail)
    else:
        yield pair.change("effective_default_changed", "effective_default", detail)


def _resolved(entry: Entry) -> Json:
    """What it ends up as: the declared default where nothing else was measured."""
    found = entry.get("effective_default")
    if found is not None:
        return {"value": found["value"]}
    return {"value": entry["default"]} if "default" in entry else {"kind": entry["default_kind"]}


def _deprecated(pair: Pair) -> Iterator[Change]:
    was, becomes = pair.old.get("deprecated"), pair.new.get("deprecated")
    kind = "deprecation_changed" if was and becomes else "deprecated" if becomes else "undeprecated"
    detail = {"from": was, "to": becomes} if was and becomes else becomes or was or {}
    yield pair.change(kind, "deprecated", detail)


def _flags(pair: Pair) -> Iterator[Change]:
    """Flags, and their spellings, as far as the parser lists them or is known to take more."""
    before, after = (list(flags_taken(one, facts, pair.subject)) for one, facts in pair.sides)
    reason = _flags_unread(pair)
    come, gone = [one for one in after if one not in before], [one for one in before if one not in after]
    if reason and (come or gone):
        yield pair.change("indeterminate", "flags", _both(come, gone), reason)
        return
    if bool(before) != bool(after):
        yield pair.change("flag_added" if after else "flag_removed", "flags", _both(come, gone))
        return
    if gone:
        yield pair.change("flag_spelling_removed", "flags", {"removed": gone})
    if come:
        yield pair.change("flag_spelling_added", "flags", {"added": come})
    if not come and not gone:
        yield pair.change("provenance_changed", "flags", {})


def flags_of(entry: Entry) -> list[str]:
    return list(
        dict.fromkeys([*entry.get("cli_flags", ()), *([entry["cli_flag"]] if "cli_flag" in entry else [])])
    )


def flags_taken(entry: Entry, facts: Facts, subject: str) -> Iterator[str]:
    """The flags that are listed, and the denial that the parser takes beside one that it lists."""
    listed = flags_of(entry)
    yield from listed
    usual = entry.get("cli_flag", "")
    denial = f"--no-{usual.removeprefix('--')}"
    opposite = any(
        usual.startswith(one) and two + usual.removeprefix(one) in listed for one, two in OPPOSITES
    )
    if opposite and denial not in listed and subject.partition(":")[0] in facts.negations:
        yield denial


def _flags_unread(pair: Pair) -> str:
    codes = ("cli_not_found", "cli_failed", "cli_fields_unknown", "flag_not_read")
    found = [
        f"{facts.version}: its command line was not read in full ({one['code']})"
        for facts in pair.facts
        for one in facts.schema["limitations"]
        if one["code"] in codes
    ]
    return min(found, default="")


def _aliases(pair: Pair) -> Iterator[Change]:
    before, after = pair.old.get("aliases", []), pair.new.get("aliases", [])
    gone, come = [one for one in before if one not in after], [one for one in after if one not in before]
    if gone:
        yield pair.change("alias_removed", "aliases", {"removed": gone})
    if come:
        yield pair.change("alias_added", "aliases", {"added": come})
    if not gone and not come:
        yield pair.change("provenance_changed", "aliases", {})


def _access(pair: Pair) -> Iterator[Change]:
    was, becomes = bool(pair.old.get("readonly")), bool(pair.new.get("readonly"))
    if was == becomes:
        yield pair.change("provenance_changed", "access", {})
    else:
        yield pair.change("became_readonly" if becomes else "became_settable", "access", {})


def _both(come: list[str], gone: list[str]) -> dict[str, Json]:
    return {**({"added": come} if come else {}), **({"removed": gone} if gone else {})}


def _unsure(pair: Pair, fact: str) -> str:
    """Where the lanes of one version contradict one another, and the other version has one lane only."""
    lanes = [set(lanes_of(one)) for one in (pair.old, pair.new)]
    if lanes[0] == lanes[1]:
        return ""
    for entry in (pair.old, pair.new):
        if any(one["fact"] == fact for one in entry.get("disagreement", ())):
            return "seen by other lanes in either version, and the lanes do not agree on it"
    return ""


def _follows_default(pair: Pair) -> bool:
    """A type that is written nowhere takes null because the default is null: no news beside the default's."""
    if any(one.get("annotation") is not None for one in (pair.old, pair.new)):
        return False
    if _same_but_null(pair.old["type"], pair.new["type"]):
        return all(
            accepts(one["type"], None) is not True or one["default_kind"] == "none"
            for one in (pair.old, pair.new)
        )
    return False


def _same_but_null(one: Json, other: Json) -> bool:
    left, right = without_null(one), without_null(other)
    return subset(left, right).yes is True and subset(right, left).yes is True


def _method(pair: Pair) -> str:
    """A type that is written nowhere, and was found in another way in each version."""
    observed = [any("observed" in one for one in entry["evidence"]) for entry in (pair.old, pair.new)]
    if observed[0] != observed[1]:
        return "written nowhere: in one version it is what the running class took, in the other it is not"
    if pair.old.get("annotation") is None and pair.new.get("annotation") is None and not observed[0]:
        return "written nowhere: it is read off documentation and default"
    if (pair.old.get("annotation") is None) != (pair.new.get("annotation") is None):
        return "written in one version only: in the other it is read off documentation and default"
    return ""


_CHANGES = {
    "type": _type,
    "default": _default,
    "effective_default": _effective,
    "deprecated": _deprecated,
    "flags": _flags,
    "aliases": _aliases,
    "access": _access,
}
