"""The three artefacts of the stage: rules, quarantine and coverage, written together or not at all."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from atlas.canonical import digest, dump_json, write_atomic
from atlas.invariants.gate import EACH_SIDE
from atlas.invariants.model import Candidate, Config, Depth, Json, SiteAccount, Target
from atlas.invariants.outcomes import same
from atlas.invariants.rules import Quarantined, Rule, quarantined_json, rule_json
from atlas.invariants.shared import REQUIRED
from atlas.validation import check, schema
from atlas.yamlfile import Document

FORMAT_VERSION = 1
EXTRACTOR = "atlas.invariants"
FORMATS = ("invariants", "invariants.quarantine", "invariants.coverage")
DEEP = ("load", "generate")
ORDER = {"error": 0, "warn": 1, "dormant": 2}


@dataclass(frozen=True)
class Proven:
    """What the stage found out about one target."""

    target: Target
    status: str
    depth: Depth = "construct"
    reason: str = ""
    base: Config = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    unverified: tuple[Rule, ...] = ()
    quarantined: tuple[Quarantined, ...] = ()
    sites: tuple[SiteAccount, ...] = ()
    sample: Mapping[str, Json] = field(default_factory=dict)
    gaps: tuple[Mapping[str, Json], ...] = ()
    failures: tuple[Mapping[str, Json], ...] = ()
    asked: int = 0


@dataclass(frozen=True)
class Origin:
    """Where it comes from: parts of the schema artefact's envelope, and what was drawn with."""

    engine: str
    version: str
    sources: Sequence[Mapping[str, Json]]
    environment: Mapping[str, Json] | None
    families: Mapping[str, str]
    spans: Mapping[str, str]
    """`file:line-end_line` → sha256 of those lines."""
    seed: str


def documents(origin: Origin, proven: Sequence[Proven]) -> tuple[dict[str, Json], ...]:
    """invariants.yaml, invariants.quarantine.yaml and invariants.coverage.json."""
    status = "gated" if origin.environment else "unverified"
    head = {"format_version": FORMAT_VERSION, "engine": origin.engine, "version": origin.version}
    rules = _sorted(rule for one in proven for rule in one.rules)
    unverified = _sorted(rule for one in proven for rule in one.unverified)
    corpus = {
        **head,
        "status": status,
        "sources": [dict(one) for one in origin.sources],
        "environment": dict(origin.environment) if origin.environment else None,
        "extractor": {"name": EXTRACTOR, "digest": digest([schema(name) for name in FORMATS])},
        "gate": _gate(origin, proven) if origin.environment else None,
        "families": dict(sorted(origin.families.items())),
        "targets": _targets(proven),
        "rules": [_with_span(rule_json(rule), origin) for rule in rules],
        "unverified": [_with_span(rule_json(rule), origin) for rule in unverified],
    }
    held = sorted((one for each in proven for one in each.quarantined), key=lambda one: (one.id, one.reason))
    quarantine = {**head, "candidates": [quarantined_json(one) for one in held]}
    coverage = {
        **head,
        "status": status,
        "environment": dict(origin.environment) if origin.environment else None,
        "seed": origin.seed,
        "totals": _totals(proven),
        "targets": [_coverage(one) for one in proven],
    }
    return corpus, quarantine, coverage


def _gate(origin: Origin, proven: Iterable[Proven]) -> dict[str, Json]:
    return {
        "seed": origin.seed,
        "configs": sum(one.asked for one in proven),
        "each_side": EACH_SIDE,
        "required": REQUIRED,
    }


def is_deep(one: Proven) -> bool:
    """Whether it is about steps that load weights, which are tried apart."""
    return one.depth in DEEP


def _targets(proven: Iterable[Proven]) -> list[dict[str, Json]]:
    """One entry for each class; what became of its deep steps is in it."""
    entries: dict[str, dict[str, Json]] = {}
    for one in proven:
        entry: dict[str, Json] = {"class": one.target.cls, "group": one.target.group, "status": one.status}
        if one.reason:
            entry["reason"] = one.reason
        if one.base:
            entry["base"] = dict(one.base)
        unset = _unset(one)
        if unset:
            entry["unset"] = unset
        if one.target.cls in entries:
            told = {name: entry[name] for name in ("status", "reason") if name in entry}
            entries[one.target.cls]["deep"] = {"depth": one.depth, **told}
        else:
            entries[one.target.cls] = entry
    return list(entries.values())


def _unset(one: Proven) -> dict[str, Json]:
    """What the fields that rules change are when unset, where that is not what is declared."""
    changed = sorted({name for rule in one.rules for name in rule.candidate.effect.sets})
    ends, declared = one.target.ends, one.target.defaults()
    return {
        name: ends[name]
        for name in changed
        if name in ends and not (name in declared and same(declared[name], ends[name]))
    }


def _sorted(rules: Iterable[Rule]) -> list[Rule]:
    return sorted(
        {rule.id: rule for rule in rules}.values(),
        key=lambda rule: (rule.candidate.target, ORDER[rule.candidate.severity], rule.id),
    )


