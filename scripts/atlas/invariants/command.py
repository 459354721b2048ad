"""`atlas invariants build`: the rules of one engine version, proven where its environment exists."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from atlas.cost import recording
from atlas.engines.model import Cell, DeepSpec
from atlas.environment.prepare import platform_name, prepare
from atlas.errors import InputError, RunError
from atlas.invariants.bench import Bench
from atlas.invariants.evaluate import up_to
from atlas.invariants.finish import finished
from atlas.invariants.gate import EACH_SIDE, FEW_EACH_SIDE
from atlas.invariants.lift import lifted
from atlas.invariants.live import Session
from atlas.invariants.loop import Settings, begin, missing, run
from atlas.invariants.model import NO_MEMBERS, Candidate, Members, Mined, Target
from atlas.invariants.propagate import propagated
from atlas.invariants.publish import Origin, Proven, documents, write
from atlas.invariants.rules import Rule, rule_id
from atlas.invariants.static import mine
from atlas.invariants.targets import targets_of
from atlas.progress import say
from atlas.schema.static.modules import SourceIndex
from atlas.schema.static.reader import Reader
from atlas.source.tree import SourceTree

SEED = "1"
CONFIG_TIME = ("construct", "validate", "resolve")
"""What happens before weights are loaded; deeper steps are tried apart, on fewer configurations."""
MOST_ASKED, MOST_ASKED_OF_STEPS, MOST_ASKED_DEEP = 150_000, 40_000, 3_000
"""Configurations of a class, of one that is taken further than its construction, and of one that loads
weights, that are tried at most before the last measurement."""
DEEP_SHARE = 4
"""The last measurement of what loads weights takes one for so many that were tried before."""
NESTED_SAMPLES = 6
"""A class that is no root of a surface gets one sample for this many of a root's."""


def build_invariants(
    cell: Cell,
    source_json: Path,
    environment_json: Path | None,
    schema_json: Path,
    outputs: Sequence[Path],
    *,
    workers: int = 1,
) -> None:
    """Mine, prove and write all three artefacts, or none."""
    with recording("invariants", cell.engine, cell.version) as cost:
        schema = json.loads(schema_json.read_text(encoding="utf-8"))
        tree = SourceTree.load(source_json, cell)
        reader = Reader.over(SourceIndex({path: partial(tree.read, path) for path in tree.modules()}))
        families = class_families(reader, schema)
        targets = targets_of(cell, schema, families)
        environment = schema["environment"] if environment_json else None
        mined = {target.cls: mined_of(target, reader) for target in targets}
        if environment:
            proven = _prove_all(cell, tree, reader, targets, mined, schema, workers)
        else:
            proven = [unverified(target, mined[target.cls]) for target in targets]
        origin = Origin(
            cell.engine,
            cell.version,
            schema["sources"],
            environment,
            {cls: family for cls, family in families.items() if any(cls == one.cls for one in targets)}
            | _joined(targets, families),
            spans(tree, proven),
            SEED,
        )
        found = documents(origin, proven)
        write(outputs, found)
        cost.note = (
            f"{found[2]['totals']['rules']} rules, {found[2]['totals']['configurations']} configurations"
        )


def mined_of(target: Target, reader: Reader, members: Members = NO_MEMBERS) -> Mined:
    """What the sources say of a target, and of what it does before weights are loaded."""
    whole = mine(target, reader, members=members)
    if not is_deep(target):
        return whole
    return replace(whole, early=mine(up_to(target, CONFIG_TIME[-1]), reader, members=members))


def class_families(reader: Reader, schema: Mapping[str, Any]) -> dict[str, str]:
    """What makes each class that the schema names: pydantic, msgspec, a plain class, …"""
    names: set[str] = set()
    for group in schema["roots"]:
        for one in schema[group]:
            names |= {one["owner"], one["root"]}
            names |= {one["joins"].rpartition(".")[0]} if one.get("joins") else set()
            options = [one["type"], *one["type"].get("anyOf", ())]
            names |= {option["x-python-type"] for option in options if "x-python-type" in option}
    found = {}
    for name in sorted(names):
        definition = reader.index.resolve(name) if name.isidentifier() or "." in name else None
        view = reader.classifier.view(definition) if definition else None
        if view is not None:
            found[name] = view.family
    return found


