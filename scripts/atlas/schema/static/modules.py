"""Names in engine sources: a dotted name leads to its definition.

They are followed through imports, re-exports, star imports and lazily made members. A name that leads out
of the engine's own sources ends in an external definition that still carries its dotted name.
"""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase

from atlas.schema.static import bindings
from atlas.schema.static.bindings import Binding, choose
from atlas.schema.static.lazy import named_homes
from atlas.schema.static.sources import Loader, Module, Sources

__all__ = ["Definition", "Loader", "Module", "Scope", "SourceIndex", "external"]

_BUILTINS = frozenset(dir(builtins))
_MAX_HOPS = 40


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


class SourceIndex(Sources):
    """The engine's sources, and what the names in them mean."""

    def __init__(self, files: Mapping[str, Loader]) -> None:
        super().__init__(files)
        self._lookups: dict[tuple[str, str], Definition | None] = {}
        self._inner: dict[str, dict[str, Binding]] = {}
        self._tables: dict[int, dict[str, Binding]] = {}

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
        if module.is_package and self.has(f"{module.name}.{name}"):
            return Definition(f"{module.name}.{name}", "module")
        for star in reversed(module.bound.stars):
            source = self.module(star) if self.may_bind(star, name) else None
            if source and (found := self.lookup(source, name)):
                return found
        if module.bound.lazy:
            return self._lazy(module, name)
        if any(not self.owns(star) for star in module.bound.stars) and name not in _BUILTINS:
            outside = next(star for star in module.bound.stars if not self.owns(star))
            return external(f"{outside}.{name}")
        return None

    def _definition(self, module: Module, name: str, bound: list[Binding]) -> Definition | None:
        binding, soft, others = choose(bound)
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
        for target in named_homes(module, name):
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
