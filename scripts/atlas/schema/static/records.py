"""Fields of record classes: dataclasses, pydantic, msgspec, attrs, TypedDict, NamedTuple."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from atlas.schema import facts
from atlas.schema.facts import DefaultFact, DeprecationFact, FieldFact, TypeExpr
from atlas.schema.static import metadata, settings
from atlas.schema.static.annotations import Annotation
from atlas.schema.static.calls import short
from atlas.schema.static.classify import ClassView
from atlas.schema.static.defaults import FieldSpec
from atlas.schema.static.docs import Docs
from atlas.schema.static.docs.types import parse_doc_type
from atlas.schema.static.modules import Definition, Scope
from atlas.schema.static.reader import Reader
from atlas.schema.static.typeforms import chosen, hoisted, optional_bounds
from atlas.schema.static.values import NotJsonError, Unknown, to_json

_SETTINGS = ("model_config",)
_DECORATED = ("dataclass", "pydantic_dataclass", "attrs")


@dataclass(frozen=True, eq=False)
class Row:
    """One field as written: its annotation and right-hand side, and the class that holds it."""

    name: str
    node: ast.AST
    annotation: ast.expr | None
    value: ast.expr | None
    owner: Definition
    scope: Scope


def fields(view: ClassView, reader: Reader) -> list[FieldFact]:
    """The fields of a record class in the order of its constructor."""
    docs = reader.class_docs(view)
    ruled = settings.of(view, reader)
    out = []
    for row in rows(view, reader).values():
        fact = _field(row, view, docs, ruled, reader)
        if fact:
            out.append(fact)
    return out


def rows(view: ClassView, reader: Reader) -> dict[str, Row]:
    """Fields of the class and its bases; a field declared again keeps its place."""
    out: dict[str, Row] = {}
    for base in reversed(view.mro):
        if isinstance(base.node, ast.ClassDef) and base.scope and _contributes(base, view, reader):
            for row in own_rows(base, reader):
                if row.name not in _SETTINGS or view.family not in ("pydantic", "plain"):
                    out[row.name] = row
    return out


def _contributes(base: Definition, view: ClassView, reader: Reader) -> bool:
    if view.family in _DECORATED:
        return reader.classifier.decorator(base) is not None
    if view.family in ("msgspec", "typed_dict", "named_tuple"):
        its = reader.classifier.view(base)
        return its is not None and its.family == view.family
    return True


def own_rows(base: Definition, reader: Reader) -> Iterator[Row]:
    """Field statements of one class body, also those under `if`."""
    assert isinstance(base.node, ast.ClassDef) and base.scope
    scope = base.scope.inside(base.node)
    for statement in _flat(base.node.body):
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            name = statement.target.id
            if name not in ("_", "__slots__"):
                yield Row(name, statement, statement.annotation, statement.value, base, scope)
        elif isinstance(statement, ast.Assign) and _makes_field(statement.value, scope, reader):
            for target in statement.targets:
                if isinstance(target, ast.Name):
                    yield Row(target.id, statement, None, statement.value, base, scope)


def _flat(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    for statement in body:
        if isinstance(statement, ast.If):
            yield from _flat(statement.body)
            yield from _flat(statement.orelse)
        else:
            yield statement


def _makes_field(value: ast.expr, scope: Scope, reader: Reader) -> bool:
    """`x = attr.ib(…)`, `_x = PrivateAttr(…)`: fields without an annotation."""
    if not isinstance(value, ast.Call):
        return False
    found = reader.index.expression(value.func, scope)
    return bool(found and short(found.qualname) in ("ib", "attrib", "PrivateAttr"))


def _field(
    row: Row, view: ClassView, docs: Docs, ruled: settings.Settings, reader: Reader
) -> FieldFact | None:
    annotation = (
        reader.annotations.read(row.annotation, row.scope.typed()) if row.annotation is not None else None
    )
    if annotation and annotation.marks & {"ClassVar", "KW_ONLY"}:
        return None
    spec = reader.defaults.read(row.value, row.scope)
    if annotation is None and spec.annotation:
        annotation = reader.annotations.read(*spec.annotation)
    spec = _with_annotated_default(spec, annotation, row, reader)
    private = row.name.startswith("_")
    is_private = private and view.family == "pydantic"
    if is_private and spec.default.kind == "required":
        spec = replace(spec, default=DefaultFact("computed"))
    fact = make(
        row.name,
        row.owner,
        annotation,
        spec,
        reader,
        docs,
        text=row.scope.module.segment(row.annotation) if row.annotation is not None else None,
        line=getattr(row.node, "lineno", None),
    )
    if fact.type and view.family in ("pydantic", "pydantic_dataclass"):
        constraints = {**optional_bounds(fact.type), **(fact.constraints or {})}
        fact = replace(fact, constraints=constraints)
    init = fact.init and not is_private and ruled.init
    default = _family_default(fact.default, row, view, annotation, ruled)
    return replace(
        fact,
        init=init,
        default=default,
        aliases=tuple(dict.fromkeys([*fact.aliases, *ruled.aliases(row.name)])),
        env=fact.env or ruled.env(row.name),
    )


def _with_annotated_default(
    spec: FieldSpec, annotation: Annotation | None, row: Row, reader: Reader
) -> FieldSpec:
    """`x: Annotated[T, Field(default=…)]` without a right-hand side."""
    if annotation and annotation.metadata.field and row.value is None:
        inner = reader.defaults.read(*annotation.metadata.field)
        return replace(inner, metadata=metadata.EMPTY)
    return spec


def _family_default(
    default: DefaultFact, row: Row, view: ClassView, annotation: Annotation | None, ruled: settings.Settings
) -> DefaultFact:
    marks = annotation.marks if annotation else frozenset()
    if view.family == "typed_dict" and default.kind == "required":
        optional = "NotRequired" in marks or (not ruled.total and "Required" not in marks)
        return DefaultFact("unknown", text="may be absent") if optional else default
    if view.family == "msgspec" and isinstance(row.value, ast.List | ast.Dict) and default.value in ([], {}):
        return DefaultFact("factory", default.value, default.text)
    return default


def make(
    name: str,
    owner: Definition,
    annotation: Annotation | None,
    spec: FieldSpec,
    reader: Reader,
    docs: Docs,
    *,
    text: str | None,
    line: int | None,
    via: str = "field",
) -> FieldFact:
    """A field fact from its parts; documentation fills what the code does not say."""
    said = spec.metadata.under(annotation.metadata) if annotation else spec.metadata
    its = annotation.type if annotation else _documented_type(name, docs, owner, spec, reader)
    constraints: Mapping[str, facts.Json] = said.constraints
    if its is not None:
        its = chosen(its, said.choices)
        if said.unchecked and its["k"] != "annotated":
            its = facts.annotated(its, {}, is_open=True)
        constraints = metadata.fitted(constraints, its)
    module = owner.scope.module if owner.scope else None
    return FieldFact(
        name=name,
        owner=owner.qualname,
        type=its,
        annotation=" ".join(text.split()) if text else None,
        default=spec.default,
        description=_description(name, owner, said.description, docs, reader),
        constraints=constraints,
        deprecated=_deprecated(said.deprecated),
        aliases=said.aliases,
        env=spec.env,
        init=spec.init is not False,
        private=name.startswith("_"),
        via=via,
        joins=f"{spec.joined[0].qualname}.{spec.joined[1]}" if spec.joined else None,
        file=module.path if module else None,
        line=line,
    )


def _documented_type(
    name: str, docs: Docs, owner: Definition, spec: FieldSpec, reader: Reader
) -> TypeExpr | None:
    """The type a docstring states, else the type of a literal default; None admits None."""
    entry = docs.params.get(name)
    its: TypeExpr | None = None
    if entry and entry.type_text and owner.scope:
        its = parse_doc_type(entry.type_text, reader.resolve_type(owner.scope.module))
    if its is None and spec.default.kind == "value":
        its = of_value(spec.raw if not isinstance(spec.raw, Unknown) else spec.default.value)
    if its is not None:
        its = hoisted(its)[0]
        if spec.default.kind == "none":
            its = facts.union([its, facts.NONE])
    return its


def of_value(value: object) -> TypeExpr | None:
    """The type that a literal default suggests."""
    for kind in (bool, int, float, str):
        if isinstance(value, kind):
            return facts.prim(kind.__name__)
    if isinstance(value, dict):
        return facts.dict_of(facts.ANY, facts.ANY)
    if isinstance(value, list | tuple | set):
        name = type(value).__name__
        kinds = [of_value(item) for item in value]
        item = facts.union([one for one in kinds if one]) if kinds and all(kinds) else facts.ANY
        return facts.tuple_all(item) if name == "tuple" else facts.sequence(name, item)
    try:
        return of_value(to_json(value))
    except (NotJsonError, RecursionError):
        return None


def _description(name: str, owner: Definition, said: str | None, docs: Docs, reader: Reader) -> str | None:
    """Best first: metadata, the string after the field, the class's docstring, a comment."""
    beside = None
    if isinstance(owner.node, ast.ClassDef) and owner.scope:
        beside = reader.beside(owner.node, owner.scope.module).get(name)
    entry = docs.params.get(name)
    if said:
        return said
    if beside and beside.origin != "comment":
        return beside.text
    if entry and entry.text:
        return entry.text
    return beside.text if beside else None


def _deprecated(marker: str | bool | None) -> DeprecationFact | None:
    if not marker:
        return None
    return DeprecationFact(message=marker if isinstance(marker, str) else None)
