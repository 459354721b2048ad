"""What one version makes of a configuration of a class, as far as its proven rules tell.

`accepted` needs evidence: the class was proven, has all the parameters, its rules were measured to find
nearly all that it rejects, and none holds, nor one about an object inside. Where a rule depends on the
machine, the answer is `unknown`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, TypeAlias

from atlas.diff.facts import Facts, ProvenRule, held_classes
from atlas.invariants.messages import render
from atlas.invariants.predicate import UNDEFINED, Context, compile_expr, fields_of, parse
from atlas.knowledge import Target

Json: TypeAlias = Any
Config: TypeAlias = Mapping[str, Json]
ENOUGH = 0.95
"""Where fewer of the configurations that no rule rejects were accepted, rules are no evidence of it."""
LATER = ("load", "generate")
"""Depths that need a model: whether they are reached, the configuration does not tell."""
Answer: TypeAlias = Literal["accepted", "rejected", "absent", "unknown"]


@dataclass(frozen=True)
class Verdict:
    """`rules` are the error rules that hold; `absent` the parameters that the class does not have."""

    answer: Answer
    rules: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()


@dataclass
class _Compiled:
    rule: ProvenRule
    holds: Callable[[Config], Json]
    fields: frozenset[str]
    always: bool


@dataclass
class Judge:
    """The rules of one version, compiled when first needed."""

    facts: Facts
    _by_target: dict[str, list[_Compiled]] = field(default_factory=dict)

    @cached_property
    def targets(self) -> dict[str, Target]:
        return {target.cls: target for target in self.facts.targets}

    @cached_property
    def ids(self) -> dict[str, list[str]]:
        """Ids of the rules of each class."""
        found: dict[str, list[str]] = {}
        for rule in self.facts.rules.values():
            found.setdefault(rule.target, []).append(rule.id)
        return found

    def counterpart(self, cls: str) -> str | None:
        """The class of this version that a class of another one is: the same name, or one that only moved."""
        if cls in self.targets:
            return cls
        short = cls.rpartition(".")[2]
        found = [name for name in self.targets if name.rpartition(".")[2] == short]
        return found[0] if len(found) == 1 else None

    def is_proven(self, cls: str) -> bool:
        return cls in self.targets and self.targets[cls].status == "gated"

    def holding(self, cls: str, config: Config, severity: str | None = None) -> list[ProvenRule]:
        """The rules that hold for a configuration, with the values that always were passed."""
        names = set(config)
        return [
            one.rule
            for one in self._compiled(cls)
            if (severity is None or one.rule.severity == severity)
            and (one.always or one.fields & names)
            and one.holds(config) is True
        ]

    def judged(self, cls: str, config: Config) -> Verdict:
        if not self.is_proven(cls):
            return Verdict("unknown")
        known = self.facts.members.get(cls, {})
        absent = tuple(name for name in config if name not in known)
        if absent:
            return Verdict("absent", absent=absent)
        errors = self.holding(cls, config, "error")
        plain = tuple(rule.id for rule in errors if _is_plain(rule))
        if plain:
            return Verdict("rejected", plain)
        if errors or self.facts.trusted.get(cls, 0) < ENOUGH:
            return Verdict("unknown", tuple(rule.id for rule in errors))
        return self._inside(cls, config)

    def _inside(self, cls: str, config: Config) -> Verdict:
        """The objects of other classes in it: accepted where each of them is."""
        for name, value in config.items():
            if not isinstance(value, Mapping):
                continue
            for inner in sorted(held_classes(self.facts.members[cls][name]["type"])):
                verdict = self.judged(inner, value)
                if verdict.answer != "accepted":
                    return Verdict("rejected" if verdict.answer == "rejected" else "unknown", verdict.rules)
        return Verdict("accepted")

    def becomes(self, rule: ProvenRule, config: Config) -> dict[str, Json]:
        """The fields that a dormant rule changes, and what to, where that has a value."""
        context = self._context(rule.target)
        found = {}
        for name, text in rule.facts["effect"].get("sets", {}).items():
            value = compile_expr(parse(text), context)(config)
            if value is not UNDEFINED:
                found[name] = value
        return found

    def message(self, rule: ProvenRule, config: Config) -> str | None:
        text = rule.facts.get("message")
        return render(text, config, self._context(rule.target)) if text else None

    def _context(self, cls: str) -> Context:
        return self.targets[cls].context

    def _compiled(self, cls: str) -> Sequence[_Compiled]:
        if cls not in self._by_target:
            context = self._context(cls)
            found = []
            for name in self.ids.get(cls, ()):
                rule = self.facts.rules[name]
                when = parse(str(rule.facts["when"]))
                holds = compile_expr(when, context)
                fields = frozenset(one.path[0] for one in fields_of(when))
                found.append(_Compiled(rule, holds, fields, holds({}) is True))
            self._by_target[cls] = found
        return self._by_target[cls]


def _is_plain(rule: ProvenRule) -> bool:
    return not rule.requires and rule.facts["depth"] not in LATER
