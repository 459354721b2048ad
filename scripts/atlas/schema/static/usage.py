"""Types of parameters that no annotation and no docstring states, from how the sources use them.

Last resort, for names taken out of `**kwargs` and bare signatures. Evidence, best first: another parameter
that takes the value over (`dtype = torch_dtype`); a declaration of the same name elsewhere in the files read
(a parameter, a field), where all such agree; a constant given under that name, in code or in a
message (`name=True`); a comparison with a number. The fact keeps its annotation empty, so a reader can tell.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from atlas.schema import facts
from atlas.schema.facts import ClassFact, FieldFact, TypeExpr
from atlas.schema.static.modules import Module, Scope
from atlas.schema.static.reader import Reader
from atlas.schema.static.records import of_value
from atlas.schema.type_questions import is_unknown, parts

_SWITCH = re.compile(r"\b(\w+)\s?=\s?(?:True|False)\b")
_TEXT_METHODS = ("lower", "upper", "strip", "split", "startswith", "endswith")
_NUMBER = facts.prim("float")


def completed(classes: Mapping[str, ClassFact], reader: Reader) -> dict[str, ClassFact]:
    """The same classes, with types for untyped parameters where the sources agree on one."""
    wanted = {field.name for fact in classes.values() for field in fact.fields if field.type is None}
    if not wanted:
        return dict(classes)
    known = _declared(classes, wanted)
    heirs: dict[str, set[str]] = {name: set() for name in wanted}
    for module in reader.index.parsed():
        if any(name in module.source for name in wanted):
            _collect(module, wanted, reader, known, heirs)
    return {
        name: replace(fact, fields=tuple(_typed(field, fact, known, heirs) for field in fact.fields))
        for name, fact in classes.items()
    }


def _typed(
    field: FieldFact,
    fact: ClassFact,
    known: Mapping[str, list[list[TypeExpr]]],
    heirs: Mapping[str, set[str]],
) -> FieldFact:
    if field.type is not None:
        return field
    siblings = [one.type for one in fact.fields if one.type and one.name in heirs.get(field.name, ())]
    for rank in (siblings, *known.get(field.name, ())):
        its = _agreed(rank)
        if its is not None:
            optional = field.default.kind == "none"
            return replace(field, type=facts.union([its, facts.NONE]) if optional else its)
    return field


def _agreed(found: Iterable[TypeExpr]) -> TypeExpr | None:
    """The one type that all declarations state, None aside."""
    plain = []
    for its in found:
        members = [one for one in (its["of"] if its["k"] == "union" else [its]) if one["k"] != "none"]
        if members and not any(one["k"] == "any" for one in members):
            plain.append(facts.union(members))
    distinct = {repr(its): its for its in plain if not is_unknown(its)}
    return next(iter(distinct.values())) if len(distinct) == 1 else None


def _declared(classes: Mapping[str, ClassFact], wanted: set[str]) -> dict[str, list[list[TypeExpr]]]:
    known: dict[str, list[list[TypeExpr]]] = {name: [[], [], []] for name in wanted}
    for fact in classes.values():
        for field in fact.fields:
            if field.name in wanted and field.type is not None and not _inside_out(field.type):
                known[field.name][0].append(field.type)
    return known


def _inside_out(its: TypeExpr) -> bool:
    return is_unknown(its) or any(_inside_out(part) for part in parts(its))


def _collect(
    module: Module,
    wanted: set[str],
    reader: Reader,
    known: dict[str, list[list[TypeExpr]]],
    heirs: dict[str, set[str]],
) -> None:
    scope = Scope(module).typed()
    for node in ast.walk(module.tree):
        for heir, name in _handed_over(node):
            if name in wanted:
                heirs[name].add(heir)
        for name, annotation in _annotated(node):
            if name in wanted:
                known[name][0].append(reader.annotations.read(annotation, scope).type)
        for name, value in _constants(node):
            its = of_value(value) if name in wanted and value is not None else None
            if its:
                known[name][1].append(its)
        for name in _mentioned(node, wanted):
            known[name][1].append(facts.prim("bool"))
        if isinstance(node, ast.Attribute) and node.attr in _TEXT_METHODS and _taken(node.value) in wanted:
            known[str(_taken(node.value))][1].append(facts.prim("str"))
        for name in _numeric(node):
            if name in wanted:
                known[name][2].append(_NUMBER)


def _annotated(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """Parameters and fields with an annotation."""
    if isinstance(node, ast.arg) and node.annotation is not None:
        yield node.arg, node.annotation
    elif isinstance(node, ast.AnnAssign):
        if isinstance(node.target, ast.Name):
            yield node.target.id, node.annotation
        elif isinstance(node.target, ast.Attribute):
            yield node.target.attr, node.annotation


def _constants(node: ast.AST) -> Iterator[tuple[str, object]]:
    """`f(name=1)` and `{"name": 1}`."""
    if isinstance(node, ast.keyword) and node.arg and isinstance(node.value, ast.Constant):
        yield node.arg, node.value.value
    elif isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            if (
                isinstance(key, ast.Constant)
                and isinstance(key.value, str)
                and isinstance(value, ast.Constant)
            ):
                yield key.value, value.value


def _mentioned(node: ast.AST, wanted: set[str]) -> Iterator[str]:
    """Names that a message or a docstring mentions as switched: `name=True`."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        for match in _SWITCH.finditer(node.value):
            if match[1] in wanted:
                yield match[1]


def _numeric(node: ast.AST) -> Iterator[str]:
    """`self.name > 0`."""
    if (
        isinstance(node, ast.Compare)
        and isinstance(node.left, ast.Attribute)
        and isinstance(node.ops[0], ast.Lt | ast.LtE | ast.Gt | ast.GtE)
        and isinstance(node.comparators[0], ast.Constant)
        and isinstance(node.comparators[0].value, int | float)
    ):
        yield node.left.attr


def _handed_over(node: ast.AST) -> Iterator[tuple[str, str]]:
    """(heir, name) of `heir = name`, `heir = heir or name`, `heir = kwargs.pop("name")`."""
    target = node.targets[0] if isinstance(node, ast.Assign) else None
    if isinstance(node, ast.Assign) and isinstance(target, ast.Name | ast.Attribute):
        heir = target.id if isinstance(target, ast.Name) else target.attr
        for value in _alternatives(node.value):
            if isinstance(value, ast.Name) and value.id != heir:
                yield heir, value.id
            elif (taken := _taken(value)) and taken != heir:
                yield heir, taken


def _taken(node: ast.expr) -> str | None:
    """The name in `kwargs.pop("name")`."""
    if (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("pop", "get")
        and node.args
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, str)
    ):
        return node.args[0].value
    return None


def _alternatives(value: ast.expr) -> Iterator[ast.expr]:
    if isinstance(value, ast.IfExp):
        yield from _alternatives(value.body)
        yield from _alternatives(value.orelse)
    elif isinstance(value, ast.BoolOp):
        for part in value.values:
            yield from _alternatives(part)
    else:
        yield value
