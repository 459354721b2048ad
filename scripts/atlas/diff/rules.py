"""Changes of invariants, shown by configurations: what one version accepts and the other rejects.

Rules of one id say the same. Others are first put side by side (same class, severity and fields), and then
each version judges the configurations that were tried on the other: their words do not matter.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from atlas.diff.change import Basis, Change, Witness
from atlas.diff.facts import ProvenRule
from atlas.diff.judge import Judge
from atlas.schema.compare import same_value

Json: TypeAlias = Any
Config: TypeAlias = Mapping[str, Json]
REWORDED = ("depth", "message", "requires", "severity")
"""Facts of a rule that its id does not cover."""
NAMES = {
    "error": ("invariant_added", "invariant_removed"),
    "warn": ("warning_added", "warning_removed"),
    "dormant": ("dormant_added", "dormant_removed"),
}


@dataclass(frozen=True)
class Seen:
    """What the configurations around a rule showed."""

    tightened: Witness | None
    relaxed: Witness | None
    absent: bool
    """Every configuration that it is about has a parameter that the other version lacks."""
    unknown: str
    """Why the other version cannot judge; empty where it can."""


def rule_changes(old: Judge, new: Judge) -> Iterator[Change]:
    """Changes of all rules."""
    before, after = old.facts.rules, new.facts.rules
    for name in before:
        if name in after:
            yield from _reworded(before[name], after[name])
    gone = [rule for name, rule in before.items() if name not in after]
    come = [rule for name, rule in after.items() if name not in before]
    pairs = _pairs(gone, come)
    for one, other in pairs:
        yield _paired(one, other, old, new)
    paired = {one.id for one, _ in pairs}, {other.id for _, other in pairs}
    for rule in gone:
        if rule.id not in paired[0]:
            yield _alone(rule, old, new, lacking=True)
    for rule in come:
        if rule.id not in paired[1]:
            yield _alone(rule, new, old, lacking=False)


def _reworded(old: ProvenRule, new: ProvenRule) -> Iterator[Change]:
    if any(old.facts.get(key) != new.facts.get(key) for key in REWORDED):
        yield Change(
            "invariant_reworded",
            old.id,
            "rule",
            dict(old.facts),
            dict(new.facts),
            basis="live",
            where=(old.where, new.where),
        )


def _pairs(gone: Sequence[ProvenRule], come: Sequence[ProvenRule]) -> list[tuple[ProvenRule, ProvenRule]]:
    """Rules side by side, the likest first; each is in one pair at most."""
    scored = [
        (_likeness(one, other), tuple(sorted((one.id, other.id))), one, other)
        for one in gone
        for other in come
        if one.severity == other.severity and _same_class(one.target, other.target)
    ]
    taken: set[tuple[int, str]] = set()
    found = []
    for score, _, one, other in sorted(scored, key=lambda entry: (-entry[0], entry[1])):
        if score > 0 and (0, one.id) not in taken and (1, other.id) not in taken:
            taken |= {(0, one.id), (1, other.id)}
            found.append((one, other))
    return found


def _likeness(one: ProvenRule, other: ProvenRule) -> int:
    """Above 0 for rules of the same fields; more where effect, site and message are the same."""
    if _fields(one) != _fields(other):
        return 0
    same: list[bool] = [
        one.facts["effect"] == other.facts["effect"],
        one.facts.get("message") == other.facts.get("message"),
        one.facts["depth"] == other.facts["depth"],
        one.requires == other.requires,
    ]
    return 1 + sum(same)


def _fields(rule: ProvenRule) -> tuple[str, ...]:
    from atlas.invariants.predicate import fields_of, parse

    return tuple(sorted({one.path[0] for one in fields_of(parse(str(rule.facts["when"])))}))


def _same_class(one: str, other: str) -> bool:
    return one.rpartition(".")[2] == other.rpartition(".")[2]


def _paired(one: ProvenRule, other: ProvenRule, old: Judge, new: Judge) -> Change:
    """Two rules about the same fields: which of the configurations around them are judged otherwise."""
    configs = [*one.triggers, *other.triggers, *one.passes, *other.passes]
    basis: Basis = "conditional" if one.requires or other.requires else "live"
    tightened = relaxed = None
    if one.severity == "error":
        tightened = _witness(configs, other, new, old)
        relaxed = _witness(configs, one, old, new)
    elif one.severity == "dormant" and not _same_effect(one, other, old, new):
        return _change("invariant_changed", one, other, basis, None)
    kind = {
        (False, False): "invariant_restated",
        (True, False): "invariant_tightened",
        (False, True): "invariant_relaxed",
        (True, True): "invariant_changed",
    }[tightened is not None, relaxed is not None]
    if basis == "conditional":
        return _change(kind, one, other, basis, None)
    both = kind == "invariant_changed"
    return _change(kind, one, other, basis, tightened or relaxed, relaxed if both else None)


def _change(
    kind: str,
    one: ProvenRule,
    other: ProvenRule,
    basis: Basis,
    witness: Witness | None,
    relief: Witness | None = None,
) -> Change:
    detail: dict[str, Json] = {"severity": one.severity, "from": one.facts["when"], "to": other.facts["when"]}
    return Change(
        kind,
        one.id,
        "rule",
        dict(one.facts),
        dict(other.facts),
        basis=basis,
        renamed_to=other.id,
        detail=detail,
        witness=witness,
        relief=relief,
        where=(one.where, other.where),
    )


def _alone(rule: ProvenRule, here: Judge, there: Judge, *, lacking: bool) -> Change:
    """A rule that only one version has (`lacking`: the newer one lacks it)."""
    seen = _seen(rule, here, there)
    come, went = NAMES[rule.severity]
    basis: Basis = "conditional" if rule.requires else "live"
    if seen.unknown:
        kind = "indeterminate"
    elif seen.absent:
        kind = "invariant_went_with_parameter" if lacking else "invariant_came_with_parameter"
    elif seen.tightened is None:
        kind = "invariant_restated"
    else:
        kind = went if lacking else come
    facts = dict(rule.facts)
    return Change(
        kind,
        rule.id,
        "rule",
        facts if lacking else None,
        None if lacking else facts,
        basis=basis,
        reason=seen.unknown,
        detail={"severity": rule.severity, "when": rule.facts["when"], "message": rule.facts.get("message")},
        witness=seen.tightened if basis == "live" and rule.severity == "error" else None,
        where=(rule.where, None) if lacking else (None, rule.where),
    )


def _seen(rule: ProvenRule, here: Judge, there: Judge) -> Seen:
    """What the other version makes of the configurations that this one's rule was seen to hold for."""
    other = there.counterpart(rule.target)
    if other is None and rule.target not in there.facts.members:
        return (
            Seen(None, None, True, "")
            if _is_read(rule, there)
            else Seen(None, None, False, _not_proven(rule, there))
        )
    if other is None or not there.is_proven(other):
        return Seen(None, None, False, _not_proven(rule, there))
    configs = _with_bases(rule.triggers, rule.target, other, here, there)
    verdicts = [there.judged(other, config) for config in configs]
    if not configs:
        return Seen(None, None, False, "it has no configuration that it was seen to hold for")
    if all(verdict.answer == "absent" for verdict in verdicts):
        return Seen(None, None, True, "")
    if rule.severity == "error":
        witness = _witness(rule.triggers, rule, here, there)
        unknown = witness is None and all(verdict.answer in ("unknown", "absent") for verdict in verdicts)
        reason = f"{there.facts.version} rejects these on some machines only" if unknown else ""
        return Seen(witness, None, False, reason)
    return _notice(rule, other, configs, here, there)


