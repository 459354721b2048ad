"""From what a user names to an upgrade of each configuration in it, and the edited text."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias

from atlas.check.checker import Checker
from atlas.check.commands import Start, find_start, serves
from atlas.check.given import Token
from atlas.check.model import Item, Place, Result
from atlas.check.names import Names
from atlas.check.select import choose, named
from atlas.check.serving import target_of
from atlas.check.texts import anything
from atlas.diff.change import Diff
from atlas.diff.compare import compare
from atlas.diff.facts import Facts, parameters_of
from atlas.diff.sides import comparable
from atlas.errors import InputError
from atlas.knowledge import Knowledge, load, results_folder
from atlas.upgrade.given import Given, given_fields, given_words
from atlas.upgrade.model import Edit, Point, Upgrade
from atlas.upgrade.plan import points
from atlas.upgrade.sides import Sides, new_errors
from atlas.upgrade.values import collides, edited
from atlas.upgrade.words import command, edit_words

Json: TypeAlias = Any
COMMAND_LINE = "command line"


@dataclass
class Task:
    """An engine's two versions, and the class that the names are about, where the user says so."""

    engine: str
    old: str
    new: str
    target: str | None = None
    group: str | None = None
    form: str | None = None
    results: Path | None = None

    @cached_property
    def knowledge(self) -> tuple[Knowledge, Knowledge]:
        return load(self.engine, self.old, self.results), load(self.engine, self.new, self.results)

    @cached_property
    def facts(self) -> tuple[Facts, Facts]:
        """Of parameters alone: what rules say of a configuration, the checkers tell."""
        old, new = self._comparable[0]
        return parameters_of(old), parameters_of(new)

    @cached_property
    def _comparable(self) -> tuple[tuple[Knowledge, Knowledge], str]:
        return comparable(*self.knowledge)

    @cached_property
    def diff(self) -> Diff:
        return compare(*self.facts, note=self._comparable[1])

    def checkers(
        self, keys: Sequence[str], group: str | None, target: str | None = None
    ) -> tuple[Checker, Checker]:
        """One for each version, of the same class."""
        old, new = self.knowledge
        group, target = self.group or group, self.target or target
        if target or group:
            of, root = named(old, target, group, keys)
        else:
            of, root = choose(old, keys)
        short = root["name"].rpartition(".")[2]
        exact = any(one["name"] == root["name"] for one in new.schema["roots"].get(of, ()))
        other = named(new, root["name"] if exact else short, of, keys)
        return Checker(old, Names(old, of, root)), Checker(new, Names(new, *other))


@dataclass(frozen=True)
class Done:
    """An upgrade, and the whole text after its edits; None where nothing is edited."""

    upgrade: Upgrade
    text: str | None = None
    not_written: str = ""
    """Why the file cannot be edited in place."""


Check: TypeAlias = Callable[[Checker, Json], Result]


def upgrade_items(task: Task, items: Sequence[Item], name: str, group: str | None = None) -> Upgrade:
    """Names and values: keyword arguments, or flags where they have dashes."""
    checkers = task.checkers([item.name for item in items], group)
    by_flag = bool(checkers[0].names.serve) and any("-" in item.name for item in items)

    def check(checker: Checker, value: Json) -> Result:
        own = [one._replace(value=value[one.name]) for one in items if one.name in value]
        came = [Item(key, value[key], Place(name)) for key in value if key not in {one.name for one in items}]
        every = [*own, *came]
        return checker.check_keys(every, name) if by_flag else checker.check_fields(every, name)

    value = {item.name: item.value for item in items}
    return _upgrade(task, name, checkers, check, value, given_fields(items, checkers[0].names))


