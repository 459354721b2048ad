"""What `Field(…)`, `Meta(…)`, annotated-types and a project's own argument marks say about a parameter."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from atlas.schema.facts import Json, TypeExpr
from atlas.schema.static.calls import short
from atlas.schema.static.classify import Classifier
from atlas.schema.static.evaluate import Evaluator
from atlas.schema.static.modules import Scope
from atlas.schema.static.values import NotJsonError, to_json

_BOUNDS = {
    "gt": "exclusiveMinimum",
    "ge": "minimum",
    "lt": "exclusiveMaximum",
    "le": "maximum",
    "multiple_of": "multipleOf",
    "pattern": "pattern",
    "regex": "pattern",
    "min_items": "minItems",
    "max_items": "maxItems",
    "min_length": "min_length",
    "max_length": "max_length",
}
_POSITIONAL = {
    "Gt": ("gt",),
    "Ge": ("ge",),
    "Lt": ("lt",),
    "Le": ("le",),
    "MultipleOf": ("multiple_of",),
    "MinLen": ("min_length",),
    "MaxLen": ("max_length",),
    "Len": ("min_length", "max_length"),
}
_DESCRIPTIONS = ("description", "help", "doc", "documentation")
_UNCHECKED = ("SkipValidation", "PlainValidator")
_SIZED = ("list", "set", "frozenset", "tuple", "dict")


@dataclass(frozen=True)
class Metadata:
    """`field` is a field call found in an annotation (`Annotated[T, Field(default=…)]`), with its scope."""

    constraints: Mapping[str, Json] = field(default_factory=dict)
    description: str | None = None
    choices: tuple[Json, ...] | None = None
    aliases: tuple[str, ...] = ()
    unchecked: bool = False
    deprecated: str | bool | None = None
    field: tuple[ast.Call, Scope] | None = None

    def under(self, outer: Metadata) -> Metadata:
        """Both, where the outer says the same thing it wins."""
        return Metadata(
            {**self.constraints, **outer.constraints},
            outer.description or self.description,
            outer.choices if outer.choices is not None else self.choices,
            outer.aliases or self.aliases,
            outer.unchecked or self.unchecked,
            outer.deprecated if outer.deprecated is not None else self.deprecated,
            outer.field or self.field,
        )


EMPTY = Metadata()


def of_item(node: ast.expr, scope: Scope, evaluator: Evaluator, classifier: Classifier) -> Metadata:
    """One item of `Annotated[T, item, …]`."""
    if isinstance(node, ast.Constant | ast.JoinedStr | ast.BinOp):
        text = evaluator.evaluate(node, scope)
        return Metadata(description=text) if isinstance(text, str) else EMPTY
    target = evaluator.index.expression(node.func if isinstance(node, ast.Call) else node, scope)
    if target and short(target.qualname) in _UNCHECKED:
        return Metadata(unchecked=True)
    if not isinstance(node, ast.Call) or target is None:
        return _named_item(node, scope, evaluator, classifier)
    found = of_call(node, scope, evaluator, _parameter_names(target, classifier))
    if short(target.qualname) in ("Field", "field", "ib", "attrib"):
        return replace(found, field=(node, scope))
    return found


def _named_item(node: ast.expr, scope: Scope, evaluator: Evaluator, classifier: Classifier) -> Metadata:
    """A name for metadata that is made elsewhere (`Positive = Field(gt=0)`)."""
    if isinstance(node, ast.Name | ast.Attribute):
        found = evaluator.index.expression(node, scope)
        if (
            found
            and found.kind == "value"
            and found.scope
            and isinstance(found.node, ast.Call | ast.Constant)
        ):
            return of_item(found.node, found.scope, evaluator, classifier)
    return EMPTY


def _parameter_names(target: Any, classifier: Classifier) -> tuple[str, ...]:
    """What the positional arguments of a call mean."""
    name = short(target.qualname)
    if target.kind == "external":
        return _POSITIONAL.get(name, ("description",) if name == "Doc" else ())
    view = classifier.view(target)
    if view is None:
        return ()
    return tuple(
        statement.target.id
        for base in reversed(view.mro)
        if isinstance(base.node, ast.ClassDef)
        for statement in base.node.body
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name)
    )


def of_call(call: ast.Call, scope: Scope, evaluator: Evaluator, positional: tuple[str, ...] = ()) -> Metadata:
    """Bounds, description, choices and aliases among the arguments of a call."""
    named: dict[str, ast.expr] = {}
    for name, argument in zip(positional, call.args, strict=False):
        named[name] = argument
    for keyword in call.keywords:
        if keyword.arg is not None:
            named[keyword.arg] = keyword.value
        else:
            named.update(_spread(keyword.value))
    values = {name: evaluator.evaluate(node, scope) for name, node in named.items() if name in _WANTED}
    return Metadata(
        constraints={
            _BOUNDS[name]: value for name, value in values.items() if name in _BOUNDS and _bounds(value)
        },
        description=next(
            (_clean(values[name]) for name in _DESCRIPTIONS if isinstance(values.get(name), str)), None
        ),
        choices=_choices(values.get("choices")),
        aliases=tuple(_aliases(named, scope, evaluator)),
        deprecated=values["deprecated"] if isinstance(values.get("deprecated"), str | bool) else None,
    )


_WANTED = {*_BOUNDS, *_DESCRIPTIONS, "choices", "deprecated"}


def _spread(node: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                yield key.value, value


def _bounds(value: Any) -> bool:
    """Whether a value is a bound: `ge=None` and what only a run can tell are none."""
    return isinstance(value, int | float | str) and not isinstance(value, bool) and value == value


def _choices(value: Any) -> tuple[Json, ...] | None:
    if not isinstance(value, list | tuple | set | frozenset | dict) or not value:
        return None
    try:
        plain = to_json(list(value))
    except NotJsonError:
        return None
    return tuple(plain) if all(one is None or isinstance(one, str | int | float) for one in plain) else None


def _aliases(named: Mapping[str, ast.expr], scope: Scope, evaluator: Evaluator) -> Iterator[str]:
    seen: set[str] = set()
    for name in ("alias", "validation_alias", "serialization_alias", "name", "aliases"):
        node = named.get(name)
        for text in _alias_texts(node, scope, evaluator) if node is not None else ():
            if text not in seen and not text.startswith("-"):  # `--x` is a flag, not another field name
                seen.add(text)
                yield text


def _alias_texts(node: ast.expr, scope: Scope, evaluator: Evaluator) -> Iterator[str]:
    if isinstance(node, ast.Call) and short(ast.unparse(node.func)) == "AliasChoices":
        for argument in node.args:
            yield from _alias_texts(argument, scope, evaluator)
        return
    value = evaluator.evaluate(node, scope)
    for one in value if isinstance(value, list | tuple) else (value,):
        if isinstance(one, str):
            yield one


def _clean(text: str) -> str:
    return " ".join(text.split())


def fitted(constraints: Mapping[str, Json], its: TypeExpr | None) -> dict[str, Json]:
    """Constraints with lengths named after what they measure: text or items."""
    sized = _is_sized(its) if its else False
    names = {
        "min_length": "minItems" if sized else "minLength",
        "max_length": "maxItems" if sized else "maxLength",
    }
    return {names.get(key, key): value for key, value in constraints.items()}


def _is_sized(its: TypeExpr) -> bool:
    if its["k"] == "union":
        return any(_is_sized(one) for one in its["of"]) and not any(
            one["k"] == "prim" and one["name"] in ("str", "bytes") for one in its["of"]
        )
    return _is_sized(its["base"]) if its["k"] == "annotated" else its["k"] in _SIZED
