"""Whether enough of what a field may be was tried to say that an engine rejects it.

A text that is rejected may be no name that the engine knows; others may be. So what was learned from rejected
values alone is no rule: of the kind of value that it speaks of, the engine must have accepted one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from atlas.invariants.conditional import lacks_package
from atlas.invariants.learn.messages import constants_in
from atlas.invariants.model import Candidate, Config, FieldSpec, Json, Target
from atlas.invariants.outcomes import at_own_site, same
from atlas.invariants.predicate import Const, Expr, Field, Op, every_part, fields_of, substitute
from atlas.invariants.sampling.fragments import alternatives, is_untyped, kinds
from atlas.invariants.shared import Observed

LISTED = ("enum", "const")
ENOUGH_VALUES = 8
"""Where so many numbers beyond a bound are rejected, those between them are, too."""
BOUNDS = (">", ">=", "<", "<=")
ENOUGH_OBJECTS = 10
ENOUGH_KINDS = 3
"""Where values of so many kinds are rejected for not being None, those of others are, too."""


def one_sided(
    target: Target, candidate: Candidate, confirmed: Collection[Observed], known: Collection[Observed]
) -> str:
    """The field of a learned rule of whose kind of values none is known to be accepted; empty for no such.

    Rules that the sources or declarations state are exact by themselves. Truth values, None and what is
    listed are tried in full, numbers beyond a bound well enough, and what is of no declared type is not
    expected to be accepted.
    """
    if candidate.origin != "live" or candidate.severity != "error":
        return ""
    specs = {spec.name: spec for spec in target.fields}
    names = {one.path[0] for one in fields_of(candidate.when)} & specs.keys()
    rejected = [
        config
        for config, seen in confirmed
        if at_own_site(candidate, seen) and not lacks_package(config, seen)
    ]
    wanted = {
        (name, kind)
        for config in rejected
        for name in names & config.keys()
        if (kind := kind_of(config[name])) and _is_open(specs[name], kind)
    }
    wanted = {
        (name, kind)
        for name, kind in wanted
        if not (kind == "string" and _is_stated(candidate, name))
        and not (kind == "object" and _is_any_object(target, candidate, name, (*confirmed, *known)))
        and not _is_about_none(candidate.when, name, wanted)
        and not (kind == "number" and _is_beyond_a_bound(candidate.when, name, rejected))
    }
    for config, seen in known:
        if not wanted:
            break
        if seen.outcome == "ok":
            wanted -= {pair for pair in wanted if _shows(pair, config, specs)}
    return min(wanted)[0] if wanted else ""


def _is_about_none(when: Expr, name: str, rejected: Collection[tuple[str, str]]) -> bool:
    """Whether the rule asks of the field only whether there is a value, and any would do."""
    field = Field((name,))
    asked = (Op("given", (field,)), *(Op("!=", (one, Const(None))) for one in (field, Op("raw", (field,)))))
    left = substitute(when, dict.fromkeys(asked, Const(True)))
    kinds = {kind for its, kind in rejected if its == name}
    return len(kinds) >= ENOUGH_KINDS and all(one.path[0] != name for one in fields_of(left))


def _is_beyond_a_bound(when: Expr, name: str, rejected: Iterable[Config]) -> bool:
    """Whether the rule asks of the field only whether it is above or below something, and many were tried."""
    field = Field((name,))
    asked: dict[Expr, Expr] = {
        one: Const(True)
        for one in every_part(when)
        if isinstance(one, Op) and one.name in BOUNDS and fields_of(one) == (field,)
    }
    left = substitute(when, asked)
    tried = {repr(config[name]) for config in rejected if name in config}
    return bool(asked) and len(tried) >= ENOUGH_VALUES and all(one.path[0] != name for one in fields_of(left))


def _is_stated(candidate: Candidate, name: str) -> bool:
    """Whether the engine's own message lists the texts that it takes."""
    said = {word.lower() for word in constants_in(candidate.message or "") if isinstance(word, str)}
    lists = [
        [value for value in one.args[1].value if value is not None]
        for one in every_part(candidate.when)
        if isinstance(one, Op) and one.name == "not_in" and isinstance(one.args[1], Const)
        if [its.path[0] for its in fields_of(one)] == [name] and isinstance(one.args[1].value, tuple)
    ]
    return any(
        len(values) > 1 and all(isinstance(one, str) and one.lower() in said for one in values)
        for values in lists
    )


def _is_any_object(target: Target, candidate: Candidate, name: str, seen: Iterable[Observed]) -> bool:
    """Whether objects of a class of the engine's, each as good as the class takes it, are all rejected by one
    statement of the engine's that looks into none of them."""
    if candidate.site is None or name not in target.inner or f"{{{name}" in (candidate.message or ""):
        return False
    if any(len(one.path) > 1 and one.path[0] == name for one in fields_of(candidate.when)):
        return False
    objects = [
        config[name]
        for config, observation in seen
        if isinstance(config.get(name), Mapping) and at_own_site(candidate, observation)
    ]
    keys = {key for one in objects for key in one}.intersection(one.name for one in target.inner[name])
    some = min(ENOUGH_VALUES, len(target.inner[name]))
    return len({repr(one) for one in objects}) >= ENOUGH_OBJECTS and len(keys) >= some


def kind_of(value: Json) -> str:
    """The JSON type of a value that may be one of many; empty for None and truth values."""
    if value is None or isinstance(value, bool):
        return ""
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "string"
    return "object" if isinstance(value, Mapping) else "array"


def _is_open(spec: FieldSpec, kind: str) -> bool:
    """Whether the declared type has values of the kind that are not all listed."""
    if is_untyped(spec.type):
        return True
    for one in alternatives(spec.type):
        named = {"number" if name == "integer" else name for name in kinds(one)}
        if kind in named and not any(word in one for word in LISTED):
            return True
    return False


def _shows(pair: tuple[str, str], config: Config, specs: Mapping[str, FieldSpec]) -> bool:
    name, kind = pair
    if name not in config or kind_of(config[name]) != kind:
        return False
    spec = specs[name]
    return not (spec.has_default and same(spec.default, config[name]))
