"""What a rule depends on beside the configuration: the platform, installed packages, the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

from atlas.invariants.bench import Bench
from atlas.invariants.corpus import context_of
from atlas.invariants.gate import Trial
from atlas.invariants.model import Candidate, Observation
from atlas.invariants.outcomes import happened

MISSING_PACKAGE = "ImportError"
TRIED = 24


def conditions(bench: Bench, trial: Trial, platform: str, platform_modules: Sequence[str]) -> tuple[str, ...]:
    """What the rule was seen to require, in words; nothing where it holds for the configuration alone."""
    seen = [observation for _, observation in trial.confirmed]
    found = list(trial.candidate.requires)
    if any(_on_platform(observation, platform_modules) for observation in seen):
        found.append(f"platform: {platform}")
    if any(one.thrown and MISSING_PACKAGE in one.thrown.mro for one in seen):
        found.append("packages: one that it asks for is not installed")
    found += _variants(bench, trial)
    return tuple(dict.fromkeys(found))


def _on_platform(observation: Observation, patterns: Sequence[str]) -> bool:
    """Whether it happened in, or was called from, code for one platform."""
    thrown = observation.thrown
    if thrown is None:
        return False
    every = [*thrown.frames, *(frame for part in thrown.parts for frame in part["frames"])]
    files = {*(frame.rpartition(":")[0] for frame in every), thrown.outside}
    return any(fnmatchcase(file, pattern) for file in files for pattern in patterns)


def _variants(bench: Bench, trial: Trial) -> list[str]:
    """What is given, where the rule does not hold as it is with something else in its place."""
    configs = [config for config, _ in trial.confirmed[:TRIED]]
    context = context_of(bench.target)
    for number, variant in enumerate((*bench.target.variants, *bench.target.others), start=1):
        for config, observation in bench.observed(configs, number):
            if happened(trial.candidate, config, observation, context) is False:
                return [f"given: as proven, not any {', '.join(sorted(variant))}"]
    return []


def shown(candidate: Candidate, requires: tuple[str, ...]) -> Candidate:
    return replace(candidate, requires=requires)
