"""Objects that a target's steps are taken with, of which only the names of their methods are known."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from atlas.schema.static.classify import ClassView
from atlas.schema.static.modules import Definition
from atlas.schema.static.reader import Reader

_MOST_MODULES = 80


def class_with(reader: Reader, method: str, arguments: set[str]) -> Definition | None:
    """The class whose method of that name takes these arguments and is inherited by most of those that do.

    A model that a factory makes has a class that only a run can tell; what it inherits is in the sources.
    """
    found = [view for view in _classes(reader, method) if _takes(view, method, arguments)]
    counts = {
        view.qualname: sum(any(base.qualname == view.qualname for base in other.mro) for other in found)
        for view in found
    }
    best = max(counts.values(), default=0)
    chosen = [view for view in found if counts[view.qualname] == best]
    return chosen[0].definition if len(chosen) == 1 else None


def _classes(reader: Reader, method: str) -> Iterator[ClassView]:
    """Classes that define a method of that name."""
    pattern = re.compile(rb"^    def %s\(" % re.escape(method).encode(), re.MULTILINE)
    homes = [name for name in reader.index.names if pattern.search(reader.index.text(name))]
    for name in homes[:_MOST_MODULES]:
        module = reader.index.module(name)
        for node in module.tree.body if module else ():
            if isinstance(node, ast.ClassDef) and module and _method(node, method):
                found = reader.index.lookup(module, node.name)
                view = reader.classifier.view(found) if found else None
                if view is not None:
                    yield view


def _method(node: ast.ClassDef, name: str) -> ast.FunctionDef | None:
    return next((one for one in node.body if isinstance(one, ast.FunctionDef) and one.name == name), None)


def _takes(view: ClassView, method: str, arguments: set[str]) -> bool:
    """Whether a method names all of these arguments, but for those that go to its `**kwargs`."""
    node = _method(view.node, method)
    if node is None:
        return False
    names = {one.arg for one in (*node.args.args, *node.args.kwonlyargs)}
    return arguments <= names
