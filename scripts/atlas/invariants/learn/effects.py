"""What a changed field is changed to, as an expression that gives the engine's value in every case."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from atlas.invariants.learn.atoms import number
from atlas.invariants.learn.fit import Observed
from atlas.invariants.learn.signature import Signature
from atlas.invariants.outcomes import same
from atlas.invariants.predicate import Context, compile_expr
from atlas.invariants.predicate.expr import Const, Expr, Field, Op, identity

MOST_FORMS = 4
MOST_PARTNERS = 5
MOST_CONSTANTS = 8
MOST_PROMISING = 5
SAMPLED = 40
CONSTANT_SHARE = 0.2
LEAST = 2
"""A form that is no constant must give the value of so many different configurations."""

OWN = ("int", "float", "str", "lower", "upper", "strip", "truth", "abs", "round", "floor", "ceil", "neg")
PARTNERED = ("min", "max", "*", "+", "-", "//", "%")


def split(
    signature: Signature, observed: Sequence[Observed], matching: Sequence[int], context: Context
) -> list[tuple[Signature, list[int]]]:
    """The signature once per form of its value, each with its rows; as it is, where nothing is changed.

    Rows whose value no form gives are left out.
    """
    if signature.kind != "changed" or signature.value is not None:
        return [(signature, list(matching))]
    left = list(matching)
    found: list[tuple[Signature, list[int]]] = []
    while left and len(found) < MOST_FORMS:
        best = _best_form(signature.what, observed, left, context)
        if best is None:
            break
        form, explained = best
        found.append((replace(signature, value=form), explained))
        left = [row for row in left if row not in set(explained)]
    return found


def gives(form: Expr, name: str, observed: Observed, context: Context) -> bool:
    """Whether the engine made of the field what the form says."""
    return same(compile_expr(form, context)(observed[0]), observed[1].changed[name])


def _best_form(
    name: str, observed: Sequence[Observed], left: Sequence[int], context: Context
) -> tuple[Expr, list[int]] | None:
    """The form that explains most rows; of equally good ones the first, which is the simplest.

    Constants must explain a good share: one each for many values only repeats what was seen.
    """
    sample = [observed[row] for row in left[:: max(1, math.ceil(len(left) / SAMPLED))]]
    promising: list[tuple[int, Expr]] = []
    for form in dict.fromkeys(_forms(name, sample, context)):
        compute = compile_expr(form, context)
        explained = sum(same(compute(config), seen.changed[name]) for config, seen in sample)
        if explained:
            promising.append((-explained, form))
        if explained == len(sample):
            break
    best: tuple[Expr, list[int]] | None = None
    for _, form in sorted(promising, key=lambda each: each[0])[:MOST_PROMISING]:
        compute = compile_expr(form, context)
        rows = [row for row in left if same(compute(observed[row][0]), observed[row][1].changed[name])]
        constant = isinstance(form, Const)
        needed = len(left) * CONSTANT_SHARE if constant else min(LEAST, len(left))
        if len(rows) >= needed and (best is None or len(rows) > len(best[1])):
            best = (form, rows)
    return best


def _forms(name: str, observed: Sequence[Observed], context: Context) -> Iterator[Expr]:
    """Constants, conversions, other fields, and combinations of these; simplest first."""
    finals = Counter(identity(seen.changed[name]) for _, seen in observed)
    values = {identity(seen.changed[name]): seen.changed[name] for _, seen in observed}
    constants = [values[key] for key, _ in sorted(finals.items(), key=lambda each: (-each[1], repr(each[0])))]
    own = Field(tuple(name.split(".")))
    if len(constants) == 1:
        yield Const(constants[0])
    if context.converts == "lax":
        yield own
    yield from (Op(each, (own,)) for each in OWN)
    yield from (Op("list", (own,)), Op("sorted", (own,)), Op("get", (own, Const(0))))
    others = [Field(tuple(other.split("."))) for other in _equal_fields(name, observed, context)]
    yield from others
    yield from (Const(value) for value in constants[:MOST_CONSTANTS])
    numbers = [value for value in constants if number(value)][:MOST_CONSTANTS]
    for each in PARTNERED[:2]:
        yield from (Op(each, (own, Const(value))) for value in numbers)
    yield from _combined(name, observed, context)


def _combined(name: str, observed: Sequence[Observed], context: Context) -> Iterator[Expr]:
    own = Field(tuple(name.split(".")))
    partners = [Field(tuple(other.split("."))) for other in _partners(name, observed, context)]
    for partner in partners:
        yield from (Op(each, (own, partner)) for each in PARTNERED)
        yield from (Op(each, (partner,)) for each in ("len", "sorted", "list", *OWN))
        yield from _linear(name, partner, observed, context)
    yield from _linear(name, own, observed, context)
    for first in partners:
        for second in partners:
            if first.path != second.path:
                yield from (Op(each, (first, second)) for each in PARTNERED)


def _linear(name: str, field: Field, observed: Sequence[Observed], context: Context) -> Iterator[Expr]:
    """The field times or plus a constant, as the first rows suggest."""
    compute = compile_expr(field, context)
    for config, seen in observed[:3]:
        value, final = compute(config), seen.changed[name]
        if number(value) and number(final):
            yield Op("+", (field, Const(final - value)))
            if value and final % value == 0:
                yield Op("*", (field, Const(final // value)))
            elif value and final and value % final == 0:
                yield Op("//", (field, Const(value // final)))
            elif value:
                yield Op("*", (field, Const(final / value)))


def _equal_fields(name: str, observed: Sequence[Observed], context: Context) -> list[str]:
    """Other fields, and keys of objects, that are what the changed one becomes, in several rows; the most
    frequent first."""
    counts: Counter[str] = Counter()
    for config, seen in observed:
        current = {**context.defaults, **config}
        inside = {
            f"{outer}.{key}": one
            for outer, value in config.items()
            if isinstance(value, Mapping)
            for key, one in value.items()
            if key.isidentifier()
        }
        every = {**current, **inside}
        counts.update(other for other, value in every.items() if same(value, seen.changed[name]))
    del counts[name]
    least = min(LEAST, len(observed))
    return sorted((each for each in counts if counts[each] >= least), key=lambda each: (-counts[each], each))[
        :8
    ]


def _partners(name: str, observed: Sequence[Observed], context: Context) -> list[str]:
    """Other fields that are set in some rows: first those whose value tells what the changed one becomes."""
    set_in = Counter(other for config, _ in observed for other in config if other != name)
    told: dict[str, int] = {}
    for other in set_in:
        finals: dict[object, list[object]] = {}
        for config, seen in observed:
            value = identity(config.get(other, context.defaults.get(other)))
            finals.setdefault(value, []).append(identity(seen.changed[name]))
        told[other] = sum(len(group) for group in finals.values() if len(set(group)) == 1 < len(group))
    return sorted(set_in, key=lambda other: (-told[other], -set_in[other], other))[:MOST_PARTNERS]


def set_anyway(form: Expr, name: str) -> Expr:
    """The clause that the field is not already what it would be made."""
    return Op("!=", (Field(tuple(name.split("."))), form))
