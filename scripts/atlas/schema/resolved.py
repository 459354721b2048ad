"""What the engine makes of parameters that nobody set, joined to the parameters."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from atlas.schema.compare import known_default, same_value
from atlas.schema.facts import EffectiveFact, FieldFact
from atlas.schema.type_questions import short

WRITTEN_AS = re.compile(r"^(?:\w+\()?([A-Za-z_]\w*)(?:\.|,\s*['\"])([A-Za-z_]\w*)['\"]?\)?$")
"""A default written as another class's field: `ModelConfig.dtype` or `get_field(ModelConfig, "dtype")`."""


class Resolved:
    """Effective values by class and field."""

    def __init__(self, facts: Iterable[EffectiveFact]) -> None:
        self.exact: dict[tuple[str, str], EffectiveFact] = {}
        self.by_short_name: dict[tuple[str, str], EffectiveFact | None] = {}
        for fact in facts:
            self.exact.setdefault((fact.owner, fact.name), fact)
            key = (short(fact.owner), fact.name)
            known = self.by_short_name.setdefault(key, fact)
            if known is not None and known.owner != fact.owner:
                self.by_short_name[key] = None

    def of(self, owner: str, field: FieldFact) -> EffectiveFact | None:
        """The effective value of a field, where it is not simply the default.

        What a field is joined to counts before the field itself: arguments stay as they were given,
        and what they became stands in the objects made from them.
        """
        for found in (
            *self._joined(field),
            self.exact.get((owner, field.name)),
            self.exact.get((field.owner, field.name)),
        ):
            if found is not None and not _is_default(field, found):
                return found
        return None

    def _joined(self, field: FieldFact) -> Iterator[EffectiveFact | None]:
        if field.joins:
            module, _, name = field.joins.rpartition(".")
            yield self.exact.get((module, name))
        written = WRITTEN_AS.match(field.default.text or "")
        if written:
            yield self.by_short_name.get((written[1], written[2]))


def _is_default(field: FieldFact, found: EffectiveFact) -> bool:
    known = known_default(field.default) and field.default.kind != "required"
    return known and same_value(field.default.value, found.value)
