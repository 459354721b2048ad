"""What kind of class a definition is: its family, its line of bases, its enum members.

A family is found through decorators and bases, also where the project wraps them: a decorator is what the
function behind it applies.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

from atlas.schema.static.bindings import FunctionNode
from atlas.schema.static.calls import short
from atlas.schema.static.modules import Definition, Scope, SourceIndex

DECORATORS = {
    "dataclasses.dataclass": "dataclass",
    "pydantic.dataclasses.dataclass": "pydantic_dataclass",
    "attr.s": "attrs",
    "attr.attrs": "attrs",
    "attr.define": "attrs",
    "attr.mutable": "attrs",
    "attr.frozen": "attrs",
    "attr.attributes": "attrs",
    "attr.dataclass": "attrs",
    "attrs.define": "attrs",
    "attrs.mutable": "attrs",
    "attrs.frozen": "attrs",
}
BASES = {
    "pydantic.BaseModel": "pydantic",
    "pydantic.main.BaseModel": "pydantic",
    "pydantic.v1.BaseModel": "pydantic",
    "pydantic.RootModel": "pydantic",
    "pydantic.BaseSettings": "pydantic",
    "pydantic_settings.BaseSettings": "pydantic",
    "pydantic.generics.GenericModel": "pydantic",
    "msgspec.Struct": "msgspec",
    "msgspec._core.Struct": "msgspec",
    "typing.TypedDict": "typed_dict",
    "typing_extensions.TypedDict": "typed_dict",
    "typing.NamedTuple": "named_tuple",
    "typing_extensions.NamedTuple": "named_tuple",
}
ENUM_BASES = {f"enum.{name}" for name in ("Enum", "IntEnum", "StrEnum", "Flag", "IntFlag", "ReprEnum")} | {
    "strenum.StrEnum",
    "backports.strenum.StrEnum",
}
PROTOCOLS = {"typing.Protocol", "typing_extensions.Protocol"}
_MAX_BASES = 60


@dataclass(frozen=True, eq=False)
class Decorator:
    """One decorator that makes a family, with the calls whose keywords configure it (outermost first)."""

    family: str
    calls: tuple[tuple[ast.Call, Scope], ...] = ()


@dataclass(frozen=True, eq=False)
class ClassView:
    """A class with its line of bases (itself first); `outside` are the dotted names of foreign bases."""

    definition: Definition
    node: ast.ClassDef
    scope: Scope
    family: str
    decorator: Decorator | None
    bases: tuple[str, ...]
    mro: tuple[Definition, ...] = ()
    outside: tuple[str, ...] = ()
    nodes: tuple[ast.ClassDef, ...] = field(default=())

    @property
    def qualname(self) -> str:
        return self.definition.qualname


class Classifier:
    """Views of classes, computed once each."""

    def __init__(self, index: SourceIndex) -> None:
        self.index = index
        self._views: dict[int, ClassView] = {}
        self._mros: dict[int, list[Definition]] = {}

    def view(self, found: Definition) -> ClassView | None:
        """The view of a class definition, None for anything else."""
        if found.kind != "class" or not isinstance(found.node, ast.ClassDef) or found.scope is None:
            return None
        key = id(found.node)
        if key not in self._views:
            self._views[key] = self._make(found, found.node, found.scope)
        return self._views[key]

    def is_enum(self, found: Definition) -> bool:
        if found.kind != "class":
            return False
        return any(base.kind == "external" and base.qualname in ENUM_BASES for base in self._line(found))

    def is_protocol(self, view: ClassView) -> bool:
        return any(name in PROTOCOLS for name in view.bases)

    def owner(self, found: Definition, name: str) -> Definition | None:
        """The definition of a class attribute, looked up along the line of bases."""
        for base in self._line(found) if found.kind == "class" else ():
            if base.kind == "class":
                member = self.index.class_member(base, name)
                if member:
                    return member
        return None

    def _make(self, found: Definition, node: ast.ClassDef, scope: Scope) -> ClassView:
        line = self._line(found)
        inside = tuple(base for base in line if base.kind == "class")
        outside = tuple(base.qualname for base in line if base.kind != "class")
        decorator = self.decorator(found)
        return ClassView(
            definition=found,
            node=node,
            scope=scope,
            family=self._family(inside, outside, decorator),
            decorator=decorator,
            bases=tuple(base.qualname for base in self._bases(found)),
            mro=inside,
            outside=outside,
        )

    def _family(
        self, inside: tuple[Definition, ...], outside: tuple[str, ...], decorator: Decorator | None
    ) -> str:
        for name in outside:
            if name in ENUM_BASES:
                return "enum"
            if name in BASES:
                return BASES[name]
        if decorator:
            return decorator.family
        inherited = (self.decorator(base) for base in inside[1:])
        return next((found.family for found in inherited if found), "plain")

    # --- bases ---------------------------------------------------------------------------------------

    def _bases(self, found: Definition) -> list[Definition]:
        assert isinstance(found.node, ast.ClassDef) and found.scope
        out = []
        for base in found.node.bases:
            expression = base.value if isinstance(base, ast.Subscript) else base
            target = self.index.expression(expression, found.scope)
            if target and target.kind in ("class", "external") and target.node is not found.node:
                out.append(target)
            elif isinstance(expression, ast.Call) and short(ast.unparse(expression.func)) == "with_metaclass":
                out += [
                    one for item in expression.args[1:] if (one := self.index.expression(item, found.scope))
                ]
            else:
                out.append(Definition(ast.unparse(expression), "external"))
        return out

    def _line(self, found: Definition) -> list[Definition]:
        """Method resolution order; where bases contradict each other, depth first."""
        key = id(found.node)
        if key not in self._mros:
            self._mros[key] = [found]  # a class among its own bases ends here
            bases = self._bases(found)
            lines = [self._line(base) if base.kind == "class" else [base] for base in bases]
            self._mros[key] = [found, *_merged([list(line) for line in lines], bases)][:_MAX_BASES]
        return self._mros[key]

    # --- decorators ----------------------------------------------------------------------------------

    def decorator(self, found: Definition) -> Decorator | None:
        """The decorator that makes a family of the class itself; a base's `__init_subclass__` counts."""
        if not isinstance(found.node, ast.ClassDef) or not found.scope:
            return None
        for node in found.node.decorator_list:
            made = self._decorator(node, found.scope, 0)
            if made:
                return made
        for base in self._line(found)[1:]:
            if base.kind == "class":
                hook = self.index.class_member(base, "__init_subclass__")
                made = self._applied(hook, 0) if hook else None
                if made:
                    return made
        return None

    def _decorator(self, node: ast.expr, scope: Scope, depth: int) -> Decorator | None:
        call = node if isinstance(node, ast.Call) else None
        target = self.index.expression(call.func if call else node, scope)
        if target is None or depth > 5:
            return None
        own = ((call, scope),) if call else ()
        if target.kind == "external":
            family = DECORATORS.get(target.qualname)
            if target.qualname == "functools.partial" and call and call.args:
                inner = self._decorator(call.args[0], scope, depth + 1)
                return Decorator(inner.family, (*own, *inner.calls)) if inner else None
            return Decorator(family, own) if family else None
        if target.kind == "value" and isinstance(target.node, ast.Call) and target.scope:
            inner = self._decorator(target.node, target.scope, depth + 1)
        else:
            inner = self._applied(target, depth + 1)
        return Decorator(inner.family, (*own, *inner.calls)) if inner else None

    def _applied(self, target: Definition, depth: int) -> Decorator | None:
        """The family that a project's own decorator (or hook) gives to the class it gets."""
        if not isinstance(target.node, FunctionNode) or not target.scope or depth > 5:
            return None
        inner_scope = Scope(target.scope.module)
        for call in _calls(target.node):
            made = self._decorator(call, inner_scope, depth + 1)
            if made and (call.args or call.keywords):
                return Decorator(made.family, (*made.calls, *_settings(target.node, inner_scope)))
        return None


def _calls(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[ast.Call]:
    for statement in function.body:
        for node in ast.walk(statement):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
                yield node


def _settings(
    function: ast.FunctionDef | ast.AsyncFunctionDef, scope: Scope
) -> tuple[tuple[ast.Call, Scope], ...]:
    """`ConfigDict(…)` calls in a decorator's body: settings that hold unless the call says otherwise."""
    return tuple((call, scope) for call in _calls(function) if short(ast.unparse(call.func)) == "ConfigDict")


def _merged(lines: list[list[Definition]], bases: list[Definition]) -> list[Definition]:
    """C3 merge of the bases' lines, by identity of what they define."""
    pending = [line for line in (*lines, list(bases)) if line]
    out: list[Definition] = []
    while pending:
        heads = [line[0] for line in pending]
        good = next(
            (head for head in heads if not any(_key(head) in map(_key, line[1:]) for line in pending)),
            heads[0],
        )
        out.append(good)
        pending = [rest for line in pending if (rest := [one for one in line if _key(one) != _key(good)])]
    return out


def _key(found: Definition) -> str:
    return found.qualname
