"""Defaults of fields: plain values, `field(…)` and its kin in every library, wrappers around them, joins."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from atlas.schema.facts import DefaultFact
from atlas.schema.static import metadata
from atlas.schema.static.calls import short
from atlas.schema.static.classify import Classifier
from atlas.schema.static.evaluate import Evaluator
from atlas.schema.static.metadata import EMPTY, Metadata
from atlas.schema.static.modules import Definition, Scope
from atlas.schema.static.values import Member, NotJsonError, Reference, Unknown, source_text, to_json
from atlas.schema.static.wrappers import FIELD_CALLS, Place, passed, wrapped

_MISSING = {
    "dataclasses.MISSING",
    "msgspec.NODEFAULT",
    "attr.NOTHING",
    "attrs.NOTHING",
    "pydantic_core.PydanticUndefined",
    "pydantic.fields.PydanticUndefined",
    "pydantic.fields.Undefined",
    "inspect.Parameter.empty",
}
_FACTORIES = ("default_factory", "factory")
_EMPTY: Mapping[str, Any] = {
    "list": [],
    "dict": {},
    "set": [],
    "tuple": [],
    "frozenset": [],
    "str": "",
    "int": 0,
    "float": 0.0,
    "bool": False,
}
REQUIRED = DefaultFact("required")
NOT_SET = object()


@dataclass(frozen=True)
class FieldSpec:
    """What the right-hand side of a field says. `raw` is the default as the evaluator sees it."""

    default: DefaultFact
    raw: Any = None
    metadata: Metadata = EMPTY
    init: bool | None = None
    env: str | None = None
    joined: tuple[Definition, str] | None = None
    annotation: Place | None = None
    is_call: bool = False


class Defaults:
    """Reads right-hand sides; looks into other classes' fields where a default is written as one of them."""

    def __init__(self, evaluator: Evaluator, classifier: Classifier) -> None:
        self.index = evaluator.index
        self.evaluator = evaluator
        self.classifier = classifier
        self._active: set[int] = set()

    def read(self, node: ast.expr | None, scope: Scope) -> FieldSpec:
        """The default of a field or parameter written as `node`; None: nothing is written."""
        if node is None:
            return FieldSpec(REQUIRED, NOT_SET)
        if id(node) in self._active or len(self._active) > 40:
            return FieldSpec(DefaultFact("computed", text=source_text(node, scope.module)), Unknown(""))
        self._active.add(id(node))
        try:
            if isinstance(node, ast.Call):
                found = self._call(node, scope)
                if found:
                    return found
            return self._plain(node, scope)
        finally:
            self._active.discard(id(node))

    # --- plain values --------------------------------------------------------------------------------

    def _plain(self, node: ast.expr, scope: Scope) -> FieldSpec:
        if self._is_missing(node, scope):
            return FieldSpec(REQUIRED, NOT_SET)
        raw = self.evaluator.evaluate(node, scope)
        text = source_text(node, scope.module)
        joined = self._joined(node, scope)
        if isinstance(raw, Unknown) and joined:
            # `Config.x` where the value of x is only known to a run: as computed as x itself.
            there = self.field(*joined)
            if there and there.default.kind in ("value", "none"):
                return replace(there, joined=joined)
        return FieldSpec(fact_of(raw, text), raw, env=getattr(raw, "env", None), joined=joined)

    def _is_missing(self, node: ast.expr, scope: Scope) -> bool:
        if isinstance(node, ast.Constant):
            return node.value is ...
        if isinstance(node, ast.Name | ast.Attribute):
            found = self.index.expression(node, scope)
            return bool(found and found.qualname in _MISSING)
        return False

    def _joined(self, node: ast.expr, scope: Scope) -> tuple[Definition, str] | None:
        """`XConfig.y` where y is a field of XConfig."""
        if not isinstance(node, ast.Attribute):
            return None
        value = node.value
        if isinstance(value, ast.Call) and not value.args and not value.keywords:
            value = value.func  # `XConfig().y`
        owner = self.index.expression(value, scope)
        if owner and owner.kind == "class" and self.statement(owner, node.attr):
            return owner, node.attr
        return None

    def statement(self, owner: Definition, name: str) -> tuple[ast.AnnAssign, Definition] | None:
        """The annotated statement of a field and the class it stands in, along the line of bases."""
        view = self.classifier.view(owner)
        for base in view.mro if view else ():
            if isinstance(base.node, ast.ClassDef):
                for statement in reversed(base.node.body):
                    if (
                        isinstance(statement, ast.AnnAssign)
                        and isinstance(statement.target, ast.Name)
                        and statement.target.id == name
                    ):
                        return statement, base
        return None

    def field(self, owner: Definition, name: str) -> FieldSpec | None:
        """What another class says about one of its fields."""
        found = self.statement(owner, name)
        if found is None or not isinstance(found[1].node, ast.ClassDef) or found[1].scope is None:
            return None
        statement, base = found
        assert base.scope and isinstance(base.node, ast.ClassDef)
        return self.read(statement.value, base.scope.inside(base.node))

    # --- field calls ---------------------------------------------------------------------------------

    def _call(self, node: ast.Call, scope: Scope) -> FieldSpec | None:
        target = self.index.expression(node.func, scope)
        if target is None:
            return None
        if target.qualname in FIELD_CALLS:
            return self._field_call(node, scope, FIELD_CALLS[target.qualname])
        if short(target.qualname) == "Factory" and target.kind == "external" and node.args:
            return self._factory(node.args[0], scope)
        view = self.classifier.view(target)
        if view and any(short(name) == "FieldInfo" for name in view.outside):
            return self._field_call(node, scope, ("default",))
        inner = wrapped(target, self.index)
        return self._wrapper(node, scope, target, inner) if inner else None

    def _field_call(self, node: ast.Call, scope: Scope, positional: tuple[str, ...]) -> FieldSpec:
        named: dict[str, Place] = {
            name: (argument, scope) for name, argument in zip(positional, node.args, strict=False)
        }
        named |= {keyword.arg: (keyword.value, scope) for keyword in node.keywords if keyword.arg}
        return self._from_arguments(named, metadata.of_call(node, scope, self.evaluator), node, scope)

    def _from_arguments(
        self, named: Mapping[str, Place], said: Metadata, node: ast.Call, scope: Scope
    ) -> FieldSpec:
        found = FieldSpec(REQUIRED, NOT_SET)
        factory = next((named[name] for name in _FACTORIES if name in named), None)
        if "default" in named and not self._is_missing(*named["default"]):
            found = self.read(*named["default"])
        elif factory and not (self._is_missing(*factory) or _is_none(factory[0])):
            found = self._factory(*factory)
        init = named.get("init")
        if init and isinstance(init[0], ast.Constant) and init[0].value is False:
            found = replace(found, init=False)
            if found.default.kind == "required":
                text = source_text(node, scope.module)
                found = replace(found, default=DefaultFact("computed", text=text))
        if "metadata" in named:
            said = self._dict_metadata(*named["metadata"]).under(said)
        if "type" in named:
            found = replace(found, annotation=named["type"])
        return replace(found, metadata=found.metadata.under(said), is_call=True)

    def _dict_metadata(self, node: ast.expr, scope: Scope) -> Metadata:
        """`metadata={"help": …, "choices": …}` of a dataclass field."""
        if not isinstance(node, ast.Dict):
            return EMPTY
        keywords = [
            ast.keyword(key.value, value)
            for key, value in zip(node.keys, node.values, strict=True)
            if isinstance(key, ast.Constant) and isinstance(key.value, str)
        ]
        return metadata.of_call(ast.Call(ast.Name("metadata"), [], keywords), scope, self.evaluator)

    def _factory(self, node: ast.expr, scope: Scope) -> FieldSpec:
        """A factory by name, with what it makes where that is a constant."""
        text = source_text(node, scope.module)
        raw: Any = Unknown(text)
        if isinstance(node, ast.Lambda) and not (node.args.args or node.args.vararg):
            raw = self.evaluator.evaluate(node.body, scope)
            joined = self._joined(node.body, scope)
        else:
            joined = None
            target = self.index.expression(node, scope)
            if target and target.kind == "external" and short(target.qualname) in _EMPTY:
                return FieldSpec(DefaultFact("factory", _EMPTY[short(target.qualname)], text), Unknown(text))
            if target and target.kind == "function":
                raw = self.evaluator.evaluate(ast.copy_location(ast.Call(node, [], []), node), scope)
        value = None
        if not isinstance(raw, Unknown | Reference):
            value = _json_or_none(raw)
        return FieldSpec(
            DefaultFact("factory", value, text), Unknown(text), env=getattr(raw, "env", None), joined=joined
        )

    def _wrapper(
        self, node: ast.Call, scope: Scope, target: Definition, inner: tuple[ast.Call, Scope]
    ) -> FieldSpec | None:
        """`wrapper(XConfig, "y")` takes over y's default; otherwise the arguments are passed on."""
        arguments = [*node.args, *(keyword.value for keyword in node.keywords if keyword.arg)]
        owners = [found for one in arguments if (found := self.index.expression(one, scope))]
        names = [
            one.value for one in arguments if isinstance(one, ast.Constant) and isinstance(one.value, str)
        ]
        for owner in owners:
            for name in names if owner.kind == "class" else ():
                there = self.field(owner, name)
                if there:
                    return replace(there, joined=(owner, name), metadata=EMPTY, annotation=None)
        call, inner_scope = inner
        named = passed(node, scope, target, inner, self.evaluator)
        said = metadata.of_call(call, inner_scope, self.evaluator).under(
            metadata.of_call(node, scope, self.evaluator)
        )
        return self._from_arguments(named, said, node, scope)


def fact_of(raw: Any, text: str) -> DefaultFact:
    """A default fact from an evaluated value."""
    if raw is None:
        return DefaultFact("none", text="None")
    if isinstance(raw, Member):
        text = raw.text
    elif isinstance(raw, Unknown | Reference):
        return DefaultFact("computed", text=text)
    try:
        return DefaultFact("value", to_json(raw), text)
    except NotJsonError:
        return DefaultFact("computed", text=text)


def _json_or_none(raw: Any) -> Any:
    try:
        return to_json(raw)
    except NotJsonError:
        return None


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None
