"""Parameters of functions and of plain constructors: the signature, and names taken out of `**kwargs`."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from atlas.schema import facts
from atlas.schema.facts import DefaultFact, FieldFact, TypeExpr
from atlas.schema.static.annotations import Annotation
from atlas.schema.static.bindings import FunctionNode
from atlas.schema.static.classify import ClassView
from atlas.schema.static.defaults import FieldSpec
from atlas.schema.static.docs import Docs, merge_docs
from atlas.schema.static.modules import Definition, Scope
from atlas.schema.static.reader import Reader
from atlas.schema.static.records import make
from atlas.schema.static.values import Unknown

FunctionDef = ast.FunctionDef | ast.AsyncFunctionDef
_TAKES = ("pop", "get", "setdefault")
_MAX_CHAIN = 6


@dataclass
class Found:
    """Parameters by name in the order met, and what the code does with the rest of `**kwargs`."""

    fields: dict[str, FieldFact] = field(default_factory=dict)
    open: bool = False


def of_function(found: Definition, holder: Definition | None, reader: Reader, kwargs: bool) -> Found:
    """Parameters of a function or method; `holder` is the class it was reached through."""
    assert isinstance(found.node, FunctionNode) and found.scope
    docs = reader.function_docs(found.node)
    view = reader.classifier.view(holder) if holder else None
    if view and found.node.name in ("__init__", "__new__", "__call__"):
        docs = merge_docs([docs, reader.class_docs(view)])
    out = Found(open=found.node.args.kwarg is not None)
    _signature(found.node, found, _skips_first(found.node, bool(found.scope.classes)), docs, reader, out)
    if kwargs:
        _taken(found.node, found, docs, reader, out, set())
    return out


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


def _skips_first(node: FunctionDef, is_method: bool) -> bool:
    names = {one.id for one in node.decorator_list if isinstance(one, ast.Name)}
    return is_method and "staticmethod" not in names


def _signature(
    node: FunctionDef, owner: Definition, skip_first: bool, docs: Docs, reader: Reader, out: Found
) -> None:
    arguments = node.args
    positional = [*arguments.posonlyargs, *arguments.args]
    padding: list[ast.expr | None] = [None] * (len(positional) - len(arguments.defaults))
    pairs = [*zip(positional, [*padding, *arguments.defaults], strict=True)][1 if skip_first else 0 :]
    pairs += zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    assert owner.scope
    scope = Scope(owner.scope.module, owner.scope.classes)
    for argument, value in pairs:
        if argument.arg in out.fields:
            continue
        annotation = (
            reader.annotations.read(argument.annotation, scope.typed())
            if argument.annotation is not None
            else None
        )
        text = scope.module.segment(argument.annotation) if argument.annotation is not None else None
        spec = reader.defaults.read(value, scope)
        out.fields[argument.arg] = make(
            argument.arg,
            owner,
            annotation,
            spec,
            reader,
            docs,
            text=text,
            line=argument.lineno,
            via="signature",
        )


# --- names in **kwargs ------------------------------------------------------------------------------


def _taken(
    node: FunctionDef,
    owner: Definition,
    docs: Docs,
    reader: Reader,
    out: Found,
    seen: set[int],
    name: str | None = None,
) -> None:
    """`kwargs.pop("x", …)` and its kin; also in functions that `kwargs` itself is handed to."""
    name = name or (node.args.kwarg.arg if node.args.kwarg else None)
    if name is None or id(node) in seen or owner.scope is None or len(seen) > _MAX_CHAIN:
        return
    seen.add(id(node))
    scope = Scope(owner.scope.module, owner.scope.classes)
    certain = {id(one) for statement in node.body for one in _unconditional(statement)}
    kept = {
        id(one.value): one for one in ast.walk(node) if isinstance(one, ast.AnnAssign | ast.Assign | ast.Expr)
    }
    for call in _ordered(node):
        taken = _take(call, name)
        if taken and taken not in out.fields:
            value = call.args[1] if len(call.args) > 1 else None
            spec = _spec(call, value, scope, reader, id(call) in certain)
            annotation, text = _kept_as(kept.get(id(call)), scope, reader)
            out.fields[taken] = make(
                taken, owner, annotation, spec, reader, docs, text=text, line=call.lineno, via="kwargs"
            )
        elif not taken:
            _handed_on(call, name, scope, docs, reader, out, seen)


def _kept_as(
    statement: ast.AnnAssign | ast.Assign | ast.Expr | None, scope: Scope, reader: Reader
) -> tuple[Annotation | None, str | None]:
    """The annotation of the local name a value goes to; a value that is thrown away may be anything."""
    if isinstance(statement, ast.AnnAssign):
        written = scope.module.segment(statement.annotation)
        return reader.annotations.read(statement.annotation, scope.typed()), written
    if isinstance(statement, ast.Assign):
        thrown_away = ast.unparse(statement.targets[0]) == "_"
    else:
        thrown_away = isinstance(statement, ast.Expr)
    return (Annotation(facts.ANY) if thrown_away else None), None


def _handed_on(
    call: ast.Call, name: str, scope: Scope, docs: Docs, reader: Reader, out: Found, seen: set[int]
) -> None:
    """`helper(kwargs)`: the helper takes names out of the same mapping."""
    for at, argument in enumerate(call.args):
        if isinstance(argument, ast.Name) and argument.id == name:
            target = reader.index.expression(call.func, scope)
            if target and isinstance(target.node, FunctionNode) and target.scope:
                parameters = [one.arg for one in target.node.args.args]
                at += 1 if target.scope.classes and _skips_first(target.node, True) else 0
                if at < len(parameters):
                    _taken(target.node, target, docs, reader, out, seen, parameters[at])


def _spec(call: ast.Call, value: ast.expr | None, scope: Scope, reader: Reader, certain: bool) -> FieldSpec:
    assert isinstance(call.func, ast.Attribute)
    if value is not None:
        return reader.defaults.read(value, scope)
    if call.func.attr == "pop":
        kind = "required" if certain else "unknown"
        return FieldSpec(DefaultFact(kind), Unknown(""))
    return FieldSpec(DefaultFact("none", text="None"), None)


def _take(call: ast.Call, name: str) -> str | None:
    function = call.func
    if (
        isinstance(function, ast.Attribute)
        and function.attr in _TAKES
        and isinstance(function.value, ast.Name)
        and function.value.id == name
        and call.args
        and isinstance(call.args[0], ast.Constant)
        and isinstance(call.args[0].value, str)
    ):
        return call.args[0].value
    return None


def _ordered(node: FunctionDef) -> list[ast.Call]:
    calls = [one for statement in node.body for one in ast.walk(statement) if isinstance(one, ast.Call)]
    return sorted(calls, key=lambda one: (one.lineno, one.col_offset))


def _unconditional(statement: ast.stmt) -> Iterator[ast.AST]:
    if not isinstance(statement, ast.If | ast.For | ast.While | ast.Try | ast.With | FunctionNode):
        yield from ast.walk(statement)


# --- constructors -----------------------------------------------------------------------------------


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
        _signature(node, base, True, docs, reader, inner)
        if kwargs:
            _taken(node, base, docs, reader, inner, set())
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
    for call in _ordered(node):
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