def _notice(rule: ProvenRule, other: str, configs: Sequence[Config], here: Judge, there: Judge) -> Seen:
    """Whether the other version is silent where this one warns or changes a value."""
    undecided = True
    for config in configs:
        answer = there.judged(other, config).answer
        if answer != "accepted":
            continue
        undecided = False
        if not _says_so(rule, other, config, here, there):
            witness = Witness(rule.target, other, config, there.facts.version, there.facts.version, rule.id)
            return Seen(witness, None, False, "")
    reason = f"{there.facts.version} rejects the configurations that show it" if undecided else ""
    return Seen(None, None, False, reason)


def _says_so(rule: ProvenRule, other: str, config: Config, here: Judge, there: Judge) -> bool:
    holding = there.holding(other, config, rule.severity)
    if rule.severity == "warn":
        return bool(holding)
    becomes = here.becomes(rule, config)
    changes: dict[str, Json] = {}
    for one in holding:
        changes |= there.becomes(one, config)
    return all(name in changes and same_value(changes[name], value) for name, value in becomes.items())


def _same_effect(one: ProvenRule, other: ProvenRule, old: Judge, new: Judge) -> bool:
    """Whether both change the values of the configurations of both alike."""
    for config in (*one.triggers, *other.triggers):
        states = []
        for rule, judge in ((one, old), (other, new)):
            holding = judge.holding(rule.target, config, "dormant")
            states.append({k: v for held in holding for k, v in judge.becomes(held, config).items()})
        fields = set(one.facts["effect"].get("sets", {})) | set(other.facts["effect"].get("sets", {}))
        if any(not same_value(states[0].get(name), states[1].get(name)) for name in fields):
            return False
    return True


def _witness(configs: Sequence[Config], rule: ProvenRule, strict: Judge, loose: Judge) -> Witness | None:
    """A configuration that this rule's version rejects, by this rule, and the other accepts."""
    other = loose.counterpart(rule.target)
    if other is None or rule.severity != "error":
        return None
    for config in _with_bases(configs, rule.target, other, strict, loose):
        verdict = strict.judged(rule.target, config)
        surely = verdict.answer == "rejected" and rule.id in verdict.rules
        held = surely or (rule.requires and _holds(rule, config, strict))
        if held and rule.speaks_for(config) and loose.judged(other, config).answer == "accepted":
            return Witness(
                rule.target,
                other,
                config,
                loose.facts.version,
                strict.facts.version,
                rule.id,
                strict.message(rule, config),
            )
    return None


def _holds(rule: ProvenRule, config: Config, judge: Judge) -> bool:
    return any(one.id == rule.id for one in judge.holding(rule.target, config, rule.severity))


def _with_bases(
    configs: Sequence[Config], cls: str, other: str, here: Judge, there: Judge
) -> list[dict[str, Json]]:
    """With the values that must be given in either version."""
    bases = {**there.facts.bases.get(other, {}), **here.facts.bases.get(cls, {})}
    return [{**bases, **config} for config in configs]


def _is_read(rule: ProvenRule, there: Judge) -> bool:
    """Whether the class is known not to be there: its group was read, and by a pattern or another root."""
    package = rule.target.rpartition(".")[0]
    return any(name.rpartition(".")[0] == package or package in str(name) for name in there.facts.members)


def _not_proven(rule: ProvenRule, there: Judge) -> str:
    other = there.counterpart(rule.target)
    status = f" ({there.targets[other].status})" if other else ""
    return f"{there.facts.version}: `{rule.target.rpartition('.')[2]}` was not proven{status}"
