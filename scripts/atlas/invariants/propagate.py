"""Rules of one class that hold for another one that its values are handed to.

A field that takes an object of a class is rejected as that class rejects it, and a class whose fields join
those of other classes is rejected when these are made. Both are candidates only: the gate decides.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from atlas.invariants.model import Candidate, Depth, Effect, FieldSpec, Target
from atlas.invariants.predicate import (
    Const,
    Context,
    Each,
    Expr,
    Field,
    Op,
    PredicateError,
    Var,
    fields_of,
    holds,
    normalise,
    parse,
    substitute,
    to_text,
)

Rules = Mapping[str, Iterable[Candidate]]
"""The rules that were proven of each class."""
_PLACEHOLDER = re.compile(r"\{([^{}]+)\}")
CONFIG_TIME: tuple[Depth, ...] = ("construct", "validate", "resolve")


def propagated(target: Target, proven: Rules) -> list[Candidate]:
    """Candidates for a target from what was proven of the classes of its fields."""
    return [*_from_nested(target, proven), *_from_joined(target, proven)]


def _from_nested(target: Target, proven: Rules) -> Iterator[Candidate]:
    for spec in target.fields:
        inner = target.inner.get(spec.name)
        if inner is None or spec.nested is None:
            continue
        yield _unknown_keys(target, spec, inner)
        for rule in proven.get(spec.nested, ()):
            moved: dict[Expr, Expr] = {Field((one.name,)): Field((spec.name, one.name)) for one in inner}
            moved |= {Field(one.path): Field((spec.name, *one.path)) for one in fields_of(rule.when)}
            sets = {f"{spec.name}.{name}": value for name, value in rule.effect.sets.items()}
            made = _moved(rule, target, moved, sets, rule.depth)
            yield replace(made, when=normalise(Op("and", (_is_object(spec), made.when))))


def _is_object(spec: FieldSpec) -> Expr:
    return Op("==", (Op("type", (Op("raw", (Field((spec.name,)),)),)), Const("dict")))


def _unknown_keys(target: Target, spec: FieldSpec, inner: Iterable[FieldSpec]) -> Candidate:
    """An object with a key that its class does not have."""
    raw = Op("raw", (Field((spec.name,)),))
    known = Const(sorted(one.name for one in inner))
    unknown = Each("any", "key", Op("keys", (raw,)), Op("not_in", (Var("key"), known)))
    return Candidate(
        target.cls,
        "error",
        "construct",
        normalise(Op("and", (_is_object(spec), unknown))),
        Effect(raises="ValidationError"),
        "lifted",
        message=f"{spec.name} has a key that {spec.nested} does not know",
    )


def _from_joined(target: Target, proven: Rules) -> Iterator[Candidate]:
    """Rules of the classes that the fields join, where all that they read is joined."""
    depth = next((step.depth for step in reversed(target.steps) if step.depth in CONFIG_TIME), None)
    owners: dict[str, dict[str, str]] = {}
    for spec in target.fields:
        if spec.joins:
            cls, _, name = spec.joins.rpartition(".")
            owners.setdefault(cls, {})[name] = spec.name
    for cls, names in sorted(owners.items()):
        if cls == target.cls:
            continue
        for rule in proven.get(cls, ()):
            read = fields_of(rule.when)
            if not read or any(one.path[0] not in names for one in read):
                continue
            if any(name.partition(".")[0] not in names for name in rule.effect.sets):
                continue
            moved: dict[Expr, Expr] = {
                Field(one.path): Field((names[one.path[0]], *one.path[1:])) for one in read
            }
            moved |= {Field((inner,)): Field((outer,)) for inner, outer in names.items()}
            sets = {
                ".".join((names[name.partition(".")[0]], *name.split(".")[1:])): value
                for name, value in rule.effect.sets.items()
            }
            made = _moved(rule, target, moved, sets, depth or rule.depth)
            if rule.severity == "error" and rule.site is None and len({one.path[0] for one in read}) == 1:
                made = replace(made, key=rule.key or read[0].path[0])
            yield _only_what_is_set(target, made)


def _only_what_is_set(target: Target, rule: Candidate) -> Candidate:
    """A field that is None unless set leaves the class that it joins its own default."""
    if not holds(rule.when, {}, Context(target.defaults(), target.types(), "lax")):
        return rule
    defaults = target.defaults()
    unset = [one for one in fields_of(rule.when) if defaults.get(one.path[0], 0) is None]
    is_set = (Op("!=", (Op("raw", (one,)), Const(None))) for one in unset)
    return replace(rule, when=normalise(Op("and", (*is_set, rule.when))))


def _moved(
    rule: Candidate,
    target: Target,
    fields: Mapping[Expr, Expr],
    sets: Mapping[str, Expr],
    depth: Depth,
) -> Candidate:
    return replace(
        rule,
        target=target.cls,
        depth=depth,
        when=normalise(substitute(rule.when, fields)),
        effect=replace(rule.effect, sets={name: substitute(value, fields) for name, value in sets.items()}),
        message=_message(rule.message, fields),
        # What a class is given is its own; what is asked of the machine stays the same.
        requires=tuple(one for one in rule.requires if not one.startswith("given:")),
    )


def _message(template: str | None, fields: Mapping[Expr, Expr]) -> str | None:
    if template is None:
        return None

    def renamed(match: re.Match[str]) -> str:
        try:
            return "{" + to_text(substitute(parse(match[1]), fields)) + "}"
        except PredicateError:
            return match[0]

    return _PLACEHOLDER.sub(renamed, template)
