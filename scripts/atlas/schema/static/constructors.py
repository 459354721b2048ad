"""Plain classes: what their constructors take, also through `super()`, and the attributes they set."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import replace

from atlas.schema import facts
from atlas.schema.facts import DefaultFact, FieldFact, TypeExpr
from atlas.schema.static.annotations import Annotation
from atlas.schema.static.bindings import FunctionNode
from atlas.schema.static.classify import ClassView
from atlas.schema.static.defaults import FieldSpec
from atlas.schema.static.docs import Docs
from atlas.schema.static.kwargs import ordered_calls, taken
from atlas.schema.static.modules import Definition, Scope
from atlas.schema.static.reader import Reader
from atlas.schema.static.records import make
from atlas.schema.static.signatures import Found, signature
from atlas.schema.static.values import Unknown

_MAX_CHAIN = 6


def of_class(view: ClassView, reader: Reader, kwargs: bool = True) -> Found:
    """Parameters of a plain class: its constructor, what that takes out of `**kwargs`, and its attributes."""
    out = Found()
    _constructor(view, reader, kwargs, out, 0, reader.class_docs(view), settable=True, skip=set())
    return out


def constructor(view: ClassView, reader: Reader) -> tuple[ast.FunctionDef, Definition] | None:
    """The written `__init__` that counts, and the class that holds it."""
    for base in view.mro:
        member = reader.index.class_member(base, "__init__")
        if member and isinstance(member.node, ast.FunctionDef):
            return member.node, base
    return None


def _constructor(
    view: ClassView,
    reader: Reader,
    kwargs: bool,
    out: Found,
    depth: int,
    docs: Docs,
    *,
    settable: bool,
    skip: set[str],
) -> None:
    """A constructor and those it calls with `super()`; `settable`: its names can be given by the caller."""
    made = constructor(view, reader)
    if made is None or depth > _MAX_CHAIN:
        return
    node, base = made
    inner = Found()
    if settable:
        signature(node, base, True, docs, reader, inner)
        if kwargs:
            taken(node, base, docs, reader, inner.fields, set())
    for name, fact in inner.fields.items():
        if name not in skip:
            out.fields.setdefault(name, fact)
    out.open = out.open or (depth == 0 and node.args.kwarg is not None)
    parent = _parent(view, base, reader)
    call = _super_call(node)
    if parent and call is not None:
        passes = settable and _passes_kwargs(call, node)
        _constructor(
            parent,
            reader,
            kwargs,
            out,
            depth + 1,
            docs,
            settable=passes,
            skip=skip | _given(call, parent, reader),
        )
    rest = _rest_set_at(node) if settable else None
    _attributes(node, base, view, docs, reader, out, rest=rest, after=call.lineno if call else 0)


def _parent(view: ClassView, base: Definition, reader: Reader) -> ClassView | None:
    """The rest of the line after the class that holds the constructor, as a view of its own."""
    at = next((at for at, one in enumerate(view.mro) if one.qualname == base.qualname), 0)
    rest = view.mro[at + 1 :]
    parent = reader.classifier.view(rest[0]) if rest else None
    return replace(parent, mro=rest) if parent else None


def _super_call(node: ast.FunctionDef) -> ast.Call | None:
    for call in ordered_calls(node):
        function = call.func
        if (
            isinstance(function, ast.Attribute)
            and function.attr == "__init__"
            and (
                (isinstance(function.value, ast.Call) and ast.unparse(function.value.func) == "super")
                or isinstance(function.value, ast.Name)
            )
        ):
            return call
    return None


def _passes_kwargs(call: ast.Call, node: ast.FunctionDef) -> bool:
    name = node.args.kwarg.arg if node.args.kwarg else None
    return any(
        keyword.arg is None and isinstance(keyword.value, ast.Name) and keyword.value.id == name
        for keyword in call.keywords
    )


def _given(call: ast.Call, parent: ClassView, reader: Reader) -> set[str]:
    """Parameters that the `super()` call fills itself."""
    names = {keyword.arg for keyword in call.keywords if keyword.arg}
    made = constructor(parent, reader)
    if made:
        positional = [one.arg for one in made[0].args.args][1:]
        names |= set(positional[: len(call.args)])
    return names


def _rest_set_at(node: ast.FunctionDef) -> int | None:
    """The line of `for k, v in kwargs.items(): setattr(self, k, v)`, which sets any attribute by name."""
    name = node.args.kwarg.arg if node.args.kwarg else None
    if name is None:
        return None
    for one in ast.walk(node):
        if isinstance(one, ast.For) and name in ast.unparse(one.iter) and _calls_setattr(one):
            return one.lineno
        if isinstance(one, ast.Call) and ast.unparse(one.func) == "self.__dict__.update":
            return one.lineno if name in ast.unparse(one) else None
    return None


def _calls_setattr(node: ast.AST) -> bool:
    return any(isinstance(one, ast.Call) and ast.unparse(one.func) == "setattr" for one in ast.walk(node))


def _attributes(
    node: ast.FunctionDef,
    base: Definition,
    view: ClassView,
    docs: Docs,
    reader: Reader,
    out: Found,
    *,
    rest: int | None,
    after: int,
) -> None:
    """`self.x = …` for names that are no parameter.

    A caller can give one only where the rest of `**kwargs` is set later, at line `rest`. One that a base
    sets too counts when it stands `after` the call of the base's constructor.
    """
    assert base.scope and isinstance(base.node, ast.ClassDef)
    local = {name: _raw(fact) for name, fact in out.fields.items()}
    scope = Scope(base.scope.module, base.scope.classes).with_local(local)
    assigned: dict[str, list[tuple[ast.expr, ast.stmt, ast.expr | None]]] = {}
    for statement in _statements(node.body):
        for target, right, written in _self_targets(statement):
            assigned.setdefault(target, []).append((right, statement, written))
    for name, given in assigned.items():
        value, statement, written = given[0]
        known = out.fields.get(name)
        if known and (known.via != "init_attr" or statement.lineno < after):
            continue
        certain = len(given) == 1 and statement in node.body
        spec = reader.defaults.read(value, scope)
        if not certain:
            spec = FieldSpec(DefaultFact("computed", text=spec.default.text), Unknown(""))
        declared = reader.defaults.statement(view.definition, name)
        annotated = written or (declared[0].annotation if declared else None)
        holder = declared[1].scope if declared and not written else base.scope
        annotation = reader.annotations.read(annotated, holder.typed()) if annotated and holder else None
        if annotation is None and isinstance(spec.raw, Unknown):
            annotation = _made(value, scope, reader)
        text = holder.module.segment(annotated) if annotated and holder else None
        fact = make(
            name, base, annotation, spec, reader, docs, text=text, line=statement.lineno, via="init_attr"
        )
        out.fields[name] = replace(fact, init=rest is not None and statement.lineno < rest, joins=None)


def _made(value: ast.expr, scope: Scope, reader: Reader) -> Annotation | None:
    """The type that the form of an expression tells: a display, a comparison, a call of a class."""
    form = _FORMS.get(type(value))
    if form is None and isinstance(value, ast.Call):
        found = reader.index.expression(value.func, scope)
        named = found is not None and (found.kind == "class" or found.qualname in _MAKERS)
        form = reader.annotations.type(value.func, scope.typed()) if named else None
    return Annotation(form) if form else None


_MAKERS = tuple(
    f"builtins.{name}" for name in ("dict", "list", "set", "tuple", "str", "int", "float", "bool")
)
_FORMS: Mapping[type[ast.expr], TypeExpr] = {
    ast.Dict: facts.dict_of(facts.ANY, facts.ANY),
    ast.DictComp: facts.dict_of(facts.ANY, facts.ANY),
    ast.List: facts.sequence("list", facts.ANY),
    ast.ListComp: facts.sequence("list", facts.ANY),
    ast.Set: facts.sequence("set", facts.ANY),
    ast.Compare: facts.prim("bool"),
    ast.JoinedStr: facts.prim("str"),
}


def _raw(fact: FieldFact) -> object:
    if fact.default.kind == "none":
        return None
    return fact.default.value if fact.default.kind == "value" else Unknown(fact.name)


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements in order, into blocks but not into functions."""
    for statement in body:
        yield statement
        if isinstance(statement, FunctionNode | ast.ClassDef):
            continue
        for name in ("body", "orelse", "finalbody"):
            inner = getattr(statement, name, None)
            if isinstance(inner, list):
                yield from _statements(inner)
        for handler in getattr(statement, "handlers", []):
            yield from _statements(handler.body)


def _self_targets(statement: ast.stmt) -> Iterator[tuple[str, ast.expr, ast.expr | None]]:
    if isinstance(statement, ast.Assign):
        for target in statement.targets:
            if _is_self(target):
                yield target.attr, statement.value, None  # type: ignore[attr-defined]
    elif isinstance(statement, ast.AnnAssign) and statement.value is not None and _is_self(statement.target):
        yield statement.target.attr, statement.value, statement.annotation  # type: ignore[union-attr]


def _is_self(target: ast.expr) -> bool:
    return (
        isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name) and target.value.id == "self"
    )
