"""The parts that read one source index, wired together once."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Any

from atlas.schema.facts import TypeExpr
from atlas.schema.static import enums
from atlas.schema.static.annotations import Annotations
from atlas.schema.static.classify import Classifier, ClassView
from atlas.schema.static.defaults import NOT_SET, Defaults
from atlas.schema.static.docs import Docs, class_docs, function_docs, merge_docs
from atlas.schema.static.docs.attributes import FieldDoc, attribute_docs
from atlas.schema.static.evaluate import Evaluator
from atlas.schema.static.modules import Definition, Module, Scope, SourceIndex
from atlas.schema.static.typenames import canonical
from atlas.schema.static.values import Unknown


@dataclass(frozen=True, eq=False)
class Reader:
    """Everything that is asked while classes are read; answers are remembered."""

    index: SourceIndex
    evaluator: Evaluator
    classifier: Classifier
    annotations: Annotations
    defaults: Defaults
    _docs: dict[int, Docs]
    _beside: dict[int, dict[str, FieldDoc]]
    _assembled: dict[str, tuple[str, ...]]

    @classmethod
    def over(cls, index: SourceIndex) -> Reader:
        evaluator = Evaluator(index)
        classifier = Classifier(index)
        annotations = Annotations(evaluator, classifier)
        defaults = Defaults(evaluator, classifier)
        reader = cls(index, evaluator, classifier, annotations, defaults, {}, {}, {})
        evaluator.class_attribute = reader.class_attribute
        evaluator.literal_values = annotations.literal_values
        return reader

    def class_attribute(self, owner: Definition, name: str) -> Any:
        """`SomeClass.name`: an enum member, all members, or the default a field leaves on its class."""
        unknown = Unknown(f"{owner.qualname.rpartition('.')[2]}.{name}")
        if self.classifier.is_enum(owner):
            members = enums.members(owner, self.classifier, self.evaluator)
            if name == "__members__":
                return members
            if name in members:
                return members[name]
        if name == "__name__":
            return owner.qualname.rpartition(".")[2]
        found = self.classifier.owner(owner, name)
        if found is None or found.kind != "value" or found.scope is None:
            return unknown
        assert isinstance(found.node, ast.expr)
        spec = self.defaults.read(found.node, found.scope)
        return unknown if spec.raw is NOT_SET else spec.raw

    # --- documentation -----------------------------------------------------------------------------

    def class_docs(self, view: ClassView) -> Docs:
        """What the docstrings of a class and its bases say about its parameters."""
        return merge_docs(self._own_docs(base.node) for base in view.mro)

    def function_docs(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> Docs:
        if id(node) not in self._docs:
            self._docs[id(node)] = function_docs(node)
        return self._docs[id(node)]

    def _own_docs(self, node: ast.AST | None) -> Docs:
        assert isinstance(node, ast.ClassDef)
        if id(node) not in self._docs:
            self._docs[id(node)] = class_docs(node)
        return self._docs[id(node)]

    def beside(self, node: ast.ClassDef, module: Module) -> dict[str, FieldDoc]:
        """What stands beside the fields of a class body: strings after them, comments."""
        if id(node) not in self._beside:
            scope = Scope(module)

            def is_annotated(name: ast.expr) -> bool:
                found = self.index.expression(name, scope)
                return bool(found and canonical(found.qualname) == "typing.Annotated")

            self._beside[id(node)] = attribute_docs(node, module.source, annotated=is_annotated)
        return self._beside[id(node)]

    def resolve_type(self, module: Module) -> Any:
        """A resolver of names in a docstring's type column, for the documentation parser."""

        def resolve(dotted: str) -> TypeExpr | None:
            try:
                node = ast.parse(dotted, mode="eval").body
            except SyntaxError:
                return None
            found = self.index.expression(node, Scope(module))
            if found is None or found.kind in ("function", "module"):
                return None
            its = self.annotations.type(node, Scope(module))
            return None if its["k"] == "unknown" else its

        return resolve
