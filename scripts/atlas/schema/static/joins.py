"""Fields whose default is written as another class's field take over what they do not say themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from atlas.schema.facts import ClassFact, FieldFact
from atlas.schema.type_questions import is_unknown

_MAX_CHAIN = 5


def joined(classes: Mapping[str, ClassFact]) -> dict[str, ClassFact]:
    """The same classes; joined fields have the description, bounds, type and deprecation of their source."""
    fields = {f"{name}.{field.name}": field for name, fact in classes.items() for field in fact.fields}
    return {
        name: replace(fact, fields=tuple(_joined(field, fields, 0) for field in fact.fields))
        for name, fact in classes.items()
    }


def _joined(field: FieldFact, fields: Mapping[str, FieldFact], depth: int) -> FieldFact:
    source = fields.get(field.joins or "")
    if source is None or source is field or depth > _MAX_CHAIN:
        return field
    source = _joined(source, fields, depth + 1)
    return replace(
        field,
        type=source.type if is_unknown(field.type) else field.type,
        description=field.description or source.description,
        constraints=field.constraints or source.constraints,
        deprecated=field.deprecated or source.deprecated,
        env=field.env or source.env,
    )
