"""Declared is not enforced: a value that one version accepts and the other rejects, by proven rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeAlias

from atlas.diff.change import BOTH_WAYS, Change, Witness
from atlas.diff.facts import Facts, held_classes
from atlas.diff.fragments import Part, accepts, parts, takes
from atlas.diff.judge import Judge
from atlas.diff.kinds import MIRROR
from atlas.diff.subset import samples

Json: TypeAlias = Any
NARROWER = (
    "type_narrowed",
    "nullable_lost",
    "enum_value_removed",
    "enum_closed",
    "constraint_added",
    "constraint_tightened",
)
WIDER = tuple(MIRROR[kind] for kind in NARROWER)
MOST_VALUES = 12


def confirmed(change: Change, judges: tuple[Judge, Judge]) -> Change:
    """The change with a witness where the rules of both versions have one.

    Where the class of the narrower version is proven and takes all values that were tried, the detail
    `not_enforced_by` names it.
    """
    if not (judges[0].targets and judges[1].targets):
        return change
    if change.kind in NARROWER or change.kind in WIDER:
        strict = 1 if change.kind in NARROWER else 0
        witness, takes_all = _found(change, judges, strict)
        if witness is None and takes_all:
            return replace(change, detail={**change.detail, "not_enforced_by": takes_all})
        return replace(change, witness=witness)
    if change.kind in BOTH_WAYS and change.aspect == "type":
        return replace(change, witness=_found(change, judges, 1)[0], relief=_found(change, judges, 0)[0])
    return change


def _found(change: Change, judges: tuple[Judge, Judge], strict: int) -> tuple[Witness | None, str]:
    """A value that the version of that number rejects and the other accepts; else a class that takes all."""
    aspects = change.old, change.new
    subjects = change.subject, change.renamed_to or change.subject
    stricter, looser = judges[strict], judges[1 - strict]
    values = list(_values(change, aspects[1 - strict]["type"], aspects[strict]["type"]))[:MOST_VALUES]
    takes_all = ""
    for place in _places((subjects[strict], subjects[1 - strict]), stricter, looser):
        answers = [_witness(value, place, stricter, looser) for value in values]
        for answer in answers:
            if isinstance(answer, Witness):
                return answer, ""
        if answers and all(answer is True for answer in answers):
            takes_all = takes_all or place[0]
    return None, takes_all


def _values(change: Change, wide: Json, narrow: Json) -> Iterator[Json]:
    """What the wider type takes and the narrower one does not, and for this reason."""
    listed = [*change.detail.get("removed", ()), *change.detail.get("added", ())]
    if listed:
        yield from listed
        return
    limit = change.detail.get("limit")
    for part in parts(wide):
        for value in samples(part, narrow):
            if takes(part, value) is not True or accepts(narrow, value) is not False:
                continue
            if limit is None or _breaks(limit, narrow, value):
                yield value


def _breaks(limit: str, narrow: Json, value: Json) -> bool:
    """Whether the value is outside of this limit of the narrower type."""
    keys = {"minimum": ("minimum", "exclusiveMinimum"), "maximum": ("maximum", "exclusiveMaximum")}
    for part in parts(narrow):
        only = {key: part.fragment[key] for key in keys.get(limit, (limit,)) if key in part.fragment}
        if only and takes(Part(part.kind, {"type": part.kind, **only}), value) is False:
            return True
    return False


def _places(names: tuple[str, str], strict: Judge, loose: Judge) -> Iterator[tuple[str, str, str, str]]:
    """Classes of the stricter version that the parameter is set in, with those of the other version."""
    others = list(_fields(names[1], loose.facts))
    for cls, name in _fields(names[0], strict.facts):
        if not strict.is_proven(cls):
            continue
        other = loose.counterpart(cls)
        match = next((field for owner, field in others if owner == other), None)
        if other is not None and match is not None:
            yield cls, name, other, match


def _fields(subject: str, facts: Facts) -> Iterator[tuple[str, str]]:
    """Class and name of the fields that a parameter is."""
    group, _, path = subject.partition(":")
    entry = facts.entries.get((group, path))
    if entry is None:
        return
    prefix = facts.prefixes.get((group, entry["root"]), "")
    inside = path.removeprefix(f"{prefix}.") if prefix else path
    if "." not in inside:
        yield entry["root"], entry["name"]
    elif holder := facts.entries.get((group, path.rpartition(".")[0])):
        for cls in sorted(held_classes(holder["type"])):
            yield cls, entry["name"]
    if "joins" in entry:
        cls, _, name = entry["joins"].rpartition(".")
        yield cls, name


def _witness(value: Json, place: tuple[str, str, str, str], strict: Judge, loose: Judge) -> Witness | bool:
    """A witness, or whether the stricter version takes the value too (False: it is not known to)."""
    cls, name, other_cls, other_name = place
    config = {**strict.facts.bases.get(cls, {}), name: value}
    verdict = strict.judged(cls, config)
    if verdict.answer != "rejected":
        return verdict.answer == "accepted"
    other: Mapping[str, Json] = {**loose.facts.bases.get(other_cls, {}), other_name: value}
    if name == other_name:
        config = {**other, **config}
        other = config
        if strict.judged(cls, config).answer != "rejected":
            return False
    if loose.judged(other_cls, other).answer != "accepted":
        return False
    rules = [strict.facts.rules[name] for name in verdict.rules]
    rule = next((one for one in rules if one.speaks_for(config)), None)
    if rule is None:
        return False
    return Witness(
        target=cls,
        other_target=other_cls,
        config=config,
        accepted_by=loose.facts.version,
        rejected_by=strict.facts.version,
        rule=rule.id,
        message=strict.message(rule, config),
    )
