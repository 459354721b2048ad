"""Whether what a rule promises is what the engine did."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from atlas.invariants.model import Candidate, Config, Json, Observation, Warned
from atlas.invariants.predicate import UNDEFINED, Context, Expr, Op, compile_expr, every_part, fields_of
from atlas.invariants.predicate.context import is_given

NOTHING: Mapping[str, Json] = MappingProxyType({})
UNKNOWN_KEY = ("unexpected_keyword_argument", "extra_forbidden")
"""What pydantic calls a key that it does not know."""
LOGGER_FRAMES = 3
"""A warning's site may lie under this many frames of the engine's own logging helpers."""


def happened(
    candidate: Candidate,
    config: Config,
    observation: Observation,
    context: Context,
    ends: Mapping[str, Json] = NOTHING,
) -> bool | None:
    """True or false where the engine's outcome decides it; None where it can't be judged by it.

    A rejected configuration says nothing of warnings and changes, which may not have been reached; nor does
    one in which a field is what the rule makes of it anyway (`ends`: what fields are when unset).
    """
    if observation.outcome == "rejected":
        return True if candidate.severity == "error" else None
    if observation.outcome != "ok":
        return None
    if candidate.severity == "error":
        return False
    if candidate.severity == "warn":
        return any(matches_warning(candidate, warned) for warned in observation.warned)
    return _changed_so(candidate, config, observation.changed, context, ends)


def _changed_so(
    candidate: Candidate,
    config: Config,
    changed: Mapping[str, Json],
    context: Context,
    ends: Mapping[str, Json],
) -> bool | None:
    """Whether every field is what the rule makes of it; None where it is, but nothing had to be changed."""
    seen = False
    for field in candidate.effect.sets:
        if field in changed:
            if not sets_field(candidate, field, config, changed, context):
                return False
            seen = True
        elif not changes_nothing(candidate, field, config, context, ends):
            return False
    return True if seen else None


def changes_nothing(
    candidate: Candidate, field: str, config: Config, context: Context, ends: Mapping[str, Json]
) -> bool:
    """Whether what the rule makes of a field is what it is anyway: as given, or as it ends when unset."""
    path = field.split(".")
    value = compiled(candidate.effect.sets[field], context)(config)
    if value is UNDEFINED:
        return False
    if is_given(tuple(path), config):
        return same(value, functools.reduce(operator.getitem, path, config))
    return path[0] not in config and field in ends and same(value, ends[field])


def at_own_site(candidate: Candidate, observation: Observation) -> bool:
    """Whether the engine did it where (or in the words in which) the rule says."""
    if candidate.severity == "dormant":
        return all(field in observation.changed for field in candidate.effect.sets)
    return bool(said_at_site(candidate, observation))


def said_at_site(candidate: Candidate, observation: Observation) -> list[str]:
    """The messages that came from where the rule says."""
    if candidate.severity == "warn":
        return [warned.message for warned in observation.warned if matches_warning(candidate, warned)]
    thrown = observation.thrown
    if thrown is None or candidate.severity == "dormant":
        return []
    site, parts = candidate.site, thrown.parts
    if candidate.key and site:
        its = _names(candidate.key, thrown.message) and _same_file(candidate, thrown.frames)
        return [thrown.message] if its else []
    if site is not None:
        every = [(part["frames"], part["message"]) for part in parts] + [(thrown.frames, thrown.message)]
        return [message for frames, message in every if frames and site.holds(frames[0])]
    if parts:
        return [part["message"] for part in parts if not part["frames"] and is_about(candidate, part)]
    its = not thrown.frames and short(thrown.type) == candidate.effect.raises
    return [thrown.message] if its else []


def is_about(candidate: Candidate, part: Mapping[str, Json]) -> bool:
    """Whether one of collected errors is about a field of the condition, wherever that lies.

    Where a class makes an object of another one out of a field's keys, the error names those, not the field.
    """
    if not part["loc"]:
        return False
    if candidate.key and candidate.key == part["loc"][0]:
        return True
    if part["type"] in UNKNOWN_KEY and any(
        isinstance(one, Op) and one.name == "keys" for one in every_part(candidate.when)
    ):
        return True
    return any(part["loc"][0] in one.path for one in fields_of(candidate.when))


def matches_warning(candidate: Candidate, warned: Warned) -> bool:
    """Whether this is the warning that the rule is about."""
    if candidate.key and candidate.site:
        return _names(candidate.key, warned.message) and _same_file(candidate, warned.frames)
    if candidate.site is not None:
        return any(candidate.site.holds(frame) for frame in warned.frames[:LOGGER_FRAMES])
    return not warned.frames and candidate.effect.warns == warned.channel


def _names(key: str, message: str) -> bool:
    """Whether a message lists the issue, in quotes of any kind."""
    return any(f"{quote}{key}{quote}" in message for quote in "'`\"")


def _same_file(candidate: Candidate, frames: tuple[str, ...]) -> bool:
    return candidate.site is not None and any(
        frame.rpartition(":")[0] == candidate.site.file for frame in frames
    )


def sets_field(
    candidate: Candidate, field: str, config: Config, changed: Mapping[str, Json], context: Context
) -> bool:
    """Whether the engine made of the field what the rule says."""
    if field not in changed:
        return False
    value = compiled(candidate.effect.sets[field], context)(config)
    return value is not UNDEFINED and same(value, changed[field])


@lru_cache(maxsize=50_000)
def compiled(expr: Expr, context: Context) -> Callable[[Config], Json]:
    """The expression as a function of a configuration, made once for each context."""
    return compile_expr(expr, context)


def same(left: Any, right: Any) -> bool:
    """Equal as JSON, where 1 is 1.0 but not true."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(same(value, right[key]) for key, value in left.items())
    return bool(left == right)


def short(dotted: str) -> str:
    return dotted.rpartition(".")[2]
