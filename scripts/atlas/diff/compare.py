"""All changes between two versions: parameters paired by path, then by evidence; then rules."""

from __future__ import annotations

from collections.abc import Iterator

from atlas.diff.absent import KINDS, absence
from atlas.diff.change import Change, Diff
from atlas.diff.confirm import confirmed
from atlas.diff.facts import Facts, Key, lanes_of
from atlas.diff.judge import Judge
from atlas.diff.parameters import Pair, parameter_changes
from atlas.diff.renames import lookalikes, moves, renames
from atlas.diff.rules import rule_changes
from atlas.diff.unread import unread


def compare(old: Facts, new: Facts, note: str = "") -> Diff:
    """What differs, in an order that depends on the facts alone."""
    judges = Judge(old), Judge(new)
    changes = [*(confirmed(one, judges) for one in _parameters(old, new)), *rule_changes(*judges)]
    ordered = sorted(changes, key=lambda one: (one.subject, one.aspect, one.kind, one.renamed_to or ""))
    return Diff(old.engine, old.version, new.version, tuple(ordered), note)


def _parameters(old: Facts, new: Facts) -> Iterator[Change]:
    gone = [key for key in old.entries if key not in new.entries]
    come = [key for key in new.entries if key not in old.entries]
    for key, entry in old.entries.items():
        if key in new.entries:
            yield from parameter_changes(Pair(name_of(key), None, entry, new.entries[key], (old, new)))
    yield from _relisted(old, new, gone, come)
    gone = [key for key in gone if not new.reached(key)]
    come = [key for key in come if not old.reached(key)]
    named = renames(old, gone, new, come)
    left = [key for key in gone if key not in named]
    unnamed = [key for key in come if key not in {other for other, _ in named.values()}]
    moved = moves(old, left, new, unnamed)
    for kind, found in (("param_renamed", named), ("param_moved", moved)):
        for key, (other, reason) in found.items():
            yield from _renamed(old, new, key, other, kind, reason)
    paired = {*named, *moved}, {other for found in (named, moved) for other, _ in found.values()}
    yield from _alone(old, new, [key for key in gone if key not in paired[0]], come, lacking=True)
    yield from _alone(new, old, [key for key in come if key not in paired[1]], gone, lacking=False)


def _relisted(old: Facts, new: Facts, gone: list[Key], come: list[Key]) -> Iterator[Change]:
    """A class is listed once: where, says nothing about what can be set."""
    for key in gone:
        if at := new.reached(key):
            detail = {"at": name_of(at)}
            yield Change("expansion_changed", name_of(key), "", dict(old.entries[key]), None, detail=detail)
            if at not in old.entries and old.reached(at) == key:
                pair = Pair(name_of(key), name_of(at), old.entries[key], new.entries[at], (old, new))
                yield from parameter_changes(pair)
    for key in come:
        if at := old.reached(key):
            detail = {"at": name_of(at)}
            yield Change("expansion_changed", name_of(key), "", None, dict(new.entries[key]), detail=detail)


def _renamed(old: Facts, new: Facts, key: Key, other: Key, kind: str, reason: str) -> Iterator[Change]:
    entries = old.entries[key], new.entries[other]
    pair = Pair(name_of(key), name_of(other), *entries, (old, new))
    yield Change(
        kind,
        pair.subject,
        "",
        dict(entries[0]),
        dict(entries[1]),
        basis=pair.basis,
        renamed_to=pair.renamed_to,
        reason=reason,
        where=(old.where(key), new.where(other)),
    )
    yield from parameter_changes(pair)


def _alone(
    here: Facts, there: Facts, keys: list[Key], others: list[Key], *, lacking: bool
) -> Iterator[Change]:
    """Parameters that only one version has (`lacking`: the newer one lacks them)."""
    candidates = {key: there.entries[key] for key in others}
    for key in keys:
        entry = here.entries[key]
        reason = unread(there, key, entry)
        required = entry["default_kind"] == "required"
        if required and not reason:
            kind = "param_removed_required" if lacking else "param_added_required"
            why = ""
        else:
            gone, why = absence(there, key, entry)
            kind = KINDS[gone][0 if lacking else 1]
        detail = {"type": entry["display"]}
        alike = lookalikes(key, entry, candidates)
        if alike:
            detail["maybe_renamed_to" if lacking else "maybe_renamed_from"] = alike
        if entry.get("deprecated"):
            detail["deprecated"] = entry["deprecated"]
        yield Change(
            kind="indeterminate" if reason else kind,
            subject=name_of(key),
            aspect="",
            old=dict(entry) if lacking else None,
            new=None if lacking else dict(entry),
            basis="live"
            if "live" in lanes_of(entry) and "live" in there.schema["lanes"]["seen"]
            else "static",
            reason=reason or why,
            detail=detail,
            where=(here.where(key), None) if lacking else (None, here.where(key)),
        )


def name_of(key: Key) -> str:
    """`group:path`, as the schema itself names a parameter."""
    return f"{key[0]}:{key[1]}"


def key_of(subject: str) -> Key:
    group, _, path = subject.partition(":")
    return group, path
