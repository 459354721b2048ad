"""What a rule depends on beside the configuration: the platform, installed packages, the model."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase

from atlas.canonical import compact
from atlas.invariants.bench import Bench
from atlas.invariants.corpus import context_of
from atlas.invariants.gate import Trial
from atlas.invariants.model import Candidate, Config, Json, Mined, Observation, Target
from atlas.invariants.outcomes import at_own_site, happened, matches_warning, said_at_site

MISSING_PACKAGE = "ImportError"
_NOT_INSTALLED = re.compile(r"No module named|\b(pip|uv pip|conda) install\b|\bis not installed\b")
_PACKAGE = re.compile(r"(?:No module named|No package metadata was found for) ['\"]?([A-Za-z0-9_-]+)")
GIVEN = "given: learned with {names} as given; with another it may not hold"
UNKNOWN_PLACE = "platform: seen on this one, where the change is made is not known"
TRIED = 24


def conditions(bench: Bench, trial: Trial, platform: str, platform_modules: Sequence[str]) -> tuple[str, ...]:
    """What the rule was seen to require, in words; nothing where it holds for the configuration alone."""
    candidate = trial.candidate
    every = [observation for _, observation in trial.confirmed]
    seen = [one for one in every if at_own_site(candidate, one)] or every
    found = list(candidate.requires)
    if any(_on_platform(observation, platform_modules) for observation in seen):
        found.append(f"platform: {platform}")
    if any(_lacks_package(candidate, one) for one in seen):
        found.append("packages: one that it asks for is not installed")
    found += _variants(bench, trial)
    return tuple(dict.fromkeys(found))


def _lacks_package(candidate: Candidate, observation: Observation) -> bool:
    """Whether it is an error of an import, or says so where it was wrapped in another one."""
    thrown = observation.thrown
    if thrown is None:
        return False
    return MISSING_PACKAGE in thrown.mro or any(
        map(_NOT_INSTALLED.search, said_at_site(candidate, observation))
    )


def lacks_package(config: Config, observation: Observation) -> bool:
    """Whether the engine misses a package of its own choice: not one that the configuration names."""
    thrown = observation.thrown
    if thrown is None or MISSING_PACKAGE not in thrown.mro:
        return False
    named = _PACKAGE.search(thrown.message)
    return named is not None and named[1] not in compact(config).decode()


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
    context = context_of(bench.target)
    for number, variant in _numbered(bench.target):
        for config, observation in bench.observed(_shown(trial), number):
            if happened(trial.candidate, config, observation, context, bench.target.ends) is False:
                return [f"given: as proven, not any {', '.join(sorted(variant))}"]
    return []


def ask_variants(bench: Bench, trials: Iterable[Trial]) -> None:
    """Ask at once what `conditions` will ask about each."""
    configs = [config for trial in trials for config in _shown(trial)]
    for number, _ in _numbered(bench.target):
        bench.ask(configs, number)


def _numbered(target: Target) -> Iterator[tuple[int, Mapping[str, Json]]]:
    yield from enumerate((*target.variants, *target.others), start=1)


def _shown(trial: Trial) -> list[Config]:
    return [config for config, _ in trial.confirmed[:TRIED]]


def asked(mined: Mined, target: Target, trial: Trial) -> Iterator[str]:
    """What the sources ask of the machine on the way to where a rule was learned from.

    A change has no frames: after steps in which much is decided, it may depend on the machine unless the
    sources tell where it is made.
    """
    candidate = trial.candidate
    if candidate.origin != "live":
        return
    for one in mined.candidates:
        if one.severity == candidate.severity and _same_place(one, candidate):
            yield from one.requires
    if candidate.severity == "dormant" and target.steps:
        yield UNKNOWN_PLACE
    for _, observation in trial.confirmed[:TRIED]:
        for frame in _frames(candidate, observation):
            yield from mined.asked(frame)


def beside_what_is_given(target: Target, candidate: Candidate) -> tuple[str, ...]:
    """What a learned rule of a class that is always given something requires besides.

    The sources of an exact rule name the fields that decide. Outcomes do not tell whether it is the model.
    """
    if candidate.origin != "live" or not target.given:
        return ()
    return (GIVEN.format(names=", ".join(sorted(target.given))),)


def _same_place(one: Candidate, other: Candidate) -> bool:
    if other.severity == "dormant":
        return not one.effect.sets.keys().isdisjoint(other.effect.sets)
    return bool(other.site and other.site.meets(one.site))


def _frames(candidate: Candidate, observation: Observation) -> Iterator[str]:
    """The engine's frames where the rule's site is the innermost one."""
    thrown, site = observation.thrown, candidate.site
    if candidate.severity == "warn":
        for warned in observation.warned:
            if matches_warning(candidate, warned):
                yield from warned.frames
    elif thrown is not None:
        every = [thrown.frames, *(part["frames"] for part in thrown.parts)]
        for frames in every:
            if frames and (site is None or site.holds(frames[0])):
                yield from frames
