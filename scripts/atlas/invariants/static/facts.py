"""What is known where control is: the clauses of the path decide conditions inside of values."""

from __future__ import annotations

from dataclasses import dataclass, field

from atlas.invariants.predicate import FALSE, TRUE, Const, Expr, Field, Op
from atlas.invariants.static.implied import excluded, implied, subject
from atlas.invariants.static.state import Over, State
from atlas.invariants.static.terms import and_, if_, not_, op, or_
from atlas.invariants.static.values import Choice, Value, merge

_MOST = 80
_MOST_BRANCHES = 12


@dataclass(frozen=True)
class Facts:
    """Clauses that hold, and those among them that are about one value each."""

    all: frozenset[Expr]
    about: dict[Expr, tuple[Expr, ...]] = field(default_factory=dict)
    decided: dict[Expr, Expr] = field(default_factory=dict)
    """What was asked before."""

    @classmethod
    def of(cls, clauses: list[Expr]) -> Facts:
        about: dict[Expr, tuple[Expr, ...]] = {}
        for one in clauses:
            its = subject(one)
            if its is not None:
                about[its] = (*about.get(its, ()), one)
        return cls(frozenset(clauses), about)

    def decide(self, condition: Expr) -> Expr:
        """A condition as far as the facts do not decide it."""
        if isinstance(condition, Const):
            return condition
        known = self.decided.get(condition)
        if known is None:
            known = self.decided[condition] = self._decide(condition)
        return known

    def _decide(self, condition: Expr) -> Expr:
        if condition in self.all:
            return TRUE
        if not_(condition) in self.all:
            return FALSE
        if isinstance(condition, Op) and condition.name in ("and", "or"):
            join = and_ if condition.name == "and" else or_
            parts = [self.decide(one) for one in condition.args]
            same = all(one is other for one, other in zip(parts, condition.args, strict=True))
            return condition if same else join(*parts)
        if isinstance(condition, Op) and condition.name == "not":
            return not_(self.decide(condition.args[0]))
        its = subject(condition)
        for fact in self.about.get(its, ()) if its is not None else ():
            if implied(fact, condition):
                return TRUE
            if excluded(fact, condition):
                return FALSE
        return condition


def facts_of(state: State) -> Facts:
    """The clauses that hold on a state's path, those of items of the user's lists left out."""
    known = state.remembered
    if known is not None and known[0] is state.path and isinstance(known[1], Facts):
        return known[1]
    clauses: list[Expr] = []
    for step in state.path:
        if isinstance(step, Over):
            break
        clauses += step.args if isinstance(step, Op) and step.name == "and" else (step,)
    facts = Facts.of(clauses[-_MOST:])
    state.remembered = (state.path, facts)
    return facts


def here(value: Value, state: State) -> Value:
    """A value without the alternatives that cannot be where control is."""
    if not isinstance(value, Choice) and not (isinstance(value, Op) and value.name == "if"):
        return value
    facts = facts_of(state)
    return _chosen(value, facts, 0) if facts.all else value


def _chosen(value: Value, facts: Facts, depth: int) -> Value:
    if depth > _MOST_BRANCHES:
        return value
    if isinstance(value, Choice):
        condition, then, other = value.condition, value.then, value.other
    elif isinstance(value, Op) and value.name == "if":
        condition, then, other = value.args
    else:
        return value
    its = facts.decide(condition)
    if isinstance(its, Const):
        return _chosen(then if its.value else other, facts, depth + 1)
    left, right = _chosen(then, facts, depth + 1), _chosen(other, facts, depth + 1)
    if its is condition and left is then and right is other:
        return value
    if isinstance(value, Choice):
        return merge(its, left, right)
    return if_(its, left, right)  # type: ignore[arg-type]


def bounded(name: str, left: Expr, right: Expr, state: State) -> Expr | None:
    """`max(x, c)` where it is known which one is larger."""
    for one, other in ((left, right), (right, left)):
        if isinstance(other, Const) and isinstance(one, Field):
            facts = facts_of(state)
            if facts.decide(op("<", one, other)) == TRUE:
                return other if name == "max" else one
            if facts.decide(op(">", one, other)) == TRUE:
                return one if name == "max" else other
    return None
