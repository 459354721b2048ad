"""Engine sources as modules: parsed on demand, never imported; a dotted name leads to its definition.

Names are followed through imports, re-exports, star imports and lazily made members. A name that leads
out of the engine's own sources ends in an external definition that still carries its dotted name.
"""

from __future__ import annotations

import ast
import builtins
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path

from atlas.schema.facts import Limitation
from atlas.schema.static import bindings
from atlas.schema.static.bindings import Binding, Bindings

Loader = Callable[[], bytes]
_BUILTINS = frozenset(dir(builtins))
_MAX_HOPS = 40


@dataclass(frozen=True, eq=False)
class Module:
    name: str
    path: str
    is_package: bool
    tree: ast.Module
    source: str
    bound: Bindings
    lines: tuple[bytes, ...]

    def segment(self, node: ast.AST) -> str:
        """The text of a node as written; columns of the syntax tree count bytes."""
        first, last = getattr(node, "lineno", 0), getattr(node, "end_lineno", None)
        if not first or last is None or last > len(self.lines):
            return ast.unparse(node)
        start, end = node.col_offset, node.end_col_offset  # type: ignore[attr-defined]
        if first == last:
            return self.lines[first - 1][start:end].decode(errors="replace")
        inner = self.lines[first : last - 1]
        parts = (self.lines[first - 1][start:], *inner, self.lines[last - 1][:end])
        return b"\n".join(parts).decode(errors="replace")


@dataclass(frozen=True, eq=False)
class Scope:
    """Where names are looked up: local values, then the innermost class body, then the module.

    `for_types`: the module goes before the class body, since a field may be called like its type.
    """

    module: Module
    classes: tuple[ast.ClassDef, ...] = ()
    local: Mapping[str, object] = field(default_factory=dict)
    for_types: bool = False

    def inside(self, node: ast.ClassDef) -> Scope:
        return Scope(self.module, (*self.classes, node))

    def typed(self) -> Scope:
        return replace(self, for_types=True)

    def with_local(self, local: Mapping[str, object]) -> Scope:
        return replace(self, local={**self.local, **local})


@dataclass(frozen=True, eq=False)
class Definition:
    """What a name stands for.

    `kind`: class, function, value, module, external. `scope` is where the names inside `node` are looked
    up. `soft`: only type checkers see it, at run time a placeholder stands there. `others` are further
    values that hold under other conditions; `grows` are the statements that change the value later.
    """

    qualname: str
    kind: str
    node: ast.AST | None = None
    scope: Scope | None = None
    soft: bool = False
    others: tuple[ast.expr, ...] = ()
    grows: tuple[ast.AST, ...] = ()
    annotation: ast.expr | None = None


def external(dotted: str) -> Definition:
    return Definition(dotted, "external")


