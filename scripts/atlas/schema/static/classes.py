"""One class or function as a fact, whatever family it belongs to."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Sequence
from dataclasses import replace

from atlas.schema.facts import ClassFact, FieldFact
from atlas.schema.static import constructors, records, settings, signatures
from atlas.schema.static.bindings import FunctionNode
from atlas.schema.static.classify import ClassView
from atlas.schema.static.modules import Definition
from atlas.schema.static.reader import Reader

_OWN_INIT = ("dataclass", "pydantic_dataclass", "attrs", "plain")


def of_class(view: ClassView, reader: Reader, kwargs: bool = True) -> ClassFact:
    """A class by the constructor it really has: a generated one, or one that is written out."""
    if takes_written_init(view, reader):
        found = constructors.of_class(view, reader, kwargs)
        return _fact(view, "plain", "allow" if found.open else "forbid", list(found.fields.values()), reader)
    if view.family == "plain":
        return _fact(view, "plain", "forbid", _declared(view, reader), reader)
    fields = records.fields(view, reader)
    return _fact(view, view.family, settings.extra(view, reader), fields, reader)


def takes_written_init(view: ClassView, reader: Reader) -> bool:
    """Whether the nearest constructor along the bases is written out, not made by a decorator."""
    if view.family not in _OWN_INIT:
        return False
    for base in view.mro:
        assert isinstance(base.node, ast.ClassDef)
        if any(isinstance(one, ast.FunctionDef) and one.name == "__init__" for one in base.node.body):
            return True
        if reader.classifier.decorator(base):
            return False
    return False


def _declared(view: ClassView, reader: Reader) -> list[FieldFact]:
    """Annotated attributes of a class without a constructor: not given by a caller."""
    return [replace(fact, init=False) for fact in records.fields(view, reader)]


def _fact(
    view: ClassView, kind: str, extra: str | None, fields: list[FieldFact], reader: Reader
) -> ClassFact:
    return ClassFact(
        qualname=view.qualname,
        kind=kind,
        bases=view.bases,
        doc=ast.get_docstring(view.node),
        extra=extra,
        validators=tuple(settings.validators(view, reader)),
        fields=tuple(fields),
        file=view.scope.module.path,
        line=view.node.lineno,
    )


def of_function(found: Definition, holder: Definition | None, reader: Reader, kwargs: bool) -> ClassFact:
    """A function's parameters as the fields of a fact of kind `function`."""
    assert isinstance(found.node, FunctionNode) and found.scope
    parameters = signatures.of_function(found, holder, reader, kwargs)
    doc = ast.get_docstring(found.node, clean=False)
    return ClassFact(
        qualname=found.qualname,
        kind="function",
        doc=inspect.cleandoc(doc) if doc else None,
        extra="allow" if parameters.open else "forbid",
        fields=tuple(parameters.fields.values()),
        file=found.scope.module.path,
        line=found.node.lineno,
    )


def assembled(view: ClassView, patterns: Sequence[str], reader: Reader) -> ClassFact:
    """A class whose fields are put together at import from namespace classes in other modules.

    The fields belong to the assembled class; their file and line are those of the namespace.
    """
    own = of_class(view, reader)
    fields: dict[str, FieldFact] = {}
    for pattern in patterns:
        for name in reader.index.modules_matching(pattern):
            module = reader.index.module(name)
            for one in module.tree.body if module else ():
                found = (
                    reader.index.lookup(module, one.name)
                    if module and isinstance(one, ast.ClassDef)
                    else None
                )
                space = reader.classifier.view(found) if found else None
                if space and space.family != "enum":
                    for fact in records.fields(space, reader):
                        fields.setdefault(fact.name, replace(fact, owner=view.qualname))
    for fact in records.fields(view, reader):
        fields.setdefault(fact.name, fact)
    return replace(own, kind="namespace", extra=None, fields=tuple(fields.values()))