def _joined(targets: Iterable[Target], families: Mapping[str, str]) -> dict[str, str]:
    owners = {spec.joins.rpartition(".")[0] for one in targets for spec in one.fields if spec.joins}
    return {cls: families[cls] for cls in sorted(owners) if cls in families}


def _prove_all(
    cell: Cell,
    tree: SourceTree,
    reader: Reader,
    targets: Sequence[Target],
    mined: Mapping[str, Mined],
    schema: Mapping[str, Any],
    workers: int,
) -> list[Proven]:
    prepared = prepare(cell, tree)
    roots = {root["name"] for found in schema["roots"].values() for root in found}
    roots |= {spec.cls for spec in cell.invariants.targets}
    proven: list[Proven] = []
    stages = [(True, [up_to(target, CONFIG_TIME[-1]) for target in targets])]
    deep = [target for target in targets if is_deep(target)]
    stages += [(False, deep)] if deep else []
    modules = sorted({name for one in mined.values() for name in one.modules})
    for early, members in stages:
        with Session(
            prepared, members, limit_s=cell.invariants.limit_s, workers=workers, modules=modules
        ) as session:
            if early:
                mined = _with_members(targets, mined, reader, session.members)
            for target in in_order(members):
                few = target.cls not in roots or not early
                settings = settings_of(cell, target, few)
                known = rules_by_class(proven)
                bench = Bench(target, session)
                if early:
                    proven.append(prove(bench, mined[target.cls], settings, known))
                else:
                    before = known.get(target.cls, [])
                    proven.append(prove_deep(bench, mined[target.cls], settings, before))
    order = {target.cls: number for number, target in enumerate(targets)}
    return sorted(proven, key=lambda one: order[one.target.cls])  # the deep part of a target comes last


def _with_members(
    targets: Iterable[Target],
    mined: Mapping[str, Mined],
    reader: Reader,
    members: Members,
) -> dict[str, Mined]:
    """Mined again where the sources leave it to a module which names there are."""
    return {
        one.cls: mined_of(one, reader, members) if mined[one.cls].modules else mined[one.cls]
        for one in targets
    }


