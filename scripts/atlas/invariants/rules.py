"""Rules as artefacts hold them, to and from JSON."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from atlas.canonical import digest
from atlas.invariants.model import Candidate, Config, Effect, Json, Observation, Site
from atlas.invariants.predicate import fields_of, parse, to_text

_WORDS = re.compile(r"[^a-z0-9]+")
_PLACE = re.compile("[{…]")
MAX_SLUG = 40
MAX_OPENING = 40
ID_DIGITS = 8


@dataclass(frozen=True)
class Evidence:
    """What the gate saw: how often the rule held and was right, and how often it rightly did not hold."""

    n_triggered: int
    n_clean: int
    n_at_site: int
    lower_bound: float


@dataclass(frozen=True)
class Rule:
    """A rule that passed the gate (or, without evidence, one that nothing could try)."""

    candidate: Candidate
    evidence: Evidence | None = None
    triggers: tuple[Config, ...] = ()
    passes: tuple[Config, ...] = ()
    origins: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        return rule_id(self.candidate)


@dataclass(frozen=True)
class Quarantined:
    """A candidate that does not ship, and the configuration that shows why."""

    candidate: Candidate
    reason: str
    examples: tuple[tuple[Config, Observation], ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    redundant_with: str = ""

    @property
    def id(self) -> str:
        return rule_id(self.candidate)


def rule_id(candidate: Candidate) -> str:
    """Readable, and the same as long as the rule says the same: class, fields and a digest of its meaning.

    Of several warnings under one condition each is a rule: how it begins is part of what it says.
    """
    content = {
        "target": candidate.target,
        "severity": candidate.severity,
        "when": to_text(candidate.when),
        "effect": effect_json(candidate.effect),
    }
    if candidate.severity == "warn":
        content["warns"] = _PLACE.split(candidate.message or "", maxsplit=1)[0].strip()[:MAX_OPENING]
    names = "-".join(field_names(candidate)) or "always"
    slug = _WORDS.sub("-", names.lower()).strip("-")[:MAX_SLUG].strip("-")
    cls = candidate.target.rpartition(".")[2]
    return f"{cls}.{slug}.{digest(content)[7 : 7 + ID_DIGITS]}"


def field_names(candidate: Candidate) -> list[str]:
    """The fields that the condition is about, dotted, sorted."""
    return sorted({".".join(one.path) for one in fields_of(candidate.when)})


def effect_json(effect: Effect) -> dict[str, Json]:
    found: dict[str, Json] = {}
    if effect.raises:
        found["raises"] = effect.raises
    if effect.warns:
        found["warns"] = effect.warns
    if effect.sets:
        found["sets"] = {name: to_text(value) for name, value in sorted(effect.sets.items())}
    return found


def rule_json(rule: Rule) -> dict[str, Json]:
    """One entry of `rules`."""
    entry = candidate_json(rule.candidate, rule.id)
    if rule.triggers or rule.passes:
        entry["witness"] = {
            "triggers": [dict(one) for one in rule.triggers],
            "passes": [dict(one) for one in rule.passes],
        }
    evidence: dict[str, Json] = {"origins": list(rule.origins or (rule.candidate.origin,))}
    site = rule.candidate.site
    if site:
        evidence |= {"file": site.file, "line": site.line, "end_line": site.end_line}
        if site.function:
            evidence["function"] = site.function
    if rule.evidence:
        evidence |= {
            "n_triggered": rule.evidence.n_triggered,
            "n_clean": rule.evidence.n_clean,
            "n_at_site": rule.evidence.n_at_site,
            "false_rejections": 0,
            "lower_bound": rule.evidence.lower_bound,
        }
    return {**entry, "evidence": evidence}


def candidate_json(candidate: Candidate, name: str) -> dict[str, Json]:
    entry: dict[str, Json] = {
        "id": name,
        "target": candidate.target,
        "severity": candidate.severity,
        "depth": candidate.depth,
        "fields": field_names(candidate),
        "when": to_text(candidate.when),
        "effect": effect_json(candidate.effect),
    }
    if candidate.message:
        entry["message"] = candidate.message
    if candidate.requires:
        entry["requires"] = list(candidate.requires)
    if candidate.partial:
        entry["partial"] = list(candidate.partial)
    return entry


def quarantined_json(one: Quarantined) -> dict[str, Json]:
    entry = candidate_json(one.candidate, one.id)
    entry["reason"] = one.reason
    if one.redundant_with:
        entry["redundant_with"] = one.redundant_with
    if one.counts:
        entry["counts"] = dict(one.counts)
    if one.examples:
        entry["counter_examples"] = [
            {"config": dict(config), "outcome": outcome_json(observation)}
            for config, observation in one.examples
        ]
    site = one.candidate.site
    entry["evidence"] = {"origins": [one.candidate.origin]}
    if site:
        entry["evidence"] |= {"file": site.file, "line": site.line, "end_line": site.end_line}
    return entry


def outcome_json(observation: Observation) -> dict[str, Json]:
    """What the engine did, in short."""
    found: dict[str, Json] = {"outcome": observation.outcome, "depth": observation.depth}
    if observation.thrown:
        found["exception"] = observation.thrown.type
        found["message"] = observation.thrown.message
    if observation.warned:
        found["warnings"] = [warned.message for warned in observation.warned]
    if observation.changed:
        found["changed"] = dict(observation.changed)
    return found


def candidate_of(entry: Mapping[str, Any]) -> Candidate:
    """The rule of an artefact's entry."""
    effect, evidence = entry["effect"], entry["evidence"]
    site = None
    if "file" in evidence:
        site = Site(evidence["file"], evidence["line"], evidence["end_line"], evidence.get("function", ""))
    return Candidate(
        target=entry["target"],
        severity=entry["severity"],
        depth=entry["depth"],
        when=parse(entry["when"]),
        effect=Effect(
            effect.get("raises"),
            effect.get("warns"),
            {name: parse(text) for name, text in effect.get("sets", {}).items()},
        ),
        origin=evidence["origins"][0],
        message=entry.get("message"),
        site=site,
        partial=tuple(entry.get("partial", ())),
        requires=tuple(entry.get("requires", ())),
    )
