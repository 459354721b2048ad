"""The machine that executes engine code symbolically: what it runs on, where it is, and what it has seen."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from atlas.invariants.model import Depth, Members, Site, Target
from atlas.invariants.predicate import FALSE, NONE, Const, Expr, Op, Opaque
from atlas.invariants.static import attributes, calling
from atlas.invariants.static.dead import DeadError
from atlas.invariants.static.expressions import EXPRESSIONS
from atlas.invariants.static.frames import Budget, Catcher, Event, Frame, Issue, Kind, Loop, Result
from atlas.invariants.static.implicit import unsaid
from atlas.invariants.static.lowering import fields_below, lowered
from atlas.invariants.static.measure import fields_in, opaque_in, size
from atlas.invariants.static.objects import Instance, Object
from atlas.invariants.static.state import Over, Path, State
from atlas.invariants.static.statements import STATEMENTS
from atlas.invariants.static.terms import not_
from atlas.invariants.static.truths import TESTS, truth_of
from atlas.invariants.static.userfields import UserFields
from atlas.invariants.static.values import Function, Raised, Ref, Value
from atlas.schema.static.classify import ClassView
from atlas.schema.static.modules import Definition, Scope
from atlas.schema.static.reader import Reader
from atlas.schema.static.values import source_text

MOST_NODES = 250
"""A condition that is longer is not translated."""


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
    results: dict[object, Result] = field(default_factory=dict)
    field_lists: dict[str, dict[Ref, Object]] = field(default_factory=dict)
    """What describes the fields of a class, made once: the last one is the list."""
    statement: ast.stmt | None = None
    members: Members = field(default_factory=dict)
    modules: dict[str, None] = field(default_factory=dict)
    """Such modules of which the user names a member."""
    _generators: dict[int, bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.fields = UserFields(self.target, self.reader)

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
        condition = unsaid(self, condition, state)
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