class SourceIndex:
    """The engine's .py files by path relative to the import root; only those reached are read and parsed."""

    def __init__(self, files: Mapping[str, Loader]) -> None:
        self._loaders: dict[str, tuple[str, Loader, bool]] = {}
        for path, loader in sorted(files.items()):
            parts = path.removesuffix(".py").split("/")
            is_package = parts[-1] == "__init__"
            name = ".".join(parts[:-1] if is_package else parts)
            if path.endswith(".py") and name and (is_package or name not in self._loaders):
                self._loaders[name] = (path, loader, is_package)
        self._packages = {name.partition(".")[0] for name in self._loaders}
        self._folders = {
            name[:at] for name in self._loaders for at in range(len(name)) if name[at] == "."
        } - self._loaders.keys()
        self._modules: dict[str, Module | None] = {}
        self._lookups: dict[tuple[str, str], Definition | None] = {}
        self._texts: dict[str, bytes] = {}
        self._inner: dict[str, dict[str, Binding]] = {}
        self._tables: dict[int, dict[str, Binding]] = {}
        self.limitations: list[Limitation] = []

    @classmethod
    def from_directory(cls, root: Path, packages: tuple[str, ...] = ()) -> SourceIndex:
        """All .py files of `packages` (default: all) under an import root on disk."""
        starts = [root / package for package in packages] or [root]
        found: dict[str, Loader] = {}
        for start in starts:
            for path in start.rglob("*.py") if start.is_dir() else [start.with_suffix(".py")]:
                if path.is_file():
                    found[path.relative_to(root).as_posix()] = path.read_bytes
        return cls(found)

    @property
    def names(self) -> list[str]:
        return list(self._loaders)

    def has(self, name: str) -> bool:
        return name in self._loaders or name in self._folders

    def owns(self, dotted: str) -> bool:
        """Whether a dotted name lies in one of the packages whose sources are here."""
        return dotted.partition(".")[0] in self._packages

    def module(self, name: str) -> Module | None:
        """The parsed module, or None where there is none or it does not parse (a limitation says so)."""
        if name not in self._modules:
            self._modules[name] = self._parse(name) if name in self._loaders else None
        return self._modules[name]

    def reached(self) -> list[str]:
        """Paths of the files that were parsed so far."""
        return [module.path for module in self.parsed()]

    def parsed(self) -> list[Module]:
        """The modules that were parsed so far, by path."""
        return sorted((module for module in self._modules.values() if module), key=lambda one: one.path)

    def text(self, name: str) -> bytes:
        if name not in self._texts:
            self._texts[name] = self._loaders[name][1]()
        return self._texts[name]

    def _parse(self, name: str) -> Module | None:
        path, _, is_package = self._loaders[name]
        try:
            source = self.text(name).decode("utf-8-sig")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", SyntaxWarning)
                warnings.simplefilter("ignore", DeprecationWarning)
                tree = ast.parse(source)
        except (SyntaxError, ValueError, RecursionError) as error:
            line = error.lineno if isinstance(error, SyntaxError) else None
            reason = error.msg if isinstance(error, SyntaxError) else str(error)
            self.limitations.append(Limitation("source_not_parsed", name, reason, path, line))
            return None
        bound = bindings.collect(tree, name, is_package)
        lines = tuple(source.replace("\r\n", "\n").encode().split(b"\n"))
        return Module(name, path, is_package, tree, source, bound, lines)

    # --- names ---------------------------------------------------------------------------------

    def resolve(self, dotted: str) -> Definition | None:
        """The definition of `pkg.mod.Name` (or `pkg.mod.Class.method`), wherever it is really defined."""
        parts = dotted.split(".")
        for split in range(len(parts), 0, -1):
            name = ".".join(parts[:split])
            if self.has(name):
                found: Definition | None = Definition(name, "module")
                for part in parts[split:]:
                    found = self.member(found, part) if found else None
                return found
        return None if self.owns(dotted) else external(dotted)

    def matching(self, pattern: str) -> list[Definition]:
        """Definitions whose last part matches a glob (`pkg.mod.*Config`), in source order."""
        parent, _, last = pattern.rpartition(".")
        if not any(sign in last for sign in "*?["):
            found = self.resolve(pattern)
            return [found] if found else []
        module = self.module(parent)
        if module is None:
            return []
        names = [
            name
            for name, bound in module.bound.names.items()
            if fnmatchcase(name, last) and any(one.kind == "class" for one in bound)
        ]
        return [found for name in names if (found := self.lookup(module, name))]

    def modules_matching(self, pattern: str) -> list[str]:
        """Module names that match a dotted glob, sorted; a glob does not cross a dot."""
        depth = pattern.count(".")
        return [name for name in self._loaders if name.count(".") == depth and fnmatchcase(name, pattern)]

    def lookup(self, module: Module, name: str) -> Definition | None:
        """What `name` means at the top level of `module`."""
        key = (module.name, name)
        if key not in self._lookups:
            self._lookups[key] = None  # a cycle of imports ends here
            self._lookups[key] = self._find(module, name)
        return self._lookups[key]

    def _find(self, module: Module, name: str) -> Definition | None:
        bound = module.bound.names.get(name)
        if bound:
            found = self._definition(module, name, bound)
            if found:
                return found
        for star in reversed(module.bound.stars):
            source = self.module(star)
            if source and (found := self.lookup(source, name)):
                return found
        if self.has(f"{module.name}.{name}") and module.is_package:
            return Definition(f"{module.name}.{name}", "module")
        if module.bound.lazy:
            return self._lazy(module, name)
        if any(not self.owns(star) for star in module.bound.stars) and name not in _BUILTINS:
            outside = next(star for star in module.bound.stars if not self.owns(star))
            return external(f"{outside}.{name}")
        return None

    def _definition(self, module: Module, name: str, bound: list[Binding]) -> Definition | None:
        binding, soft, others = _choose(bound)
        if binding.kind == "import":
            found = self._imported(module, binding)
            return replace(found, soft=True) if found and soft else found
        grows = tuple(one.node for one in bound if one.kind == "grow")
        return Definition(
            f"{module.name}.{name}",
            binding.kind,
            binding.node,
            Scope(module),
            soft,
            others,
            grows,
            binding.annotation,
        )

    def _imported(self, module: Module, binding: Binding) -> Definition | None:
        if binding.member is None:
            if self.has(binding.module):
                return Definition(binding.module, "module")
            return external(binding.module)
        source = self.module(binding.module)
        if source is not None and source is not module and (found := self.lookup(source, binding.member)):
            return found
        if self.has(f"{binding.module}.{binding.member}"):
            return Definition(f"{binding.module}.{binding.member}", "module")
        return external(f"{binding.module}.{binding.member}")

    def member(self, owner: Definition, name: str) -> Definition | None:
        """`owner.name` of a module, class (its own body only) or external owner."""
        if owner.kind == "module":
            module = self.module(owner.qualname)
            if module and (found := self.lookup(module, name)):
                return found
            dotted = f"{owner.qualname}.{name}"
            if self.has(dotted):
                return Definition(dotted, "module")
            return None if self.has(owner.qualname) else external(dotted)
        if owner.kind == "class":
            return self.class_member(owner, name)
        if owner.kind == "external":
            return external(f"{owner.qualname}.{name}")
        return None

    def class_member(self, owner: Definition, name: str) -> Definition | None:
        """A name bound in the body of a class itself."""
        assert isinstance(owner.node, ast.ClassDef) and owner.scope
        table = self._tables.get(id(owner.node))
        if table is None:
            table = self._tables[id(owner.node)] = bindings.class_table(owner.node)
        bound = table.get(name)
        if bound is None:
            return None
        inner = owner.scope.inside(owner.node)
        qualname = f"{owner.qualname}.{name}"
        return Definition(qualname, bound.kind, bound.node, inner, annotation=bound.annotation)

    def name(self, scope: Scope, name: str) -> Definition | None:
        """What a bare name means in a scope."""
        inner = self._in_class(scope, name) if scope.classes and not scope.for_types else None
        found = inner or self.lookup(scope.module, name)
        if found is None and scope.for_types and scope.classes:
            found = self._in_class(scope, name)
        if found is None and name in _BUILTINS:
            return external(f"builtins.{name}")
        if found is None and scope.for_types:
            return self._imported_inside(scope.module, name)
        return found

    def _imported_inside(self, module: Module, name: str) -> Definition | None:
        """A name that the module imports in one of its functions, for annotations that are only text."""
        if module.name not in self._inner:
            self._inner[module.name] = bindings.inner_imports(module.tree, module.name, module.is_package)
        binding = self._inner[module.name].get(name)
        return self._imported(module, binding) if binding else None

    def _in_class(self, scope: Scope, name: str) -> Definition | None:
        dotted = ".".join((scope.module.name, *(node.name for node in scope.classes)))
        outer = Scope(scope.module, scope.classes[:-1])
        return self.class_member(Definition(dotted, "class", scope.classes[-1], outer), name)

    def expression(self, node: ast.expr, scope: Scope, hops: int = 0) -> Definition | None:
        """The definition that a name or an attribute chain leads to; aliases are followed."""
        if hops > _MAX_HOPS:
            return None
        if isinstance(node, ast.Name):
            found = None if node.id in scope.local else self.name(scope, node.id)
        elif isinstance(node, ast.Attribute):
            owner = self.expression(node.value, scope, hops + 1)
            found = self.member(owner, node.attr) if owner else None
        else:
            return None
        return self.follow(found, hops) if found else None

    def follow(self, found: Definition, hops: int = 0) -> Definition:
        """The end of a chain of plain aliases (`A = B`)."""
        if (
            found.kind == "value"
            and isinstance(found.node, ast.Name | ast.Attribute)
            and found.scope
            and not found.others
            and not found.grows
        ):
            target = self.expression(found.node, found.scope, hops + 1)
            if target and target.qualname != found.qualname:
                return replace(target, soft=True) if found.soft else target
        return found

    # --- members made on demand ------------------------------------------------------------------

    def _lazy(self, module: Module, name: str) -> Definition | None:
        for target in _table_entries(module, name):
            source = self.module(target)
            if source is not None and source is not module and (found := self.lookup(source, name)):
                return found
        return self._unique_class(module, name)

    def _unique_class(self, module: Module, name: str) -> Definition | None:
        """The one class of that name among the package's files, where there is exactly one."""
        pattern = re.compile(rb"^class %s\b" % re.escape(name).encode(), re.MULTILINE)
        prefix = module.name + "."
        homes = [
            other for other in self._loaders if other.startswith(prefix) and pattern.search(self.text(other))
        ]
        home = self.module(homes[0]) if len(homes) == 1 else None
        return self.lookup(home, name) if home else None


