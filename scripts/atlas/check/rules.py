"""The rules of one class on one configuration: which hold, and what they make of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from atlas.invariants.predicate import UNDEFINED, Context, Expr, evaluate
from atlas.knowledge.model import Rule, Target

Json = Any
Config = Mapping[str, Json]
COMPILE_AFTER = 16
"""A rule is walked at first and compiled when it is asked often: compiling takes as long as 20 walks."""
MOST_ROUNDS = 12
CONFIG_TIME = ("construct", "validate", "resolve")
"""What happens before weights are loaded: as far as a check takes a configuration."""


class _Term:
    """An expression as a function of the configuration."""

    __slots__ = ("asked", "compiled", "context", "expr")

    def __init__(self, expr: Expr, context: Context) -> None:
        self.expr = expr
        self.context = context
        self.asked = 0
        self.compiled: Callable[[Config], Json] | None = None

    def value(self, config: Config) -> Json:
        if self.compiled is not None:
            return self.compiled(config)
        self.asked += 1
        if self.asked > COMPILE_AFTER:
            from atlas.invariants.predicate import compile_expr  # late: few expressions are asked so often

            self.compiled = compile_expr(self.expr, self.context)
        return evaluate(self.expr, config, self.context)


class _Test:
    """A rule with its condition, which is read when it is first asked."""

    __slots__ = ("context", "rule", "term")

    def __init__(self, rule: Rule, context: Context) -> None:
        self.rule = rule
        self.context = context
        self.term: _Term | None = None

    def holds(self, config: Config) -> bool:
        if self.term is None:
            self.term = _Term(self.rule.expr, self.context)
        return self.term.value(config) is True


class RuleSet:
    """The rules of a class, indexed by the fields that they read."""

    def __init__(self, rules: Iterable[Rule], context: Context) -> None:
        self.context = context
        self.always: list[_Test] = []
        """Those that hold when nothing is set: what they read need not be given."""
        self.about: dict[str, list[_Test]] = {}
        self._values: dict[tuple[str, str], _Term] = {}
        for rule in rules:
            test = _Test(rule, context)
            if rule.always:
                self.always.append(test)
            for name in {field.partition(".")[0] for field in rule.fields}:
                self.about.setdefault(name, []).append(test)

    def holding(self, config: Config) -> list[Rule]:
        """The rules that hold, each once, in the order of the artefact as far as fields go."""
        tests: dict[int, _Test] = {id(test): test for test in self.always}
        for name in config:
            for test in self.about.get(name, ()):
                tests[id(test)] = test
        return [test.rule for test in tests.values() if test.holds(config)]

    def effective(self, config: Config) -> tuple[dict[str, Json], bool]:
        """The fields that end up as something else, with what; and whether that is a fixpoint.

        All that hold are applied at once, to the configuration as the round before left it.
        """
        state = dict(config)
        for _ in range(MOST_ROUNDS):
            new = {**state, **self._changes(state)}
            if same(new, state):
                return {name: value for name, value in state.items() if not _given(config, name, value)}, True
            state = new
        return {name: value for name, value in state.items() if not _given(config, name, value)}, False

    def _changes(self, state: Config) -> dict[str, Json]:
        changes: dict[str, Json] = {}
        for rule in self.holding(state):
            if is_plain(rule) and rule.severity == "dormant":
                for name, value in self.sets(rule, state).items():
                    changes.setdefault(name, value)
        return changes

    def sets(self, rule: Rule, config: Config) -> dict[str, Json]:
        """What a rule makes of its fields, where that is known."""
        found = {name: self.value((rule.id, name), expr, config) for name, expr in rule.sets.items()}
        return {name: value for name, value in found.items() if value is not UNDEFINED}

    def value(self, key: tuple[str, str], expr: Expr, config: Config) -> Json:
        """The value of an expression, kept under its key."""
        term = self._values.get(key)
        if term is None:
            term = self._values[key] = _Term(expr, self.context)
        return term.value(config)


def is_plain(rule: Rule) -> bool:
    """Whether a rule says what happens to a configuration, whatever machine or model it meets."""
    return rule.proven and not rule.requires and not rule.partial and rule.depth in CONFIG_TIME


def conditions(rule: Rule) -> tuple[str, ...]:
    """What has to be so, beside the configuration, for the rule to apply."""
    found = [*rule.requires, *(f"not translated: {text}" for text in rule.partial)]
    if rule.depth not in CONFIG_TIME:
        found.append({"load": "a model is loaded", "generate": "something is generated"}[rule.depth])
    return tuple(found)


def _given(config: Config, name: str, value: Json) -> bool:
    return name in config and same(config[name], value)


def same(left: Json, right: Json) -> bool:
    """Equal as JSON, where 1 is 1.0 but not true."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(same(value, right[key]) for key, value in left.items())
    return bool(left == right)


class Applied(NamedTuple):
    """A class that a part of the configuration is about, with that part as its keyword arguments.

    `names` gives the user's parameter for each field; a field without one is nobody's to set.
    """

    target: Target
    rules: RuleSet
    config: Mapping[str, Json]
    names: Mapping[str, str]
    via: str = ""
    """The class that takes the values, where it is not the one that is configured."""
    unsure: frozenset[str] = frozenset()
    """The fields of which it is not known that they get there."""