def upgrade_words(task: Task, start: Start, name: str) -> Done:
    """A command line; the edited one is printed."""
    serve = task.knowledge[0].serve
    if serve is None:
        raise InputError(f"how {task.engine} {task.old} reads its command line is not known", where=name)
    checkers = task.checkers([], serve["group"], target_of(serve, start.words)[0])
    words = [token.text for token in start.words]

    def check(checker: Checker, value: Json) -> Result:
        return checker.check_tokens([Token(word, Place(name)) for word in value], name)

    def change(value: Json, edits: Sequence[Edit]) -> Json:
        return edit_words(value, edits, checkers[0].names)

    found = _upgrade(
        task, name, checkers, check, words, given_words(start.words, checkers[0].names), change=change
    )
    return Done(found, command(edit_words(words, found.edits, checkers[0].names)) if found.edits else None)


def _upgrade(
    task: Task,
    name: str,
    checkers: tuple[Checker, Checker],
    check: Check,
    value: Json,
    given: Sequence[Given],
    change: Callable[[Json, Sequence[Edit]], Json] | None = None,
) -> Upgrade:
    """The points, less the edits that the newer version would not accept."""
    change = change or edited
    before, after = check(checkers[0], value), check(checkers[1], value)
    sides = Sides(before, after, given, task.diff, task.facts)
    found = [_possible(one, value) if change is edited else one for one in points(sides)]
    found, final = _verified(found, before, lambda edits: check(checkers[1], change(value, edits)))
    return Upgrade(
        name=name,
        engine=task.engine,
        old=task.old,
        new=task.new,
        group=checkers[0].names.group,
        target=checkers[0].names.cls,
        points=tuple(found),
        accepted_before=before.accepted,
        accepted_after=final.accepted,
        remaining=tuple(one for one in final.findings if one.level == "error"),
        note=task.diff.note,
    )


def _possible(point: Point, value: Json) -> Point:
    if point.edit is not None and collides(value, point.edit):
        return replace(point, edit=None, left=f"both `{point.edit.written}` and `{point.edit.to}` are set")
    return point


def _verified(
    found: list[Point], before: Result, check: Callable[[Sequence[Edit]], Result]
) -> tuple[list[Point], Result]:
    """Edits after which something new is refused are taken back, and left to the user."""
    kept: list[Point] = []
    edits: list[Edit] = []
    last = check(edits)
    for point in found:
        if point.edit is None:
            kept.append(point)
            continue
        tried = check([*edits, point.edit])
        if len(new_errors(before, tried)) < len(new_errors(before, last)):
            edits.append(point.edit)
            last = tried
            kept.append(point)
        else:
            why = "; ".join(one.message for one in new_errors(before, tried)[:1])
            kept.append(replace(point, edit=None, left=f"`{point.edit.action}` would not be enough: {why}"))
    return kept, last


def upgrade_pairs(task: Task, pairs: Sequence[str]) -> Done:
    """`key=value` words; the edited ones are printed."""
    place = Place(COMMAND_LINE)
    items = [Item(name, anything(text), place) for name, _, text in (one.partition("=") for one in pairs)]
    found = upgrade_items(task, items, COMMAND_LINE)
    value: Mapping[str, Json] = edited({item.name: item.value for item in items}, found.edits)
    from atlas.diff.wording import shown

    return Done(
        found, " ".join(f"{name}={shown(one)}" for name, one in value.items()) if found.edits else None
    )


def upgrade_command(task: Task, command_words: Sequence[str]) -> Done:
    """The words of a command line after `--`: with the command that starts the engine, or its flags alone."""
    tokens = [Token(text, Place(COMMAND_LINE)) for text in command_words]
    start = find_start(tokens, serves(results_folder(task.results), task.engine))
    done = upgrade_words(task, start or Start(task.engine, tuple(tokens)), COMMAND_LINE)
    if done.text is None or start is None:
        return done
    head = command_words[: len(command_words) - len(start.words)]
    whole = list(command_words[-len(start.words) :]) == [token.text for token in start.words]
    return replace(done, text=f"{command(head)} {done.text}") if whole else done
