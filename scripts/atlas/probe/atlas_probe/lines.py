"""Where in the engine's files things are defined."""

from __future__ import annotations

import ast
import pathlib
import sys
from collections.abc import Iterator
from typing import Any

from .probe import Probe


def file_of(probe: Probe, item: Any) -> str | None:
    """The engine's file that defines something, relative to the folder its package lies in."""
    path = _path(item)
    if not path or not probe.is_own(item):
        return None
    parts = pathlib.PurePath(path).parts
    root = item.__module__.split(".")[0]
    return "/".join(parts[len(parts) - parts[::-1].index(root) - 1 :]) if root in parts else None


def line_of(probe: Probe, item: Any, name: str) -> int | None:
    """The line of `Class`, `Class.field`, `function` or `function.parameter` in its module's source."""
    path = _path(item)
    if not path or not path.endswith(".py"):
        return None
    if path not in probe.lines:
        try:
            with open(path, encoding="utf-8") as file:
                tree = ast.parse(file.read())
            # Of several definitions of one name, the first counts.
            probe.lines[path] = dict(reversed(list(_lines(tree, ""))))
        except (OSError, SyntaxError, ValueError):
            probe.lines[path] = {}
    return probe.lines[path].get(name)


def _path(item: Any) -> str | None:
    return getattr(sys.modules.get(item.__module__), "__file__", None)


def _lines(node: Any, prefix: str) -> Iterator[tuple[str, int]]:
    for child in getattr(node, "body", []):
        if isinstance(child, ast.ClassDef):
            yield prefix + child.name, child.lineno
            yield from _lines(child, f"{prefix}{child.name}.")
        elif isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield prefix + child.name, child.lineno
            for argument in [*child.args.posonlyargs, *child.args.args, *child.args.kwonlyargs]:
                yield f"{prefix}{child.name}.{argument.arg}", argument.lineno
        elif isinstance(child, ast.AnnAssign) and isinstance(child.target, ast.Name):
            yield prefix + child.target.id, child.lineno
        elif isinstance(child, (ast.If, ast.Try)):
            yield from _lines(child, prefix)
