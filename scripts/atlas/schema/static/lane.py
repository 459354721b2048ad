"""The static lane: configuration facts of an engine from its sources alone."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from atlas.engines.model import CliSpec, Surface
from atlas.schema.facts import ClassFact, FieldFact, LaneFacts, Limitation, TypeExpr
from atlas.schema.static import classes, joins, usage
from atlas.schema.static.deprecations import with_deprecations
from atlas.schema.static.flags import CliFacts, extract_flags, with_help
from atlas.schema.static.modules import Definition, SourceIndex
from atlas.schema.static.reader import Reader
from atlas.schema.static.typeforms import is_config
from atlas.schema.type_questions import parts


@dataclass(frozen=True)
class Root:
    """A class or function to read. A class target may end in a glob; see `surfaces` in the engine's YAML."""

    kind: Literal["class", "function"]
    target: str
    group: str = ""
    nested: bool = True
    assembled_from: tuple[str, ...] = ()
    include_kwargs: bool = True


@dataclass(frozen=True)
class Parser:
    """A function that adds the flags of a class to a parser: `owner` is the class's dotted name."""

    target: str
    owner: str | None = None


def roots_of(surfaces: Mapping[str, Sequence[Surface]]) -> list[Root]:
    """The roots that an engine's YAML names."""
    return [
        Root(
            "function" if one.kind == "function" else "class",
            one.target,
            group,
            one.nested,
            one.assembled_from,
            one.include_kwargs,
        )
        for group, its in surfaces.items()
        for one in its
    ]


def parsers_of(specs: Sequence[CliSpec]) -> list[Parser]:
    """The parser-building functions that an engine's YAML names."""
    return [Parser(f"{one.cls}.{one.method}" if one.cls else one.method, one.cls) for one in specs]


def extract(index: SourceIndex, roots: Sequence[Root], parsers: Sequence[Parser] = ()) -> LaneFacts:
    """All roots and the configuration classes that their types lead to, in the order they are met."""
    lane = _Lane(Reader.over(index))
    for root in roots:
        lane.add(root)
    lane.follow()
    lane.found = usage.completed(joins.joined(lane.found), lane.reader)
    cli = [lane.flags(parser) for parser in parsers]
    classes_found = with_deprecations(with_help(lane.found, cli), lane.reader.evaluator, cli)
    return LaneFacts(
        lane="static",
        classes=classes_found,
        flags=[flag for made in cli for flag in made.flags],
        limitations=(*lane.limitations, *index.limitations),
    )


class _Lane:
    """The walk over classes: what was found, and what is still to be looked at."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.found: dict[str, ClassFact] = {}
        self.limitations: list[Limitation] = []
        self._queue: list[str] = []

    def add(self, root: Root) -> None:
        if root.kind == "function":
            facts = self._function(root)
        else:
            facts = [
                fact
                for found in self.reader.index.matching(root.target)
                if (fact := self._class(found, root))
            ]
        if not facts:
            reason = f"no such {root.kind} in the sources"
            self.limitations.append(Limitation("not_found", root.target, reason))
        for fact in facts:
            self.found.setdefault(fact.qualname, fact)
            if root.nested:
                self._queue += _named_classes(fact)

    def follow(self) -> None:
        """Classes that types name, and those that defaults were joined from."""
        while self._queue:
            name = self._queue.pop(0)
            if name in self.found:
                continue
            found = self.reader.index.resolve(name)
            view = self.reader.classifier.view(found) if found else None
            if view is None or not is_config(view):
                continue
            self.found[name] = classes.of_class(view, self.reader)
            self._queue += _named_classes(self.found[name])

    def flags(self, parser: Parser) -> CliFacts:
        owner = self.reader.index.resolve(parser.owner) if parser.owner else None
        name = owner.qualname if owner else None
        made = extract_flags(
            self.reader.index,
            parser.target,
            evaluator=self.reader.evaluator,
            owner=name,
            fields=self.fields_of(name) if name else None,
            fields_of=self.fields_of,
        )
        self.limitations += made.limitations
        return made

    def fields_of(self, qualname: str) -> Mapping[str, FieldFact]:
        """The fields of a class, read now where it is none of those found."""
        fact = self.found.get(qualname)
        if fact is None:
            found = self.reader.index.resolve(qualname)
            view = self.reader.classifier.view(found) if found else None
            fact = classes.of_class(view, self.reader) if view and view.family != "enum" else None
        return {field.name: field for field in fact.fields} if fact else {}

    def _class(self, found: Definition, root: Root) -> ClassFact | None:
        view = self.reader.classifier.view(found)
        if view is None or view.family == "enum":
            return None
        if root.assembled_from:
            return classes.assembled(view, root.assembled_from, self.reader)
        return classes.of_class(view, self.reader, root.include_kwargs)

    def _function(self, root: Root) -> list[ClassFact]:
        index = self.reader.index
        found = index.resolve(root.target)
        parent, _, name = root.target.rpartition(".")
        holder = index.resolve(parent)
        holder = holder if holder and holder.kind == "class" else None
        if found is None and holder:
            found = self.reader.classifier.owner(holder, name)
        if found is None or not isinstance(found.node, ast.FunctionDef | ast.AsyncFunctionDef):
            return []
        return [classes.of_function(found, holder, self.reader, root.include_kwargs)]


def _named_classes(fact: ClassFact) -> Iterator[str]:
    for field in fact.fields:
        if field.type is not None:
            yield from _classes_in(field.type)
        if field.joins:
            yield field.joins.rpartition(".")[0]


def _classes_in(its: TypeExpr) -> Iterator[str]:
    if its["k"] == "class":
        yield its["name"]
    for part in parts(its):
        yield from _classes_in(part)
