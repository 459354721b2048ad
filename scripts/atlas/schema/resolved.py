"""What the engine makes of parameters that nobody set, joined to the parameters."""

from __future__ import annotations

import re
from collections.abc import Iterable

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
        """The effective value of a field, where it is not simply the default."""
        found = self._find(owner, field)
        if found is None:
            return None
        default = field.default
        unchanged = known_default(default) and default.kind != "required"
        return None if unchanged and same_value(default.value, found.value) else found

    def _find(self, owner: str, field: FieldFact) -> EffectiveFact | None:
        for name in (owner, field.owner):
            if (name, field.name) in self.exact:
                return self.exact[name, field.name]
        if field.joins:
            module, _, name = field.joins.rpartition(".")
            if (module, name) in self.exact:
                return self.exact[module, name]
        written = WRITTEN_AS.match(field.default.text or "")
        return self.by_short_name.get((written[1], written[2])) if written else None
