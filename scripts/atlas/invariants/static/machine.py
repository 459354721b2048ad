"""The machine that executes engine code symbolically: what it runs on, where it is, and what it has seen."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

from atlas.invariants.model import Depth, FieldSpec, Site, Target
from atlas.invariants.predicate import FALSE, NONE, TRUE, Const, Expr, Field, Op, Opaque, Var
from atlas.invariants.static import attributes, calling
from atlas.invariants.static.dead import DeadError
from atlas.invariants.static.expressions import EXPRESSIONS
from atlas.invariants.static.instances import RECORDS
from atlas.invariants.static.lowering import fields_below, lowered
from atlas.invariants.static.state import Over, Path, State
from atlas.invariants.static.statements import STATEMENTS
from atlas.invariants.static.terms import fields_in, is_none, not_, opaque_in, size
from atlas.invariants.static.truths import TESTS, truth_of
from atlas.invariants.static.values import (
    Absent,
    Function,
    Instance,
    Raised,
    Ref,
    UserKeywords,
    Value,
    merge,
)
from atlas.schema.static.classify import ClassView
from atlas.schema.static.modules import Definition, Scope
from atlas.schema.static.reader import Reader
from atlas.schema.static.values import source_text

MOST_NODES = 150
"""A condition that is longer is not translated."""

Kind = Literal["raise", "assert", "warning", "log", "issue", "set", "implicit"]


@dataclass(frozen=True)
class Event:
    """Something the engine does under a condition: `path` is how control gets there."""

    kind: Kind
    site: Site
    path: Path
    depth: Depth
    raises: str | None = None
    message: Value | None = None
    sets: tuple[str, Value, Expr | None] | None = None
    """A field that is assigned, the value, and the value as an expression where it has one."""


Issue = tuple[int, Site, Path, Value, Depth]
"""A message put into a container on the heap: which one, where, under which path, and the message."""


@dataclass
class Catcher:
    """A `try` whose body is being executed: the exceptions it catches, and those that came so far."""

    names: frozenset[str]
    caught: list[tuple[Raised, State]] = field(default_factory=list)
    taken: list[tuple[Raised, State]] = field(default_factory=list)

    def takes(self, raised: Raised) -> bool:
        return self.fits(self.names, raised)

    @staticmethod
    def fits(names: frozenset[str], raised: Raised) -> bool:
        """Whether `except names` takes an exception."""
        if raised.name in ("SystemExit", "KeyboardInterrupt", "GeneratorExit"):
            return bool(names & {raised.name, "BaseException"})
        return bool(names & {raised.name, *raised.bases, "Exception", "BaseException"})


@dataclass
class Loop:
    continues: list[State] = field(default_factory=list)
    breaks: list[State] = field(default_factory=list)


@dataclass
class Frame:
    """One function that is being executed."""

    node: ast.AST
    scope: Scope
    qualname: str
    first: Value | None = None
    owner: Definition | None = None
    closure: Mapping[str, Value] = field(default_factory=dict)
    returns: list[tuple[Value, State]] = field(default_factory=list)
    loops: list[Loop] = field(default_factory=list)
    departures: int = 0


@dataclass
class Budget:
    """How much is executed for one target."""

    statements: int = 60_000
    calls: int = 40
    repeats: int = 2
    items: int = 80

    @property
    def spent(self) -> bool:
        return self.statements <= 0


@dataclass
class Machine:
    """Executes statements and expressions for one target; `events` is what it found."""

    reader: Reader
    target: Target
    budget: Budget = field(default_factory=Budget)
    depth: Depth = "construct"
    events: list[Event] = field(default_factory=list)
    frames: list[Frame] = field(default_factory=list)
    catchers: list[Catcher] = field(default_factory=list)
    reached: dict[int, Frame] = field(default_factory=dict)
    cut: dict[int, str] = field(default_factory=dict)
    skipped: dict[int, Function] = field(default_factory=dict)
    filled: dict[Expr, int] = field(default_factory=dict)
    """Conditions that a container on the heap holds anything, and the container."""
    failing: list[tuple[Path, set[Expr]]] = field(default_factory=list)
    """What expressions fail on by themselves, and the paths on which they are evaluated."""
    handled: list[tuple[Site, Kind]] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)
    statement: ast.stmt | None = None
    _generators: dict[int, bool] = field(default_factory=dict)

    # --- execution ------------------------------------------------------------------------------------

    def block(self, body: list[ast.stmt], state: State) -> bool:
        """Execute statements; False where control never reaches their end."""
        return all(self.execute(one, state) for one in body)

    def execute(self, node: ast.stmt, state: State) -> bool:
        self.budget.statements -= 1
        before, self.statement = self.statement, node
        try:
            rule = STATEMENTS.get(type(node))
            return rule(self, node, state) if rule else True
        except DeadError:
            return False
        finally:
            self.statement = before

    def value(self, node: ast.expr, state: State) -> Value:
        rule = EXPRESSIONS.get(type(node))
        return rule(self, node, state) if rule else self.opaque(node, state)

    def test(self, node: ast.expr, state: State) -> Expr:
        """The truth of an expression, as a condition."""
        rule = TESTS.get(type(node))
        made = rule(self, node, state) if rule else truth_of(self, self.value(node, state), state, node)
        if size(made, MOST_NODES) <= MOST_NODES or _is_readable(made):
            return made
        about = all(one.environment for one in opaque_in(made)) and not fields_in(made)
        return self.opaque(node, state, made, environment=about)

    @property
    def caught(self) -> int:
        """How many exceptions came to the handlers around."""
        return sum(len(one.caught) for one in self.catchers)

    # --- where it is -----------------------------------------------------------------------------------

    @property
    def frame(self) -> Frame:
        return self.frames[-1]

    @property
    def scope(self) -> Scope:
        return self.frame.scope

    def text(self, node: ast.AST) -> str:
        return " ".join(source_text(node, self.scope.module).split())

    def site(self, node: ast.AST) -> Site:
        line = getattr(node, "lineno", 0)
        last = getattr(node, "end_lineno", None) or line
        return Site(self.scope.module.path, line, last, self.frame.qualname)

    def mark(self) -> tuple[int, int]:
        """Changes whenever control leaves a block other than by an exception nobody catches."""
        return self.frame.departures, self.caught

    # --- what it cannot know ----------------------------------------------------------------------------

    def opaque(self, node: ast.AST, state: State, *values: Value, environment: bool | None = None) -> Opaque:
        """An expression that is not translated; without any field in it, it is about the environment."""
        found = fields_in(*(self.shown(value, state) for value in values))
        about = not found if environment is None else environment
        return Opaque(self.text(node)[:200], found, about)

    def shown(self, value: Value, state: State) -> Expr:
        """A value as an expression; where it is none, a clause that knows its fields."""
        made = lowered(value, state)
        if made is not None:
            return made
        found = fields_below(value, state)
        return Opaque(type(value).__name__, found, not found)

    # --- events ----------------------------------------------------------------------------------------

    def record(self, kind: Kind, node: ast.AST, state: State, **more: object) -> None:
        self.events.append(Event(kind, self.site(node), state.path, self.depth, **more))  # type: ignore[arg-type]

    def raised(self, kind: Kind, node: ast.AST, raised: Raised, state: State) -> None:
        """An exception leaves a statement here: to the nearest `try` that takes it, else to the user."""
        for catcher in reversed(self.catchers):
            if catcher.takes(raised):
                self.handled.append((self.site(node), kind))
                catcher.caught.append((raised, state.fork()))
                return
        self.record(kind, node, state, raises=raised.name, message=raised.message)
        if state.path and not isinstance(state.path[-1], Over):
            last = state.path[-1]
            clauses = set(last.args) if isinstance(last, Op) and last.name == "and" else {last}
            self.failing.append((state.path[:-1], clauses))

    def may_raise(self, names: tuple[str, ...], condition: Expr, state: State) -> None:
        """An operation fails under a condition; only a `try` around it cares for it here."""
        for catcher in reversed(self.catchers):
            if catcher.names & {*names, "Exception", "BaseException"}:
                if condition != FALSE:
                    raised = Raised(names[0], ("Exception",), Const(None))
                    catcher.caught.append((raised, state.fork(condition)))
                    state.path = (*state.path, not_(condition))
                return

    @contextmanager
    def catching(self, names: frozenset[str]) -> Iterator[Catcher]:
        catcher = Catcher(names)
        self.catchers.append(catcher)
        try:
            yield catcher
        finally:
            self.catchers.remove(catcher)

    # --- fields ----------------------------------------------------------------------------------------

    def spec(self, name: str) -> FieldSpec | None:
        return next((one for one in self.target.fields if one.name == name), None)

    def field_of(self, name: str) -> Field | None:
        """The target's own field of that name."""
        return Field((name,)) if self.spec(name) is not None else None

    def is_converted(self, one: Field) -> bool:
        """Whether pydantic sees to the type of a field's value before anything else does."""
        return self.target.converts == "lax" or self.value_of(one.path[0]) != one

    def given_or(self, name: str, default: Value, state: State) -> Value:
        """What the user gave under a name, else a default."""
        if name in self.target.given:
            return Opaque(name, (), True)
        its, spec = self.value_of(name), self.spec(name)
        if isinstance(default, Absent) or (
            spec is not None and (not spec.has_default or as_json(default, state) == Const(spec.default))
        ):
            return its
        return merge(Op("given", (Field((name,)),)), its, default)

    def value_of(self, name: str) -> Expr:
        """What the user gave for a field, as the target itself sees it: others may convert it later."""
        spec = self.spec(name)
        converted_later = spec is not None and spec.converts and self.target.converts == "none"
        return Op("raw", (Field((name,)),)) if converted_later else Field((name,))

    def is_given(self, name: str, container: Value) -> Expr:
        if isinstance(container, UserKeywords) and name in container.taken:
            return FALSE
        return TRUE if name in self.target.given else Op("given", (Field((name,)),))

    def take(self, owner: UserKeywords, name: str, state: State) -> None:
        """`kwargs.pop(name)`."""
        for variable, value in state.names.items():
            if value == owner:
                state.names[variable] = UserKeywords(owner.taken | {name})

    # --- what types tell ---------------------------------------------------------------------------------

    def _named(self, value: Expr, name: str) -> bool:
        """Whether a field is declared as a class of that name."""
        spec = self.spec(value.path[0]) if isinstance(value, Field) and len(value.path) == 1 else None
        return spec is not None and name in _WORDS.findall(spec.annotation or "")

    def converts_to_enum(self, value: Expr, enum: str) -> bool:
        return self.target.converts == "lax" and self._named(value, enum.rpartition(".")[2])

    def is_enum(self, value: Expr) -> bool:
        """Whether pydantic has made a member of an enum of a field's value."""
        spec = self.spec(value.path[0]) if isinstance(value, Field) and len(value.path) == 1 else None
        if spec is None or self.target.converts != "lax":
            return False
        return any(self.reader.classifier.is_enum(found) for found in self._classes(spec))

    def _classes(self, spec: FieldSpec) -> list[Definition]:
        cls = self.reader.index.resolve(self.target.cls)
        if cls is None or cls.scope is None:
            return []
        names = dict.fromkeys(_WORDS.findall(spec.annotation or ""))
        found = [self.reader.index.name(cls.scope, name) for name in names]
        return [self.reader.index.follow(one) for one in found if one is not None]

    def nested_class(self, name: str) -> tuple[ClassView, bool] | None:
        """The configuration class that an object given for a field becomes, and whether it may be None."""
        spec = self.spec(name)
        if spec is None or self.target.converts != "lax":
            return None
        views = [self.reader.classifier.view(one) for one in self._classes(spec) if one.kind == "class"]
        records = [view for view in views if view is not None and view.family in RECORDS]
        words = set(_WORDS.findall(spec.annotation or ""))
        plain = {"None", "Optional", "Annotated", "SkipValidation"}
        if len(records) != 1 or words - plain - {records[0].node.name}:
            return None
        return records[0], bool(words & {"None", "Optional"})

    def converts_to(self, value: Expr, cls: Definition, node: ast.AST, state: State) -> Expr:
        """Whether a value of the user's is an instance of a class of the engine's."""
        name = cls.qualname.rpartition(".")[2]
        if self.target.converts == "lax" and self._named(value, name):
            return (
                not_(is_none(value))
                if self._only(value, name)
                else self.opaque(node, state, value, environment=False)
            )
        if any(isinstance(one, Var | Op) for one in (value,)) and self.target.converts == "lax":
            return self.opaque(node, state, value, environment=False)
        return FALSE

    def _only(self, value: Expr, name: str) -> bool:
        spec = self.spec(value.path[0]) if isinstance(value, Field) else None
        return spec is not None and set(_WORDS.findall(spec.annotation or "")) <= {name, "None", "Optional"}

    # --- calls -----------------------------------------------------------------------------------------

    def call(
        self,
        function: Value,
        positional: list[Value],
        keywords: Mapping[str, Value],
        node: ast.AST,
        state: State,
    ) -> Value:
        return calling.apply(self, function, positional, keywords, node, state)

    def attribute(self, owner: Value, name: str, node: ast.AST, state: State) -> Value:
        return attributes.of_value(self, owner, name, node, state)

    def setter(self, thing: Instance, name: str) -> Value | None:
        """The function behind `@name.setter`."""
        found = self.reader.classifier.owner(thing.cls, name)
        if found is None or not isinstance(found.node, ast.FunctionDef) or found.scope is None:
            return None
        if "setter" not in attributes.decorations(found.node):
            return None
        return Function(found.node, found.scope, found.qualname, self.home(thing.cls, found))

    def home(self, cls: Definition, member: Definition) -> Definition:
        """The class whose body holds a member."""
        dotted = member.qualname.rpartition(".")[0]
        view = self.reader.classifier.view(cls)
        return next((base for base in (view.mro if view else ()) if base.qualname == dotted), cls)

    @contextmanager
    def inside(self, function: Function, scope: Scope | None = None) -> Iterator[Frame]:
        """While a function is executed."""
        first = function.bound
        frame = Frame(
            function.node,
            scope or function.scope,
            function.qualname,
            first=first,
            owner=function.owner,
            closure=function.closure,
        )
        self.reached.setdefault(id(function.node), frame)
        self.frames.append(frame)
        try:
            yield frame
        finally:
            self.frames.pop()

    @contextmanager
    def outside(self, scope: Scope) -> Iterator[None]:
        """While something of a class body is evaluated."""
        self.frames.append(Frame(scope.module.tree, scope, scope.module.name))
        try:
            yield
        finally:
            self.frames.pop()

    def not_executed(self, function: Function) -> None:
        self.skipped.setdefault(id(function.node), function)

    def is_generator(self, node: ast.FunctionDef) -> bool:
        if id(node) not in self._generators:
            self._generators[id(node)] = any(
                isinstance(one, ast.Yield | ast.YieldFrom) for one in own_nodes(node)
            )
        return self._generators[id(node)]

    def new_loop(self) -> Loop:
        loop = Loop()
        self.frame.loops.append(loop)
        return loop

    def unknown(self, value: Value, state: State) -> Opaque:
        found = fields_below(value, state)
        return Opaque("a value of the loop", found, False)

    def negated(self, condition: Expr) -> Expr:
        return not_(condition)

    def asked(self, container: Value, filled: Expr) -> None:
        """The engine looks whether a container holds anything."""
        if isinstance(container, Ref) and not isinstance(filled, Const):
            self.filled.setdefault(filled, container.at)

    def fails(self, name: str, condition: Expr, node: ast.AST, state: State) -> None:
        """An operation raises under a condition: into a `try`, else to the user."""
        for catcher in reversed(self.catchers):
            if catcher.fits(catcher.names, Raised(name, ("Exception",), NONE)):
                self.may_raise((name,), condition, state)
                return
        if condition != FALSE:
            self.record("implicit", self.statement or node, state.fork(condition), raises=name)

    def record_change(
        self, name: str, value: Value, node: ast.FunctionDef, view: ClassView, state: State
    ) -> None:
        """A validator makes something else of a field."""
        expression = lowered(value, state)
        line = Site(view.scope.module.path, node.lineno, node.end_lineno or node.lineno, node.name)
        self.events.append(Event("set", line, state.path, self.depth, sets=(name, value, expression)))


def _is_readable(condition: Expr) -> bool:
    """Whether a long condition has alternatives that are short, and nothing that is not translated."""
    if not isinstance(condition, Op) or condition.name not in ("and", "or") or any(opaque_in(condition)):
        return False
    return all(size(one, MOST_NODES) <= MOST_NODES for one in condition.args) and size(condition, 900) <= 900


def own_nodes(function: ast.AST) -> Iterator[ast.AST]:
    """All nodes of a function's body but those of functions inside it."""
    pending = list(ast.iter_child_nodes(function))
    while pending:
        one = pending.pop()
        yield one
        if not isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            pending += ast.iter_child_nodes(one)


def as_json(value: Value, state: State) -> Expr | None:
    """A default as JSON, to be compared with the one that is known of the field."""
    its = lowered(value, state)
    if isinstance(its, Const) and isinstance(its.value, frozenset):
        return Const(tuple(sorted(its.value, key=repr)))
    return its


_WORDS = re.compile(r"\w+")