def _with_span(entry: dict[str, Json], origin: Origin) -> dict[str, Json]:
    evidence = entry["evidence"]
    if "file" in evidence:
        span = origin.spans.get(f"{evidence['file']}:{evidence['line']}-{evidence['end_line']}")
        if span:
            evidence["span_sha256"] = span
    return entry


def _totals(proven: Sequence[Proven]) -> dict[str, Json]:
    """Sums over all targets, and the shares that they give; of deep steps apart."""
    deep = _sums(filter(is_deep, proven))
    sums = _sums(one for one in proven if not is_deep(one))
    shipped = [rule for one in proven for rule in one.rules]
    return {
        "rules": len({rule.id for rule in shipped}),
        "errors": sum(rule.candidate.severity == "error" for rule in shipped),
        "conditional": sum(bool(rule.candidate.requires) for rule in shipped),
        "quarantined": sum(len(one.quarantined) for one in proven),
        "configurations": sum(one.asked for one in proven),
        "sample": {**sums, **rates(sums)},
        **({"deep": {**deep, **rates(deep)}} if deep else {}),
    }


def _sums(proven: Iterable[Proven]) -> dict[str, int]:
    sums: dict[str, int] = {}
    for one in proven:
        for name, value in one.sample.items():
            if isinstance(value, int):
                sums[name] = sums.get(name, 0) + value
    return sums


def rates(counts: Mapping[str, Json]) -> dict[str, Json]:
    """Shares of a tally, to four digits; None where there was nothing to share."""

    def share(part: str, whole: str) -> float | None:
        n = counts.get(whole, 0)
        return round(counts.get(part, 0) / n, 4) if n else None

    return {
        "error_recall": share("rejections_found", "rejected"),
        "warn_recall": share("warnings_found", "warnings"),
        "dormant_recall": share("changes_found", "changes"),
    }


def _coverage(one: Proven) -> dict[str, Json]:
    counts: dict[str, int] = {"error": 0, "warn": 0, "dormant": 0, "conditional": 0}
    for rule in one.rules:
        counts["conditional" if rule.candidate.requires else rule.candidate.severity] += 1
    reasons: dict[str, int] = {}
    for held in one.quarantined:
        reasons[held.reason] = reasons.get(held.reason, 0) + 1
    entry: dict[str, Json] = {
        "class": one.target.cls,
        "group": one.target.group,
        "depth": one.depth,
        "status": one.status,
        "rules": counts,
        "quarantined": dict(sorted(reasons.items())),
        "sample": {**one.sample, **rates(one.sample)} if one.sample else {},
        "gaps": list(one.gaps),
        "failures": list(one.failures),
        "sites": [_site(account, one) for account in one.sites],
    }
    if one.reason:
        entry["reason"] = one.reason
    return entry


def _site(account: SiteAccount, proven: Proven) -> dict[str, Json]:
    """What became of one raise, warn or change site."""
    entry: dict[str, Json] = {"file": account.site.file, "line": account.site.line, "kind": account.kind}
    rules = sorted({rule.id for rule in proven.rules if _is_at(account, rule.candidate)})
    held = sorted({one.reason for one in proven.quarantined if _is_at(account, one.candidate)})
    if rules:
        return {**entry, "status": "covered", "rules": rules}
    if account.status == "unreachable":
        return {**entry, "status": "unreachable", "reason": account.reason}
    if held:
        return {**entry, "status": "quarantined", "reason": ", ".join(held)}
    return {**entry, "status": "untranslated", "reason": account.reason or account.status}


def _is_at(account: SiteAccount, candidate: Candidate) -> bool:
    """What was learned from outcomes knows one line of a statement."""
    return candidate.site is not None and account.site.holds(candidate.site.start)


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
    """Lists are indented, repeated values are written out."""

    def ignore_aliases(self, _: Any) -> bool:
        return True


def dump_yaml(value: Json) -> str:
    """A document's text: keys in the order given, LF, no anchors."""
    return str(yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110))


def write(outputs: Sequence[Path], found: Sequence[Mapping[str, Json]]) -> None:
    """Validate all three and write them; where one can't be written, none is changed."""
    texts = [
        dump_json(one) if path.suffix == ".json" else dump_yaml(one) for path, one in _pairs(outputs, found)
    ]
    for name, (path, one) in zip(FORMATS, _pairs(outputs, found), strict=True):
        check(Document(str(path), dict(one), {}), name)
    before = [path.read_bytes() if path.exists() else None for path in outputs]
    try:
        for path, text in zip(outputs, texts, strict=True):
            write_atomic(path, text)
    except BaseException:
        for path, content in zip(outputs, before, strict=True):
            with contextlib.suppress(OSError):
                if content is None:
                    path.unlink(missing_ok=True)
                else:
                    write_atomic(path, content)
        raise


def _pairs(
    outputs: Sequence[Path], found: Sequence[Mapping[str, Json]]
) -> list[tuple[Path, Mapping[str, Json]]]:
    return list(zip(outputs, found, strict=True))
