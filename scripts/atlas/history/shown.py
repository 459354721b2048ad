"""`atlas show ENGINE PARAM`: all that is known of a parameter: its facts, rules, history and source."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

from atlas.errors import InputError
from atlas.history.history import History
from atlas.history.output import Line
from atlas.history.recorded import told
from atlas.history.timeline import FORMAT_VERSION, Link, parameter_json, span_lines
from atlas.history.words import default, deprecation, limits
from atlas.knowledge import Knowledge, Parameter, Rule
from atlas.report.wording import value

Json: TypeAlias = Any


def find(knowledge: Knowledge, history: History | None, name: str, group: str | None) -> Parameter:
    """The parameter; InputError with the nearest names, and with what became of it, where there is none."""
    try:
        return knowledge.parameter(name, group)
    except InputError as error:
        keys = history.find(name, group) if history else []
        if not keys or history is None:
            raise
        span = history.at(keys[0], knowledge.version)
        if span.present:
            raise
        told = _elsewhere(history, keys[0])
        raise InputError(
            f"{knowledge.engine} {knowledge.version} has no parameter `{name}`; {told}",
            hint=f"`atlas timeline {knowledge.engine} {name}`",
        ) from error


def _elsewhere(history: History, key: tuple[str, str]) -> str:
    spans = history.timeline(key)
    gone = history.removed_in(key)
    having = [span for span in spans if span.present]
    return f"{history.first_seen(key)}; {gone}" if gone else f"{having[-1].until} has it"


def related(knowledge: Knowledge, one: Parameter) -> list[Rule]:
    """The rules about the parameter, and about the field that it stands for."""
    names = {(one.root, one.path), (one.owner, one.name)}
    if one.joins:
        cls, _, field = one.joins.rpartition(".")
        names.add((cls, field))
    held = {f"{cls}.{name}" for cls, name in names}
    return [
        rule
        for rule in knowledge.rules()
        if any(f"{rule.target}.{field}" in held or _inside(rule, field, held) for field in rule.fields)
    ]


def _inside(rule: Rule, field: str, held: set[str]) -> bool:
    """`config.key` is about `config`."""
    return "." in field and f"{rule.target}.{field.partition('.')[0]}" in held


def as_json(knowledge: Knowledge, history: History | None, one: Parameter, link: Link) -> dict[str, Json]:
    """The form of config/schemas/cli/show.schema.json."""
    entry = dict(knowledge.entries[one.group, one.path])
    key = (one.group, one.path)
    known = history is not None and key in history.keys
    return {
        "format_version": FORMAT_VERSION,
        "engine": knowledge.engine,
        "version": knowledge.version,
        "known": "in full" if knowledge.in_full else "history",
        "group": one.group,
        "parameter": entry,
        "link": link(knowledge.version, f"{one.file}:{one.line}") if one.file and one.line else None,
        "rules": [_rule(knowledge, rule) for rule in related(knowledge, one)],
        "history": parameter_json(key, history.timeline(key)) if history is not None and known else None,
    }


def _rule(knowledge: Knowledge, rule: Rule) -> dict[str, Json]:
    link = knowledge.source_link(rule.file, rule.line) if rule.file and rule.line else None
    return {
        "id": rule.id,
        "target": rule.target,
        "severity": rule.severity,
        "depth": rule.depth,
        "when": rule.when,
        "message": rule.message,
        "proven": rule.proven,
        "link": link,
    }


def lines(
    knowledge: Knowledge, history: History | None, one: Parameter, name: str, link: Link
) -> Iterator[Line]:
    """The same for people; `name` is what was asked for."""
    entry = knowledge.entries[one.group, one.path]
    yield "head", f"{knowledge.engine} {knowledge.version}: {one.path} ({one.group})"
    if unknown := told(knowledge):
        yield "note", f"  {unknown}"
    for word, text in _facts(entry, one):
        if text:
            yield "plain", f"  {word:<12}{text}"
    if one.file and one.line:
        place = f"{one.file}:{one.line}"
        yield "more", f"  {'source':<12}{link(knowledge.version, place) or place}"
    if one.deprecated:
        yield "bad", f"  {deprecation(entry)}"
    for text in (one.description or "").splitlines():
        yield "plain", f"  {text}".rstrip()
    rules = related(knowledge, one)
    if rules:
        yield "head", f"rules ({len(rules)})"
    for rule in rules:
        style = {"error": "bad", "warn": "note"}.get(rule.severity, "name")
        yield style, f"  {rule.severity}: {rule.message or rule.when}"
        yield "more", f"      when {rule.when} [{'proven' if rule.proven else 'static'}, {rule.id}]"
    yield from _history(history, one, name)


def _facts(entry: Any, one: Parameter) -> Iterator[tuple[str, str]]:
    yield "type", one.display
    yield "default", "required" if one.default_kind == "required" else default(entry)
    effective = one.effective_default
    if effective:
        yield "effective", f"{value(effective['value'])} on {effective['platform']}, when nothing is set"
    if one.enum and "Literal" not in one.display:
        yield "values", ", ".join(map(value, one.enum)) + (", and others" if one.open else "")
    yield "limits", limits(entry)
    yield "flag", ", ".join(one.cli_flags)
    yield "aliases", ", ".join(one.aliases)
    yield "environment", one.env or ""
    yield "class", one.owner
    yield "stands for", one.joins or ""
    yield "see", one.same_as or ""
    yield "note", "set by the engine, not by a user" if one.readonly else ""
    yield "seen by", " and ".join(f"the {lane} lane" for lane in one.lanes)


def _history(history: History | None, one: Parameter, name: str) -> Iterator[Line]:
    if history is None:
        return
    key = (one.group, one.path)
    if key in history.keys:
        yield "head", "history, from the sources of tracked versions"
        yield from span_lines(history.timeline(key), lambda *_: None)
    for group, path in history.find(name):
        if path == name and (group, path) != key:
            gone = history.removed_in((group, path))
            yield "more", f"another `{path}` is in {group}: {gone or history.first_seen((group, path))}"
