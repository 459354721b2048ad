"""Fields that a command line leads to: a flag made from a config field joins the argument to it.

Argument classes often repeat the fields of the configs they build. Where the help of a field's flag is
word for word the documentation of the one config field with that name, the flag was made from it; the
argument then means that field, with its bounds, its deprecation and what it resolves to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from atlas.schema.compare import one_line
from atlas.schema.facts import FieldFact, FlagFact
from atlas.schema.merge import Merged, MergedClass, MergedField


def documented_by_flags(merged: Merged) -> Merged:
    """The same facts; fields without documentation take the help of their flag, and what it was made from."""
    helped = {(flag.owner, name): flag for flag in merged.flags if flag.help for name in _names(flag)}
    homes: dict[str, list[tuple[str, FieldFact]]] = {}
    for qualname, found in merged.classes.items():
        for one in found.fields:
            homes.setdefault(one.fact.name, []).append((qualname, one.fact))

    def documented(qualname: str, one: MergedField) -> MergedField:
        name = one.fact.name
        flag = helped.get((qualname, name)) or helped.get((one.fact.owner, name))
        if flag is None:
            return one
        return replace(one, fact=_joined(one.fact, flag, _source(one.fact, flag, homes[name])))

    classes: Mapping[str, MergedClass] = {
        qualname: replace(found, fields=tuple(documented(qualname, one) for one in found.fields))
        for qualname, found in merged.classes.items()
    }
    return replace(merged, classes=classes)


def _names(flag: FlagFact) -> list[str]:
    return [name for name in (flag.field, flag.dest) if name]


def _source(
    field: FieldFact, flag: FlagFact, homes: list[tuple[str, FieldFact]]
) -> tuple[str, FieldFact] | None:
    """The one config field of this name whose documentation is the flag's help."""
    words = one_line(flag.help or "")
    found = {
        (fact.owner, fact.name): (owner, fact)
        for owner, fact in homes
        if fact.owner != field.owner and fact.description and one_line(fact.description) == words
    }
    return next(iter(found.values())) if len(found) == 1 and not field.joins else None


def _joined(field: FieldFact, flag: FlagFact, source: tuple[str, FieldFact] | None) -> FieldFact:
    if source is None:
        return replace(field, description=field.description or flag.help)
    owner, fact = source
    return replace(
        field,
        description=field.description or fact.description,
        constraints=field.constraints or fact.constraints,
        deprecated=field.deprecated or fact.deprecated,
        joins=f"{owner}.{fact.name}",
    )
