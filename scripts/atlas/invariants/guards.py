"""What the sources ask of the machine on the way to a line: tests of the statements around it and before it.

A rule that was learned from outcomes knows the engine's frames, not the conditions in between. Where one of
these is about the machine, the platform or installed packages, the rule holds on such a machine only.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import cache
from typing import TypeAlias

from atlas.schema.static.modules import Definition, Module, Scope, SourceIndex

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef
Asked: TypeAlias = Callable[[str], tuple[str, ...]]
"""`file:line` → what is asked of the machine on the way to it, as texts."""

LONGEST = 120
_BUILTINS = frozenset(dir(builtins))


def guards(index: SourceIndex, given: Collection[str] = ()) -> Asked:
    """What is asked on the way to a line. `given` are fields that the target always gets: they count, too."""

    @cache
    def asked(frame: str) -> tuple[str, ...]:
        file, _, line = frame.rpartition(":")
        module = index.module(file.removesuffix(".py").removesuffix("/__init__").replace("/", "."))
        if module is None or not line.isdecimal():
            return ()
        function = _innermost(module.tree, int(line))
        if function is None:
            return ()
        its = _Names(index, module, function, frozenset(given))
        found = (text for test in _tests(function.body, int(line)) for text in its.asked(test))
        return tuple(dict.fromkeys(found))

    return asked


def _innermost(tree: ast.AST, line: int) -> Function | None:
    found = None
    for node in ast.walk(tree):
        if isinstance(node, Function) and _holds(node, line):
            found = node if found is None or found.lineno <= node.lineno else found
    return found


def _holds(node: ast.AST, line: int) -> bool:
    return getattr(node, "lineno", 0) <= line <= (getattr(node, "end_lineno", 0) or 0)


def _tests(block: Sequence[ast.stmt], line: int) -> Iterator[ast.expr]:
    """The tests that decide whether control gets to the line: of what is around it, and of earlier exits."""
    for statement in block:
        if isinstance(statement, ast.If) and not _holds(statement, line) and _leaves(statement.body):
            yield statement.test
        if not _holds(statement, line):
            continue
        if isinstance(statement, ast.If | ast.While | ast.Assert):
            yield statement.test
        for inner in _blocks(statement):
            yield from _tests(inner, line)
        return


def _leaves(block: Sequence[ast.stmt]) -> bool:
    """Whether control does not go on after it. What raises is no way around: it is a rule of its own."""
    return bool(block) and isinstance(block[-1], ast.Return | ast.Continue | ast.Break)


def _blocks(statement: ast.stmt) -> Iterator[Sequence[ast.stmt]]:
    for name in ("body", "orelse", "finalbody"):
        inner = getattr(statement, name, None)
        if isinstance(inner, list):
            yield inner
    for handler in getattr(statement, "handlers", ()):
        yield handler.body
    for case in getattr(statement, "cases", ()):
        yield case.body


class _Names:
    """What the names in a function are about."""

    def __init__(self, index: SourceIndex, module: Module, function: Function, given: frozenset[str]) -> None:
        self.index = index
        self.scope = Scope(module)
        self.given = given
        arguments = function.args
        every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        every += [one for one in (arguments.vararg, arguments.kwarg) if one]
        self.local: dict[str, list[ast.expr]] = {one.arg: [] for one in every}
        self.imported: set[str] = set()
        for node in ast.walk(function):
            self._bind(node)

    def _bind(self, node: ast.AST) -> None:
        if isinstance(node, ast.Import | ast.ImportFrom):
            self.imported.update((one.asname or one.name).partition(".")[0] for one in node.names)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            self.local.setdefault(node.id, [])
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            self.local.setdefault(node.targets[0].id, []).append(node.value)
        elif isinstance(node, ast.NamedExpr) and isinstance(node.target, ast.Name):
            self.local.setdefault(node.target.id, []).append(node.value)

    def asked(self, test: ast.expr, hops: int = 3) -> Iterator[str]:
        """The parts of a test that are about the machine (or about what is always given)."""
        if self._is_outside(test):
            yield ast.unparse(test)[:LONGEST]
            return
        if isinstance(test, ast.Attribute) and test.attr in self.given:
            yield f"given: {test.attr}"
            return
        if isinstance(test, ast.Name) and test.id in self.local and hops:
            for value in self.local[test.id]:
                yield from self.asked(value, hops - 1)
            return
        for part in _parts(test):
            yield from self.asked(part, hops)

    def _is_outside(self, node: ast.expr) -> bool:
        """Whether it is a call or a member of something that no parameter or field has a part in."""
        if not isinstance(node, ast.Call | ast.Attribute | ast.Subscript | ast.Name):
            return False
        names = [one for one in ast.walk(node) if isinstance(one, ast.Name)]
        if not names or any(one.id in self.local for one in names):
            return False
        if isinstance(node, ast.Name):
            return self._is_computed(node.id)
        if isinstance(node, ast.Call) and any(one.id not in _BUILTINS for one in names):
            return True
        return any(self._is_computed(one.id) for one in names if one.id not in _BUILTINS)

    def _is_computed(self, name: str) -> bool:
        """Whether a name of the module is made by a call when it is imported, or comes from elsewhere."""
        if name in self.imported or name in _BUILTINS:
            return False
        found = self.index.name(self.scope, name)
        return found is not None and _calls(found)


def _calls(found: Definition) -> bool:
    values = [found.node, *found.others] if found.kind == "value" else []
    return any(isinstance(node, ast.Call) for value in values if value for node in ast.walk(value))


def _parts(test: ast.expr) -> Iterable[ast.expr]:
    if isinstance(test, ast.Call):
        inner = [test.func] if isinstance(test.func, ast.Attribute) else []
        return [*inner, *test.args, *(one.value for one in test.keywords)]
    return [one for one in ast.iter_child_nodes(test) if isinstance(one, ast.expr)]
