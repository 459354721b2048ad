"""Rules of classes that parameters are handed to.

An argument that `joins` a field of another class ends up there, so that class's rules are about it.
What the user did not set may be computed before it is handed over: such a field has no known value here,
and a rule that depends on it says nothing. Only where argument and field have one default is it known.

That an argument joins a field does not say that the class is made. It surely is where the engine's whole
configuration holds one and cannot do without (`parallel_config: ParallelConfig`, but not
`lora_config: LoRAConfig | None`), and where the argument is no deprecated one, which is copied only if set.
Elsewhere what its rules say is told with that condition, and is no error.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from atlas.check.fragments import kinds_of
from atlas.check.names import class_of
from atlas.check.rules import RuleSet, same
from atlas.invariants.predicate import Context
from atlas.knowledge.knowledge import Knowledge
from atlas.knowledge.model import Target

Json = Any
Entry = Mapping[str, Json]


class Joined(NamedTuple):
    """A class with rules, and the field of it that each argument is handed to."""

    target: Target
    rules: RuleSet
    fields: Mapping[str, str]
    """By the argument's name."""
    unsure: frozenset[str]
    """The arguments of which it is not known that the class is made of them."""


def joined(knowledge: Knowledge, arguments: Mapping[str, Entry]) -> Iterator[Joined]:
    """The classes with rules that any of the arguments is handed to."""
    made = always_made(knowledge)
    by_class: dict[str, dict[str, str]] = {}
    for name, entry in arguments.items():
        cls, _, field = entry.get("joins", "").rpartition(".")
        if cls:
            by_class.setdefault(cls, {})[name] = field
    for target in knowledge.targets:
        rules = [rule for rule in knowledge.rules(target.cls) if rule.proven]
        if rules and (fields := by_class.get(target.cls)):
            known = {field: arguments[name] for name, field in fields.items()}
            rules = [rule for rule in rules if {one.partition(".")[0] for one in rule.fields} <= known.keys()]
            context = Context(dict(_defaults(target, known)), target.types, "lax" if target.types else "none")
            unsure = {name for name in fields if not is_handed_over(arguments[name], made)}
            yield Joined(target, RuleSet(rules, context), fields, frozenset(unsure))


def always_made(knowledge: Knowledge) -> frozenset[str]:
    """The classes that a parameter holds which takes nothing else, all the way from a root."""
    found: set[str] = set()
    for group in knowledge.groups:
        certain = {""}
        for path, name, cls in sorted(_held(knowledge.schema[group])):
            if path[: -len(name)].rstrip(".") in certain:
                certain.add(path)
                found.add(cls)
    return frozenset(found)


def _held(entries: Iterable[Entry]) -> Iterator[tuple[str, str, str]]:
    """Path, name and class of the parameters that take an object of one class, and nothing else."""
    for entry in entries:
        fragment = entry["type"]
        if "x-python-type" in fragment or "anyOf" in fragment:
            cls = class_of(fragment)
            if cls and "null" not in _kinds(fragment):
                yield entry["path"], entry["name"], cls


def is_handed_over(entry: Entry, made: frozenset[str]) -> bool:
    """Whether the class whose field an argument joins is surely made of it."""
    cls, _, _ = entry.get("joins", "").rpartition(".")
    return cls in made and not entry.get("deprecated")


def _kinds(fragment: Mapping[str, Json]) -> set[str]:
    return {kind for option in (fragment, *fragment.get("anyOf", ())) for kind in kinds_of(option)}


def _defaults(target: Target, known: Mapping[str, Entry]) -> Iterator[tuple[str, Json]]:
    for name, default in target.defaults.items():
        entry = known.get(name.partition(".")[0])
        if entry is None or entry.get("effective_default") or "." in name:
            continue
        if ("default" in entry or entry["default_kind"] == "none") and same(entry.get("default"), default):
            yield name, default
