"""Candidates from what the schema declares: types, listed values, bounds, and values that are converted.

Declared is not enforced: the gate finds out on the engine which of these a class holds its users to.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from atlas.invariants.declared import declared_type, may_convert, may_refuse
from atlas.invariants.model import Candidate, Depth, Effect, FieldSpec, Json, Target
from atlas.invariants.predicate import (
    Const,
    Context,
    Each,
    Expr,
    Field,
    Op,
    Var,
    holds,
    normalise,
)
from atlas.invariants.predicate.type_texts import Type, parse_type

REJECTION = "ValidationError"
_LIMITS: Mapping[str, tuple[str, str]] = {
    "minimum": (">=", "greater than or equal to"),
    "exclusiveMinimum": (">", "greater than"),
    "maximum": ("<=", "less than or equal to"),
    "exclusiveMaximum": ("<", "less than"),
}
_OUTSIDE = {">=": "<", ">": "<=", "<=": ">", "<": ">="}
_SIZES: Mapping[str, tuple[str, str, str]] = {
    "minLength": ("str", "<", "should have at least {} characters"),
    "maxLength": ("str", ">", "should have at most {} characters"),
    "minItems": ("list", "<", "should have at least {} items"),
    "maxItems": ("list", ">", "should have at most {} items"),
    "minProperties": ("dict", "<", "should have at least {} items"),
    "maxProperties": ("dict", ">", "should have at most {} items"),
}
_VALID = {
    "int": "Input should be a valid integer",
    "float": "Input should be a valid number",
    "bool": "Input should be a valid boolean",
    "str": "Input should be a valid string",
}


def lifted(target: Target) -> tuple[Candidate, ...]:
    """One candidate for each thing that the types and constraints of a field rule out, in their order."""
    found: dict[tuple[str, Depth, Expr], Candidate] = {}
    for spec in target.fields:
        for candidate in _of_field(target, spec):
            found.setdefault((candidate.severity, candidate.depth, candidate.when), candidate)
    return tuple(found.values())


def _of_field(target: Target, spec: FieldSpec) -> Iterator[Candidate]:
    field = Field((spec.name,))
    text = declared_type(spec)
    declared = parse_type(text)
    if spec.converts and may_refuse(declared):
        conforms = Op("conforms", (Op("raw", (field,)), Const(text)))
        yield from _errors(target, spec, Op("not", (conforms,)), _type_message(declared))
    listed = _closed_list(declared)
    if not spec.converts and listed:
        yield from _errors(target, spec, Op("not_in", (field, Const(listed))), _listed_message(listed))
    for when, message in _bounds(spec.type, field):
        yield from _errors(target, spec, when, message)
    if target.converts == "lax" and spec.converts and may_convert(declared):
        yield _conversion(target, field)


def _errors(target: Target, spec: FieldSpec, when: Expr, message: str | None) -> Iterator[Candidate]:
    for depth in _depths(target, spec):
        yield Candidate(
            target=target.cls,
            severity="error",
            depth=depth,
            when=normalise(_only_what_is_given(target, spec, when)),
            effect=Effect(raises=REJECTION),
            origin="lifted",
            message=message,
            key=spec.joins.rpartition(".")[2] if spec.joins else None,
        )


def _depths(target: Target, spec: FieldSpec) -> tuple[Depth, ...]:
    """Where values may meet what checks them: the class itself, or one that a step hands them to."""
    steps = tuple(dict.fromkeys(step.depth for step in target.steps if step.depth in ("validate", "resolve")))
    if target.converts == "lax":
        return ("construct",)
    return (steps or ("construct",)) if spec.converts else ("construct", *steps)


def _only_what_is_given(target: Target, spec: FieldSpec, when: Expr) -> Expr:
    """Defaults are not checked, and some do not satisfy what is declared."""
    context = Context(target.defaults(), {spec.name: spec.display} if spec.converts else {}, "lax")
    return Op("and", (Op("given", (Field((spec.name,)),)), when)) if holds(when, {}, context) else when


def _conversion(target: Target, field: Field) -> Candidate:
    """The value becomes another one."""
    return Candidate(
        target=target.cls,
        severity="dormant",
        depth="construct",
        when=Op("not", (Op("same", (Op("raw", (field,)), field)),)),
        effect=Effect(sets={field.path[0]: field}),
        origin="lifted",
    )


def _closed_list(declared: Type) -> tuple[Json, ...]:
    """The values that the type lists, where it takes no others."""
    members = declared.parts if declared.kind == "union" else (declared,)
    if not any(member.kind == "literal" for member in members):
        return ()
    if not all(member.kind in ("literal", "none") for member in members):
        return ()
    values = [const.value for member in members for const in member.values]
    return (*values, None) if any(member.kind == "none" for member in members) else tuple(values)


def _type_message(declared: Type) -> str | None:
    """What pydantic says, where the type has one member besides None."""
    members = declared.parts if declared.kind == "union" else (declared,)
    members = tuple(member for member in members if member.kind != "none")
    if len(members) != 1:
        return None
    if members[0].kind == "literal":
        return _listed_message(tuple(const.value for const in members[0].values))
    return _VALID.get(members[0].kind)


def _listed_message(values: tuple[Json, ...]) -> str:
    *most, last = [repr(value) for value in values if value is not None]
    return f"Input should be {', '.join(most)} or {last}" if most else f"Input should be {last}"


def _bounds(fragment: Mapping[str, Json], value: Expr) -> Iterator[tuple[Expr, str]]:
    """What the fragment's constraints rule out. Of a value of another type each has no value, and so rules
    nothing out."""
    for option in (fragment, *fragment.get("anyOf", ())):
        yield from _numeric(option, value)
        yield from _sizes(option, value)
        if isinstance(option.get("items"), Mapping):
            yield from _each_of(option["items"], value)
        if isinstance(option.get("additionalProperties"), Mapping):
            yield from _each_of(option["additionalProperties"], Op("values", (value,)))


def _numeric(option: Mapping[str, Json], value: Expr) -> Iterator[tuple[Expr, str]]:
    for key, (inside, words) in _LIMITS.items():
        if key in option:
            limit = Const(option[key])
            # A NaN is not within any limits, and not outside of them either.
            not_within = Op("not", (Op(inside, (value, limit)),))
            beyond = Op(_OUTSIDE[inside], (value, limit)) if _is_integer(option) else not_within
            yield beyond, f"Input should be {words} {option[key]}"
    if "multipleOf" in option:
        step = option["multipleOf"]
        yield (
            Op("!=", (Op("%", (value, Const(step))), Const(0))),
            f"Input should be a multiple of {step}",
        )


def _is_integer(option: Mapping[str, Json]) -> bool:
    kinds = option.get("type", ())
    return "integer" in ((kinds,) if isinstance(kinds, str) else kinds) and "number" not in kinds


def _sizes(option: Mapping[str, Json], value: Expr) -> Iterator[tuple[Expr, str]]:
    for key, (kind, order, words) in _SIZES.items():
        if key in option and "prefixItems" not in option:
            of_kind = Op("==", (Op("type", (value,)), Const(kind)))
            size = Op(order, (Op("len", (value,)), Const(option[key])))
            yield Op("and", (of_kind, size)), f"Value {words.format(option[key])}"
    if isinstance(option.get("pattern"), str):
        pattern = option["pattern"]
        yield Op("not", (Op("matches", (Const(pattern), value)),)), f"String should match pattern '{pattern}'"


def _each_of(fragment: Mapping[str, Json], over: Expr) -> Iterator[tuple[Expr, str]]:
    for when, message in _bounds(fragment, Var("x")):
        yield Each("any", "x", over, when), message
