"""What the top level of a module binds: classes, functions, values, imports; under `if` and `try` too."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

PLAIN = ""
TYPE_CHECKING = "type_checking"
TRY = "try"
EXCEPT = "except"
IF = "if"

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, eq=False)
class Binding:
    """One statement that gives `name` a meaning; `guard` is the kind of block it stands in.

    `kind`: class, function, value, grow (`+=`, `.append(…)`), import. For an import, `module` is the absolute
    module name and `member` the name taken from it (None: the module itself).
    """

    name: str
    kind: str
    node: ast.AST
    guard: str = PLAIN
    module: str = ""
    member: str | None = None
    annotation: ast.expr | None = None


@dataclass(frozen=True, eq=False)
class Bindings:
    names: dict[str, list[Binding]] = field(default_factory=dict)
    stars: list[str] = field(default_factory=list)
    lazy: bool = False


def collect(tree: ast.Module, module: str, is_package: bool) -> Bindings:
    """All top-level bindings of `tree`, in source order."""
    found = Bindings()
    lazy = False
    for statement, guard in _statements(tree.body, PLAIN):
        if isinstance(statement, ast.ImportFrom):
            source = absolute(statement, module, is_package)
            for alias in statement.names:
                if alias.name == "*":
                    found.stars.append(source)
                else:
                    name = alias.asname or alias.name
                    _add(found, Binding(name, "import", statement, guard, source, alias.name))
            continue
        for binding in _bindings(statement, guard):
            _add(found, binding)
            lazy = lazy or (binding.kind == "function" and binding.name == "__getattr__")
        lazy = lazy or _replaces_itself(statement)
    return Bindings(found.names, found.stars, lazy)


def inner_imports(tree: ast.Module, module: str, is_package: bool) -> dict[str, Binding]:
    """Names imported inside functions."""
    found: dict[str, Binding] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            source = absolute(node, module, is_package)
            for alias in node.names:
                name = alias.asname or alias.name
                found.setdefault(name, Binding(name, "import", node, PLAIN, source, alias.name))
    return found


def class_table(node: ast.ClassDef) -> dict[str, Binding]:
    """The last binding of each name in a class body."""
    found: dict[str, Binding] = {}
    for statement, guard in _statements(node.body, PLAIN):
        for binding in _bindings(statement, guard):
            if binding.kind in ("class", "function", "value"):
                found[binding.name] = binding
    return found


def absolute(statement: ast.ImportFrom, module: str, is_package: bool) -> str:
    """The absolute module name of `from … import`."""
    if not statement.level:
        return statement.module or ""
    parts = module.split(".")
    keep = len(parts) - statement.level + (1 if is_package else 0)
    return ".".join([*parts[: max(keep, 0)], *([statement.module] if statement.module else [])])


def _add(found: Bindings, binding: Binding) -> None:
    found.names.setdefault(binding.name, []).append(binding)


def _bindings(statement: ast.stmt, guard: str) -> Iterator[Binding]:
    if isinstance(statement, ast.ClassDef):
        yield Binding(statement.name, "class", statement, guard)
    elif isinstance(statement, FunctionNode):
        yield Binding(statement.name, "function", statement, guard)
    elif isinstance(statement, ast.Assign):
        for target in statement.targets:
            yield from _targets(target, statement.value, guard)
    elif isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
        if statement.value is not None:
            name = statement.target.id
            yield Binding(name, "value", statement.value, guard, annotation=statement.annotation)
    elif isinstance(statement, ast.AugAssign) and isinstance(statement.target, ast.Name):
        yield Binding(statement.target.id, "grow", statement, guard)
    elif isinstance(statement, ast.Import):
        for alias in statement.names:
            if alias.asname:
                yield Binding(alias.asname, "import", statement, guard, alias.name)
            else:
                top = alias.name.partition(".")[0]
                yield Binding(top, "import", statement, guard, top)
    elif hasattr(ast, "TypeAlias") and isinstance(statement, ast.TypeAlias):
        yield Binding(statement.name.id, "value", statement.value, guard)
    elif isinstance(statement, ast.Expr):
        grown = _grown(statement.value)
        if grown:
            yield Binding(grown, "grow", statement, guard)


def _targets(target: ast.expr, value: ast.expr, guard: str) -> Iterator[Binding]:
    if isinstance(target, ast.Name):
        yield Binding(target.id, "value", value, guard)
    elif (
        isinstance(target, ast.Tuple)
        and isinstance(value, ast.Tuple)
        and len(target.elts) == len(value.elts)
        and not any(isinstance(element, ast.Starred) for element in (*target.elts, *value.elts))
    ):
        for one, its in zip(target.elts, value.elts, strict=True):
            yield from _targets(one, its, guard)


def _grown(expression: ast.expr) -> str | None:
    """The name that `name.append(…)` and its kin change."""
    if (
        isinstance(expression, ast.Call)
        and isinstance(expression.func, ast.Attribute)
        and expression.func.attr in ("append", "extend", "update", "add", "insert", "remove")
        and isinstance(expression.func.value, ast.Name)
    ):
        return expression.func.value.id
    return None


def _statements(body: Iterable[ast.stmt], guard: str) -> Iterator[tuple[ast.stmt, str]]:
    for statement in body:
        if isinstance(statement, ast.If):
            for branch, its_guard in _branches(statement, guard):
                yield from _statements(branch, its_guard)
        elif isinstance(statement, ast.Try | ast.TryStar):
            yield from _statements(statement.body, guard or TRY)
            yield from _statements(statement.orelse, guard or TRY)
            for handler in statement.handlers:
                yield from _statements(handler.body, guard or EXCEPT)
            yield from _statements(statement.finalbody, guard)
        elif isinstance(statement, ast.With):
            yield from _statements(statement.body, guard)
        else:
            yield statement, guard


def _branches(statement: ast.If, guard: str) -> list[tuple[list[ast.stmt], str]]:
    test = statement.test
    if is_type_checking(test):
        return [(statement.body, TYPE_CHECKING), (statement.orelse, guard)]
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not) and is_type_checking(test.operand):
        return [(statement.orelse, TYPE_CHECKING), (statement.body, guard)]
    if _is_new_python(test):
        return [(statement.body, guard)]
    return [(statement.body, guard or IF), (statement.orelse, guard or IF)]


def is_type_checking(test: ast.expr) -> bool:
    name = test.attr if isinstance(test, ast.Attribute) else test.id if isinstance(test, ast.Name) else ""
    return name == "TYPE_CHECKING"


def _is_new_python(test: ast.expr) -> bool:
    """`sys.version_info >= (3, …)`: engines run on a current Python."""
    return (
        isinstance(test, ast.Compare)
        and isinstance(test.left, ast.Attribute)
        and test.left.attr == "version_info"
        and isinstance(test.ops[0], ast.GtE | ast.Gt)
    )


def _replaces_itself(statement: ast.stmt) -> bool:
    """`sys.modules[__name__] = …`: the module makes its members on demand."""
    return (
        isinstance(statement, ast.Assign)
        and isinstance(statement.targets[0], ast.Subscript)
        and isinstance(statement.targets[0].value, ast.Attribute)
        and statement.targets[0].value.attr == "modules"
    )


def choose(bound: list[Binding]) -> tuple[Binding, bool, tuple[ast.expr, ...]]:
    """The binding that counts, whether only type checkers see it, and other values it may have."""
    checked = [one for one in bound if one.guard == TYPE_CHECKING and one.kind != "grow"]
    live = [one for one in bound if one.guard != TYPE_CHECKING and one.kind != "grow"]
    if not live:
        return (checked or bound)[-1], False, ()
    if checked and live[-1].kind == "value":
        # `else: X = Any` is not enforced; `else: X = LazyLoader(…)` is the same thing, later.
        return checked[-1], not isinstance(live[-1].node, ast.Call), ()
    classes = [one for one in live if one.kind == "class"]
    if classes and live[-1].kind == "value" and isinstance(live[-1].node, ast.Call):
        return classes[-1], False, ()  # `X = decorate(X)`: the class statement says more
    plain = [one for one in live if one.guard == PLAIN]
    after = live[live.index(plain[-1]) + 1 :] if plain else live
    if not after:
        return plain[-1], False, ()
    for one in after:
        if one.guard == TRY or one.kind != "value":
            return one, False, ()
    values = [*plain[-1:], *after]
    others = tuple(one.node for one in values[1:] if isinstance(one.node, ast.expr))
    return values[0], False, others
