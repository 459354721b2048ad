"""Which parameters are deprecated: from their documentation, their flags, and the code that warns."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from atlas.schema.facts import ClassFact, DeprecationFact, FieldFact
from atlas.schema.static.deprecation_code import Code, code_deprecations
from atlas.schema.static.deprecation_text import deprecation_in, merged, stated
from atlas.schema.static.docs.model import fold
from atlas.schema.static.evaluate import Evaluator
from atlas.schema.static.flags import CliFacts
from atlas.schema.static.modules import SourceIndex

Found = Mapping[str, DeprecationFact]


def with_deprecations(
    classes: Mapping[str, ClassFact], evaluator: Evaluator, cli: Iterable[CliFacts] = ()
) -> dict[str, ClassFact]:
    """The same classes, each field with what all sources together say of its deprecation.

    Sources, best first: its own mark (`Field(deprecated=…)`), its description, its flags if all of them are
    deprecated, and in the code of its class warnings, decorators and comments. A field whose default is
    another class's field shares that one's.
    """
    parsers = list(cli)
    code: dict[str, Found] = {}
    out = {
        name: replace(
            fact, fields=tuple(_field(fact, field, evaluator, parsers, code) for field in fact.fields)
        )
        for name, fact in classes.items()
    }
    return {
        name: replace(fact, fields=tuple(_joined(field, out) for field in fact.fields))
        for name, fact in out.items()
    }


def _field(
    holder: ClassFact, field: FieldFact, evaluator: Evaluator, cli: Sequence[CliFacts], code: dict[str, Found]
) -> FieldFact:
    names = [field.name, *field.aliases]
    said: list[DeprecationFact | None] = [field.deprecated, _annotated(field.annotation, names)]
    if field.description:
        said.append(deprecation_in(fold(field.description), names))
    said += [by_flags(field.name, holder.qualname, parser) for parser in cli]
    for owner in dict.fromkeys((holder.qualname, field.owner)):
        if owner not in code:
            siblings = {each.name for each in holder.fields if owner in (each.owner, holder.qualname)}
            code[owner] = _code(owner, siblings, evaluator.index, evaluator)
        said.append(code[owner].get(field.name))
    return replace(field, deprecated=merged(said))


def by_flags(field: str, owner: str, cli: CliFacts) -> DeprecationFact | None:
    """What the flags of a field say, if every one of them is deprecated: a new spelling keeps it alive."""
    flags = [flag for flag in cli.flags if flag.owner == owner and flag.field == field]
    said: list[DeprecationFact] = []
    for flag in flags:
        names = [field, *flag.flags]
        fact = deprecation_in(flag.help, names) if flag.help else None
        marked = flag.dest in cli.deprecated or "deprecat" in (flag.action or "").lower()
        if fact is None and not marked:
            return None
        said.append(fact or DeprecationFact())
    return merged(said)


def _code(owner: str, names: set[str], index: SourceIndex, evaluator: Evaluator) -> Found:
    found = index.resolve(owner)
    if found is None or found.scope is None or not isinstance(found.node, Code):
        return {}
    return code_deprecations(found.node, found.scope, names, evaluator)


def _annotated(annotation: str | None, names: Sequence[str]) -> DeprecationFact | None:
    """`Annotated[T, deprecated("…")]`."""
    if annotation is None or "deprecated(" not in annotation:
        return None
    try:
        tree = ast.parse(annotation, mode="eval")
    except (SyntaxError, ValueError):
        return None
    for part in ast.walk(tree):
        match part:
            case ast.Call(
                func=ast.Name(id="deprecated") | ast.Attribute(attr="deprecated"),
                args=[ast.Constant(value=str(text)), *_],
            ):
                return stated(text, names)
    return None


def _joined(field: FieldFact, classes: Mapping[str, ClassFact]) -> FieldFact:
    if field.deprecated or not field.joins:
        return field
    owner, _, name = field.joins.rpartition(".")
    source = classes.get(owner)
    found = next((each.deprecated for each in source.fields if each.name == name), None) if source else None
    return replace(field, deprecated=found) if found else field
