"""What is known of the target's fields: what the user gave, and what types make of it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from atlas.invariants.model import FieldSpec, Target
from atlas.invariants.predicate import FALSE, TRUE, Const, Expr, Field, Op, Opaque, Var
from atlas.invariants.static.lowering import lowered
from atlas.invariants.static.state import State
from atlas.invariants.static.terms import and_, is_none, not_
from atlas.invariants.static.values import Absent, UserKeywords, Value, merge
from atlas.schema.static.classify import ClassView
from atlas.schema.static.modules import Definition
from atlas.schema.static.reader import Reader

RECORDS = frozenset({"dataclass", "pydantic_dataclass", "pydantic", "msgspec", "attrs", "named_tuple"})
"""Families of classes whose constructors are generated."""
_WORDS = re.compile(r"\w+")


@dataclass(frozen=True, eq=False)
class UserFields:
    """The fields of one target."""

    target: Target
    reader: Reader

    def spec(self, name: str) -> FieldSpec | None:
        return next((one for one in self.target.fields if one.name == name), None)

    def field_of(self, name: str) -> Field | None:
        """The target's own field of that name."""
        return Field((name,)) if self.spec(name) is not None else None

    def is_converted(self, one: Field) -> bool:
        """Whether pydantic sees to the type of a field's value before anything else does."""
        spec = self.spec(one.path[0])
        if self.target.converts == "lax":
            return spec is None or spec.converts
        return self.value_of(one.path[0]) != one

    def given_or(self, name: str, default: Value, state: State) -> Value:
        """What the user gave under a name, else a default."""
        if name in self.target.given:
            return Opaque(name, (), True)
        its, spec = self.value_of(name), self.spec(name)
        if isinstance(default, Absent) or (
            spec is not None and (not spec.has_default or as_json(default, state) == Const(spec.default))
        ):
            return its
        return merge(Op("given", (Field((name,)),)), its, default)

    def passed_or(self, keywords: UserKeywords, name: str, default: Value, state: State) -> Value:
        """What the user gave under a name that may have been taken out of the keywords, else a default."""
        return merge(keywords.gone(name), default, self.given_or(name, default, state))

    def value_of(self, name: str) -> Expr:
        """What the user gave for a field, as the target itself sees it: others may convert it later."""
        spec = self.spec(name)
        converted_later = spec is not None and spec.converts and self.target.converts == "none"
        return Op("raw", (Field((name,)),)) if converted_later else Field((name,))

    def is_given(self, name: str, container: Value) -> Expr:
        there = TRUE if name in self.target.given else Op("given", (Field((name,)),))
        return and_(there, not_(container.gone(name))) if isinstance(container, UserKeywords) else there

    # --- what types tell ---------------------------------------------------------------------------------

    def _named(self, value: Expr, name: str) -> bool:
        """Whether a field is declared as a class of that name."""
        spec = self.spec(value.path[0]) if isinstance(value, Field) and len(value.path) == 1 else None
        return spec is not None and name in _WORDS.findall(spec.annotation or "")

    def converts_to_enum(self, value: Expr, enum: str) -> bool:
        return self.target.converts == "lax" and self._named(value, enum.rpartition(".")[2])

    def is_enum(self, value: Expr) -> bool:
        """Whether pydantic has made a member of an enum of a field's value."""
        spec = self.spec(value.path[0]) if isinstance(value, Field) and len(value.path) == 1 else None
        if spec is None or self.target.converts != "lax":
            return False
        return any(self.reader.classifier.is_enum(found) for found in self._classes(spec))

    def _classes(self, spec: FieldSpec) -> list[Definition]:
        cls = self.reader.index.resolve(self.target.cls)
        if cls is None or cls.scope is None:
            return []
        names = dict.fromkeys(_WORDS.findall(spec.annotation or ""))
        found = [self.reader.index.name(cls.scope, name) for name in names]
        return [self.reader.index.follow(one) for one in found if one is not None]

    def nested_class(self, name: str) -> tuple[ClassView, bool] | None:
        """The configuration class that an object given for a field becomes, and whether it may be None."""
        spec = self.spec(name)
        if spec is None or self.target.converts != "lax":
            return None
        views = [self.reader.classifier.view(one) for one in self._classes(spec) if one.kind == "class"]
        records = [view for view in views if view is not None and view.family in RECORDS]
        words = set(_WORDS.findall(spec.annotation or ""))
        plain = {"None", "Optional", "Annotated", "SkipValidation"}
        if len(records) != 1 or words - plain - {records[0].node.name}:
            return None
        return records[0], bool(words & {"None", "Optional"})

    def takes_none(self, name: str) -> bool:
        """Whether None is among the types of a field."""
        spec = self.spec(name)
        return spec is not None and bool({"None", "Optional"} & set(_WORDS.findall(spec.annotation or "")))

    def converts_to(self, value: Expr, cls: Definition) -> Expr | None:
        """Whether a value of the user's is an instance of a class of the engine's; None: it may be."""
        name = cls.qualname.rpartition(".")[2]
        if self.target.converts != "lax":
            return FALSE
        if self._named(value, name):
            return not_(is_none(value)) if self._only(value, name) else None
        return None if isinstance(value, Var | Op) else FALSE

    def _only(self, value: Expr, name: str) -> bool:
        spec = self.spec(value.path[0]) if isinstance(value, Field) else None
        return spec is not None and set(_WORDS.findall(spec.annotation or "")) <= {name, "None", "Optional"}


def as_json(value: Value, state: State) -> Expr | None:
    """A default as JSON, to be compared with the one that is known of the field."""
    its = lowered(value, state)
    if isinstance(its, Const) and isinstance(its.value, frozenset):
        return Const(tuple(sorted(its.value, key=repr)))
    return its
