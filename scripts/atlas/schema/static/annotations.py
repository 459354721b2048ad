"""Annotations as type expressions: what a type checker would understand, read from the syntax tree."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass, replace

from atlas.schema import facts
from atlas.schema.facts import Json, TypeExpr
from atlas.schema.static import enums, literals, metadata, typecalls
from atlas.schema.static.calls import short
from atlas.schema.static.classify import Classifier
from atlas.schema.static.evaluate import Evaluator
from atlas.schema.static.metadata import EMPTY, Metadata
from atlas.schema.static.modules import Definition, Scope
from atlas.schema.static.typeforms import chosen, hoisted, is_config, items, parsed_text, unknown
from atlas.schema.static.typenames import (
    CONSTRAINED,
    LISTS,
    MAPPINGS,
    NAMED,
    SAME,
    SETS,
    canonical,
)
from atlas.schema.static.values import Member, to_json

_MAX_DEPTH = 40


@dataclass(frozen=True)
class Annotation:
    """A whole annotation: its type, what its metadata says, and the marks around it."""

    type: TypeExpr
    metadata: Metadata = EMPTY
    marks: frozenset[str] = frozenset()


class Annotations:
    """Reads annotations of one source index."""

    def __init__(self, evaluator: Evaluator, classifier: Classifier) -> None:
        self.index = evaluator.index
        self.evaluator = evaluator
        self.classifier = classifier
        self.active: list[str] = []

    def read(self, node: ast.expr, scope: Scope) -> Annotation:
        """The annotation of a field or parameter; `ClassVar`, `InitVar`, `Required`… become marks."""
        marks: set[str] = set()
        node, scope = self._unmarked(node, scope, marks)
        found = Metadata()
        outer = self._annotated(node, scope)
        while outer:
            base, marks_given, scope = outer
            said = EMPTY
            for item in marks_given:
                said = said.under(metadata.of_item(item, scope, self.evaluator, self.classifier))
            found = said.under(found)
            node, scope = self._unmarked(base, scope, marks)
            outer = self._annotated(node, scope)
        its = self.type(node, scope)
        if "SkipValidation" in marks:
            found = replace(found, unchecked=True)
        its, constraints = hoisted(its)
        found = Metadata(constraints=constraints).under(found)
        return Annotation(its, found, frozenset(marks))

    def _unmarked(self, node: ast.expr, scope: Scope, marks: set[str]) -> tuple[ast.expr, Scope]:
        while True:
            parsed = parsed_text(node)
            if parsed is not None:
                node = parsed
            if isinstance(node, ast.Subscript):
                name = self.external_name(node.value, scope)
                mark = short(name)
                if name in SAME and mark in _MARKS:
                    marks.add(mark)
                    node = node.slice
                    continue
            elif isinstance(node, ast.Name | ast.Attribute):
                name = self.external_name(node, scope)
                if name in ("typing.ClassVar", "typing.Final", "dataclasses.KW_ONLY"):
                    marks.add(short(name))
                    return ast.Name("object"), scope
            return node, scope

    def _annotated(self, node: ast.expr, scope: Scope) -> tuple[ast.expr, list[ast.expr], Scope] | None:
        """Base and items of `Annotated[…]`, also behind an alias."""
        if isinstance(node, ast.Subscript) and self.external_name(node.value, scope) == "typing.Annotated":
            parts = items(node)
            return (parts[0], parts[1:], scope) if parts else None
        if isinstance(node, ast.Name | ast.Attribute):
            found = self.index.expression(node, scope)
            if (
                found
                and found.kind == "value"
                and isinstance(found.node, ast.Subscript)
                and found.scope
                and not found.soft
            ):
                return self._annotated(found.node, found.scope)
        return None

    def external_name(self, node: ast.expr, scope: Scope) -> str:
        found = self.index.expression(node, scope)
        return canonical(found.qualname) if found and found.kind == "external" else ""

    # --- types -----------------------------------------------------------------------------------

    def literal_values(self, node: ast.expr, scope: Scope) -> list[Json] | None:
        """The values of a `Literal[…]` or of an alias for one; None for anything else."""
        return literals.values_of(self, node, scope)

    def type(self, node: ast.expr, scope: Scope, depth: int = 0) -> TypeExpr:
        """The type expression of an annotation or a part of one."""
        if depth > _MAX_DEPTH:
            return facts.ANY
        if isinstance(node, ast.Constant):
            if node.value is None:
                return facts.NONE
            if node.value is ...:
                return facts.ANY
            parsed = parsed_text(node)
            return self.type(parsed, scope, depth + 1) if parsed is not None else unknown(node)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
            return facts.union(
                [self.type(node.left, scope, depth + 1), self.type(node.right, scope, depth + 1)]
            )
        if isinstance(node, ast.Subscript):
            return self._subscript(node, scope, depth)
        if isinstance(node, ast.Name | ast.Attribute):
            if isinstance(node, ast.Name) and node.id in scope.local:
                bound = scope.local[node.id]
                return bound if isinstance(bound, dict) else facts.ANY
            found = self.index.expression(node, scope)
            return self._defined(found, depth) if found else self._unresolved(node, scope)
        if isinstance(node, ast.Call):
            return typecalls.of_call(self, node, scope, depth)
        if isinstance(node, ast.List | ast.Tuple) and not node.elts:
            return facts.ANY
        return unknown(node)

    def _unresolved(self, node: ast.expr, scope: Scope) -> TypeExpr:
        value = self.evaluator.evaluate(node, scope)
        if isinstance(value, Member):
            return facts.literal([to_json(value)])
        # A forward reference to a class that the sources never import still names a class.
        name = node.id if isinstance(node, ast.Name) else ""
        is_class = name[:1].isupper() and any(letter.islower() for letter in name)
        return facts.opaque(name) if is_class and scope.for_types else unknown(node)

    def _defined(self, found: Definition, depth: int) -> TypeExpr:
        if found.kind == "external":
            return self._external(found.qualname)
        if found.kind == "class":
            return self._class(found)
        if found.kind == "value" and isinstance(found.node, ast.expr) and found.scope:
            if found.qualname in self.active:
                return facts.ANY  # a recursive alias holds itself
            self.active.append(found.qualname)
            try:
                its = self.type(found.node, found.scope, depth + 1)
            finally:
                self.active.pop()
            return facts.annotated(its, {}, is_open=True) if found.soft else its
        if found.kind == "function":
            return facts.CALLABLE if found.soft else facts.unknown(found.qualname)
        return facts.unknown(found.qualname)

    def _external(self, dotted: str) -> TypeExpr:
        name = canonical(dotted)
        if name in NAMED:
            return NAMED[name]
        if name in CONSTRAINED:
            base, constraints = CONSTRAINED[name]
            return facts.annotated(base, constraints)
        if name in LISTS:
            return facts.sequence("list", facts.ANY)
        if name in SETS:
            return facts.sequence(SETS[name], facts.ANY)
        if name in MAPPINGS:
            return facts.dict_of(facts.ANY, facts.ANY)
        if name in ("typing.Tuple", "builtins.tuple"):
            return facts.tuple_all(facts.ANY)
        if name in ("typing.Callable",):
            return facts.CALLABLE
        return facts.opaque(name.removeprefix("builtins."))

    def _class(self, found: Definition) -> TypeExpr:
        view = self.classifier.view(found)
        if view is None:
            return facts.opaque(found.qualname)
        if view.family == "enum":
            members = enums.members(found, self.classifier, self.evaluator)
            its = facts.enum(found.qualname, enums.json_members(members))
        elif is_config(view):
            its = facts.class_of(found.qualname)
        else:
            its = facts.opaque(found.qualname)
        return facts.annotated(its, {}, is_open=True) if found.soft and its["k"] == "enum" else its

    # --- subscripts ------------------------------------------------------------------------------

    def _subscript(self, node: ast.Subscript, scope: Scope, depth: int) -> TypeExpr:
        found = self.index.expression(node.value, scope)
        if found is None:
            return unknown(node)
        parts = items(node)
        if found.kind == "external":
            return self._generic(canonical(found.qualname), parts, scope, depth, node)
        if found.kind == "value" and isinstance(found.node, ast.expr) and found.scope:
            return self._alias(found, found.node, found.scope, parts, scope, depth)
        return self._defined(found, depth)

    def _generic(
        self, name: str, parts: list[ast.expr], scope: Scope, depth: int, node: ast.Subscript
    ) -> TypeExpr:
        def part(at: int) -> TypeExpr:
            return self.type(parts[at], scope, depth + 1) if at < len(parts) else facts.ANY

        if name == "typing.Literal":
            return literals.literal(self, parts, scope, node)
        if name == "typing.Union":
            return facts.union([part(at) for at in range(len(parts))])
        if name == "typing.Optional":
            return facts.union([part(0), facts.NONE])
        if name == "typing.Annotated":
            return self._nested_annotated(parts, scope, depth)
        if name in SAME:
            its = part(0)
            return facts.annotated(its, {}, is_open=True) if name.endswith("SkipValidation") else its
        if name in LISTS:
            return facts.sequence("list", part(0))
        if name in SETS:
            return facts.sequence(SETS[name], part(0))
        if name in MAPPINGS:
            return facts.dict_of(part(0), part(1))
        if name == "typing.Counter":
            return facts.dict_of(part(0), facts.prim("int"))
        if name in ("typing.Tuple", "builtins.tuple"):
            return self._tuple(parts, scope, depth)
        if name == "typing.Callable":
            return facts.CALLABLE
        if name in ("typing.Type", "builtins.type"):
            held = part(0).get("name")
            return facts.opaque(f"type[{held}]" if held else "type")
        return self._external(name)

    def _tuple(self, parts: list[ast.expr], scope: Scope, depth: int) -> TypeExpr:
        if len(parts) == 2 and isinstance(parts[1], ast.Constant) and parts[1].value is ...:
            return facts.tuple_all(self.type(parts[0], scope, depth + 1))
        if len(parts) == 1 and isinstance(parts[0], ast.Tuple) and not parts[0].elts:
            return facts.tuple_of([])
        return facts.tuple_of([self.type(part, scope, depth + 1) for part in parts])

    def _nested_annotated(self, parts: list[ast.expr], scope: Scope, depth: int) -> TypeExpr:
        base = self.type(parts[0], scope, depth + 1)
        said = EMPTY
        for item in parts[1:]:
            said = said.under(metadata.of_item(item, scope, self.evaluator, self.classifier))
        base = chosen(base, said.choices)
        constraints = metadata.fitted(said.constraints, base)
        return (
            facts.annotated(base, constraints, is_open=said.unchecked)
            if constraints or said.unchecked
            else base
        )

    def _alias(
        self,
        found: Definition,
        value: ast.expr,
        inner: Scope,
        parts: list[ast.expr],
        scope: Scope,
        depth: int,
    ) -> TypeExpr:
        """A generic alias with its type variables filled in, in order of appearance."""
        names = _type_variables(value, inner, self._is_variable)
        filled = {name: self.type(part, scope, depth + 1) for name, part in zip(names, parts, strict=False)}
        return self._defined(replace(found, scope=inner.with_local(filled)), depth)

    def _is_variable(self, node: ast.Name, scope: Scope) -> bool:
        found = self.index.name(scope, node.id)
        return bool(
            found and isinstance(found.node, ast.Call) and short(ast.unparse(found.node.func)) == "TypeVar"
        )


_MARKS = ("ClassVar", "Final", "InitVar", "Required", "NotRequired", "ReadOnly", "SkipValidation", "Mapped")


def _type_variables(
    value: ast.expr, scope: Scope, is_variable: Callable[[ast.Name, Scope], bool]
) -> list[str]:
    names = [one for one in ast.walk(value) if isinstance(one, ast.Name) and is_variable(one, scope)]
    names.sort(key=lambda one: (one.lineno, one.col_offset))
    return list(dict.fromkeys(one.id for one in names))