def _choose(bound: list[Binding]) -> tuple[Binding, bool, tuple[ast.expr, ...]]:
    """The binding that counts, whether only type checkers see it, and other values it may have."""
    checked = [one for one in bound if one.guard == bindings.TYPE_CHECKING and one.kind != "grow"]
    live = [one for one in bound if one.guard != bindings.TYPE_CHECKING and one.kind != "grow"]
    if not live:
        return (checked or bound)[-1], False, ()
    if checked and live[-1].kind == "value":
        # `else: X = Any` is not enforced; `else: X = LazyLoader(…)` is the same thing, later.
        return checked[-1], not isinstance(live[-1].node, ast.Call), ()
    classes = [one for one in live if one.kind == "class"]
    if classes and live[-1].kind == "value" and isinstance(live[-1].node, ast.Call):
        return classes[-1], False, ()  # `X = decorate(X)`: the class statement says more
    plain = [one for one in live if one.guard == bindings.PLAIN]
    after = live[live.index(plain[-1]) + 1 :] if plain else live
    if not after:
        return plain[-1], False, ()
    for one in after:
        if one.guard == bindings.TRY or one.kind != "value":
            return one, False, ()
    values = [*plain[-1:], *after]
    others = tuple(one.node for one in values[1:] if isinstance(one.node, ast.expr))
    return values[0], False, others


def _table_entries(module: Module, name: str) -> Iterator[str]:
    """Modules that a lazily importing package names for `name`.

    Such tables are dict literals: `{"Name": "pkg.mod"}`, `{"Name": ".mod:Name"}`, `{"Name": ("pkg.mod", …)}`
    or `{"submodule": ["Name", …]}`.
    """
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.Dict):
            continue
        for key, value in zip(node.keys, node.values, strict=True):
            if not (isinstance(key, ast.Constant) and isinstance(key.value, str)):
                continue
            texts = _strings(value)
            if key.value == name and texts:
                yield from _candidates(module, texts[0].partition(":")[0])
            elif name in texts:
                yield from _candidates(module, key.value)


def _strings(node: ast.expr) -> list[str]:
    elements = node.elts if isinstance(node, ast.List | ast.Tuple) else [node]
    return [one.value for one in elements if isinstance(one, ast.Constant) and isinstance(one.value, str)]


def _candidates(module: Module, target: str) -> Iterator[str]:
    relative = target.lstrip(".")
    base = module.name if module.is_package else module.name.rpartition(".")[0]
    yield target
    yield f"{base}.{relative}"