def settings_of(cell: Cell, target: Target, few: bool) -> Settings:
    """How a target is worked on: as its YAML says, else as is usual for its kind."""
    spec = next((one for one in cell.invariants.targets if one.cls == target.cls), None)
    usual = cell.invariants.samples // (NESTED_SAMPLES if few else 1)
    samples = spec.samples if spec and spec.samples and not few else usual
    most = MOST_ASKED if not target.steps else MOST_ASKED_OF_STEPS
    if is_deep(target):
        deep = spec.deep if spec else DeepSpec()
        most = deep.most_asked or MOST_ASKED_DEEP
        samples = deep.samples or min(samples, most // DEEP_SHARE)
    elif spec and spec.most_asked:
        most = spec.most_asked
    settings = Settings(SEED, samples, platform_name(), cell.invariants.platform_modules, most)
    return replace(settings, examples=1) if is_deep(target) else settings


def affordable(settings: Settings, candidates: int) -> Settings:
    """With fewer configurations of each candidate's own, where all would take most of what may be asked."""
    if 2 * EACH_SIDE * candidates <= settings.most_asked // 2:
        return settings
    return replace(settings, each_side=FEW_EACH_SIDE)


def in_order(targets: Sequence[Target]) -> list[Target]:
    """Classes before those that take their objects or join their fields."""
    left = {target.cls: target for target in targets}
    found: list[Target] = []

    def visit(cls: str) -> None:
        target = left.pop(cls, None)
        if target is not None:
            for other in needed(target):
                visit(other)
            found.append(target)

    for target in targets:
        visit(target.cls)
    return found


def needed(target: Target) -> list[str]:
    """The classes whose rules may be a target's too."""
    nested = {spec.nested for spec in target.fields if spec.nested}
    joined = {spec.joins.rpartition(".")[0] for spec in target.fields if spec.joins}
    return sorted((nested | joined) - {target.cls})


def rules_by_class(proven: Iterable[Proven]) -> dict[str, list[Candidate]]:
    found: dict[str, list[Candidate]] = {}
    for one in proven:
        found.setdefault(one.target.cls, []).extend(rule.candidate for rule in one.rules)
    return found


def is_deep(target: Target) -> bool:
    """Whether it is taken further than what happens before weights are loaded."""
    return any(step.depth not in CONFIG_TIME for step in target.steps)


def prove(
    bench: Bench, mined: Mined, settings: Settings, known: Mapping[str, Sequence[Candidate]] | None = None
) -> Proven:
    """One target through the loop. `known` are the rules of other classes."""
    target = bench.target
    mined = mined.early or mined
    steps = {"construct", *(step.depth for step in target.steps)}
    reachable = replace(mined, candidates=tuple(one for one in mined.candidates if one.depth in steps))
    first = [*reachable.candidates, *missing(target), *propagated(target, known or {})]
    return _loop(bench, settings, reachable, [*first, *lifted(target)], ())


def prove_deep(bench: Bench, mined: Mined, settings: Settings, known: Sequence[Candidate]) -> Proven:
    """The steps that need a model: only what they show beyond the rules that are known."""
    deepest = bench.target.steps[-1].depth
    found = replace(_loop(bench, settings, *_beyond(mined, known), known), depth=deepest)
    rules = tuple(rule for rule in found.rules if rule.candidate.depth not in CONFIG_TIME)
    held = tuple(one for one in found.quarantined if one.candidate.depth not in CONFIG_TIME)
    return replace(found, rules=rules, quarantined=held)


def _beyond(mined: Mined, known: Iterable[Candidate]) -> tuple[Mined, list[Candidate]]:
    """What the miner found in deep steps only. What is checked there again is known already."""
    names = {rule_id(one) for one in known}
    deep = [one for one in mined.candidates if one.depth not in CONFIG_TIME and rule_id(one) not in names]
    before = {(one.site, one.kind) for one in (mined.early.sites if mined.early else ())}
    sites = tuple(one for one in mined.sites if (one.site, one.kind) not in before)
    return Mined(tuple(deep), sites), deep


def _loop(
    bench: Bench,
    settings: Settings,
    reachable: Mined,
    candidates: Sequence[Candidate],
    known: Sequence[Candidate],
) -> Proven:
    target = bench.target
    try:
        before = CONFIG_TIME if is_deep(target) else ()
        work = begin(bench, affordable(settings, len(candidates)), reachable, candidates, known, before)
        if work is None:
            return Proven(
                target,
                "not_constructible",
                reason="no configuration that was tried is accepted",
                unverified=tuple(map(_unproven, filter(_is_exact, reachable.candidates))),
                sites=reachable.sites,
                asked=bench.asked,
            )
        run(work, candidates, say)
        return finished(work)
    except RunError as error:
        return replace(unverified(target, reachable), status="failed", reason=error.what.splitlines()[0])
    finally:
        bench.forget()


def unverified(target: Target, mined: Mined) -> Proven:
    """What the sources alone say: never an error."""
    rules = tuple(map(_unproven, filter(_is_exact, mined.candidates)))
    return Proven(target, "unverified", unverified=rules, sites=mined.sites)


def _is_exact(candidate: Candidate) -> bool:
    return not candidate.partial


def _unproven(candidate: Candidate) -> Rule:
    severity = "warn" if candidate.severity == "error" else candidate.severity
    return Rule(replace(candidate, severity=severity))


def spans(tree: SourceTree, proven: Iterable[Proven]) -> dict[str, str]:
    """The digest of the lines of each rule's site."""
    found: dict[str, str] = {}
    for rule in (rule for one in proven for rule in (*one.rules, *one.unverified)):
        site = rule.candidate.site
        if site is None:
            continue
        key = f"{site.file}:{site.line}-{site.end_line}"
        if key not in found:
            try:
                lines = tree.read(site.file).splitlines(keepends=True)[site.line - 1 : site.end_line]
            except (InputError, KeyError):
                continue
            found[key] = hashlib.sha256(_bytes(lines)).hexdigest()
    return found


def _bytes(lines: Sequence[Any]) -> bytes:
    return b"".join(line if isinstance(line, bytes) else line.encode() for line in lines)
