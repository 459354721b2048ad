"""`atlas invariants evaluate`: which rules hold for configurations, without the engine."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TextIO

from atlas.errors import InputError
from atlas.invariants.artefact import load_published
from atlas.invariants.corpus import Corpus
from atlas.invariants.effective import effective
from atlas.invariants.messages import render
from atlas.invariants.model import DEPTHS, Candidate, Config, Json, Target
from atlas.invariants.outcomes import compiled
from atlas.invariants.predicate import UNDEFINED, fields_of
from atlas.invariants.rules import effect_json


def evaluate(
    root: Path, pin: str, name: str, *, rules: str, depth: str, lines: Iterable[str], out: TextIO
) -> int:
    """One JSON line for each configuration; the exit code is 4 if one of them could not be read."""
    published = load_published(root, pin)
    target = published.target(name)
    chosen = [
        (label, rule)
        for label, rule in published.rules(target)
        if DEPTHS.index(rule.depth) <= DEPTHS.index(depth)
        and (rules == "all" or (rule.severity == "error" and not rule.requires))
    ]
    corpus = Corpus(target, [rule for _, rule in chosen])
    failed = False
    for number, config in read_configs(lines):
        if isinstance(config, str):
            failed = True
            answer: dict[str, Json] = {"line": number, "error": config}
        else:
            answer = judged(corpus, [label for label, _ in chosen], config)
        out.write(json.dumps(answer, ensure_ascii=False) + "\n")
    return InputError.exit_code if failed else 0


def judged(corpus: Corpus, labels: list[str], config: Config) -> dict[str, Json]:
    """The rules that hold, and what the configuration becomes."""
    holding = [(labels[place], corpus.rules[place]) for place in corpus.holding(config)]
    sets, stable = effective(corpus, config)
    verdict = "rejected" if any(_plain_error(rule) for _, rule in holding) else "accepted"
    return {
        "verdict": verdict,
        "rules": [_shown(label, rule, config, corpus) for label, rule in holding],
        "effective": sets if verdict == "accepted" else {},
        "stable": stable,
    }


def _plain_error(rule: Candidate) -> bool:
    return rule.severity == "error" and not rule.requires


def _shown(label: str, rule: Candidate, config: Config, corpus: Corpus) -> dict[str, Json]:
    entry: dict[str, Json] = {
        "id": label,
        "severity": rule.severity,
        "depth": rule.depth,
        "message": rendered(rule, config, corpus),
        "effect": effect_json(rule.effect),
    }
    if rule.effect.sets:
        entry["effective"] = {
            name: value
            for name, expr in rule.effect.sets.items()
            if (value := compiled(expr, corpus.context)(config)) is not UNDEFINED
        }
    if rule.requires:
        entry["requires"] = list(rule.requires)
    if rule.site:
        entry["source"] = f"{rule.site.file}:{rule.site.line}"
    return entry


def rendered(rule: Candidate, config: Config, corpus: Corpus) -> str:
    """The message with the user's values in it."""
    if rule.message:
        return render(rule.message, config, corpus.context)
    what = {"error": "is rejected", "warn": "is warned about", "dormant": "is changed"}[rule.severity]
    names = ", ".join(sorted({name for name in config if name in _fields(rule)}))
    return f"{names or 'this configuration'} {what}"


def _fields(rule: Candidate) -> set[str]:
    return {one.path[0] for one in fields_of(rule.when)} | set(rule.effect.sets)


def read_configs(lines: Iterable[str]) -> Iterator[tuple[int, Config | str]]:
    """Each line's number and configuration, or what is wrong with it; empty lines are left out."""
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            yield number, f"not JSON: {error}"
            continue
        if not isinstance(value, Mapping):
            yield number, "not an object of keyword arguments"
            continue
        yield number, dict(value)


def up_to(target: Target, depth: str) -> Target:
    """The target with no steps beyond a depth, nor what only those need."""
    steps = tuple(step for step in target.steps if DEPTHS.index(step.depth) <= DEPTHS.index(depth))
    if steps == target.steps:
        return target
    prepare = target.prepare if steps else {}
    return replace(target, steps=steps, prepare=prepare, others=(), limit_s=None, memory_mb=None)
