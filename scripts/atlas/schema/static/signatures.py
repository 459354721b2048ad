"""Parameters of functions and of plain constructors: the signature, and names taken out of `**kwargs`."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

from atlas.schema.facts import FieldFact
from atlas.schema.static import kwargs as taken_names
from atlas.schema.static.bindings import FunctionNode
from atlas.schema.static.docs import Docs, merge_docs
from atlas.schema.static.modules import Definition, Scope
from atlas.schema.static.reader import Reader
from atlas.schema.static.records import make


@dataclass
class Found:
    """Parameters by name in the order met, and what the code does with the rest of `**kwargs`."""

    fields: dict[str, FieldFact] = field(default_factory=dict)
    open: bool = False


def of_function(found: Definition, holder: Definition | None, reader: Reader, kwargs: bool) -> Found:
    """Parameters of a function or method; `holder` is the class it was reached through."""
    assert isinstance(found.node, FunctionNode) and found.scope
    docs = reader.function_docs(found.node)
    view = reader.classifier.view(holder) if holder else None
    if view and found.node.name in ("__init__", "__new__", "__call__"):
        docs = merge_docs([docs, reader.class_docs(view)])
    out = Found(open=found.node.args.kwarg is not None)
    signature(
        found.node, found, taken_names.skips_first(found.node, bool(found.scope.classes)), docs, reader, out
    )
    if kwargs:
        taken_names.taken(found.node, found, docs, reader, out.fields, set())
    return out


def signature(
    node: taken_names.FunctionDef, owner: Definition, skip_first: bool, docs: Docs, reader: Reader, out: Found
) -> None:
    arguments = node.args
    positional = [*arguments.posonlyargs, *arguments.args]
    padding: list[ast.expr | None] = [None] * (len(positional) - len(arguments.defaults))
    pairs = [*zip(positional, [*padding, *arguments.defaults], strict=True)][1 if skip_first else 0 :]
    pairs += zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    assert owner.scope
    scope = Scope(owner.scope.module, owner.scope.classes)
    for argument, value in pairs:
        if argument.arg in out.fields:
            continue
        annotation = (
            reader.annotations.read(argument.annotation, scope.typed())
            if argument.annotation is not None
            else None
        )
        text = scope.module.segment(argument.annotation) if argument.annotation is not None else None
        spec = reader.defaults.read(value, scope)
        out.fields[argument.arg] = make(
            argument.arg,
            owner,
            annotation,
            spec,
            reader,
            docs,
            text=text,
            line=argument.lineno,
            via="signature",
        )
