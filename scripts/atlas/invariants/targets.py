"""The classes whose configurations are judged, with their fields as the schema artefact has them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any

from atlas.engines.model import Cell, TargetSpec
from atlas.errors import InputError
from atlas.invariants.model import FieldSpec, Json, Step, Target
from atlas.validation import nearest

CLASSES = frozenset({"dataclass", "pydantic", "pydantic_dataclass", "msgspec", "attrs", "plain"})
KNOWN_DEFAULTS = frozenset({"value", "none"})


def targets_of(
    cell: Cell, schema: Mapping[str, Json], kinds: Mapping[str, str] | None = None
) -> tuple[Target, ...]:
    """Every class of the cell's surfaces, and those that the YAML adds, in the order of the schema.

    `kinds` is the family of each class (`pydantic_dataclass`, `msgspec`, …), where the sources were read.
    """
    families = {**_root_kinds(schema), **(kinds or {})}
    specs = {spec.cls: spec for spec in cell.invariants.targets}
    found: dict[str, tuple[str, dict[str, Mapping[str, Json]]]] = {}
    for group, cls, members in _classes(schema):
        known = found.setdefault(cls, (group, {}))[1]
        for name, parameter in members.items():
            known.setdefault(name, parameter)
    for cls in specs:
        if cls not in found:
            found[cls] = _by_owner(schema, cls)
    targets = {
        cls: replace(_target(cls, group, members, specs.get(cls), families), ignore=_ignored(cell, cls))
        for cls, (group, members) in found.items()
        if cls in specs or not any(fnmatchcase(cls, pattern) for pattern in cell.invariants.exclude)
    }
    return tuple(_with_inner(target, targets) for target in targets.values())


def _ignored(cell: Cell, cls: str) -> frozenset[str]:
    """What is left out where effective defaults of the class are computed, too."""
    return frozenset(name for spec in cell.resolve if spec.cls == cls for name in spec.ignore)


def _with_inner(target: Target, targets: Mapping[str, Target]) -> Target:
    inner = {
        spec.name: targets[spec.nested].fields
        for spec in target.fields
        if spec.nested and spec.nested in targets and spec.nested != target.cls
    }
    return replace(target, inner=inner)


def find_target(targets: Iterable[Target], name: str) -> Target:
    """The target of that class, by its dotted name or by its last part where that is enough."""
    every = list(targets)
    exact = [one for one in every if one.cls == name]
    found = exact or [one for one in every if one.cls.rpartition(".")[2] == name]
    if len(found) == 1:
        return found[0]
    if found:
        raise InputError(f"`{name}` is the name of several targets: {', '.join(one.cls for one in found)}")
    names = [one.cls for one in every] + [one.cls.rpartition(".")[2] for one in every]
    raise InputError(f"no target `{name}`{nearest(name, names)}")


def _root_kinds(schema: Mapping[str, Json]) -> dict[str, str]:
    return {root["name"]: root["kind"] for roots in schema["roots"].values() for root in roots}


def _classes(schema: Mapping[str, Json]) -> Iterator[tuple[str, str, dict[str, Mapping[str, Json]]]]:
    """Each class of each group (the roots, then what is nested in them) with its own parameters."""
    for group, roots in schema["roots"].items():
        for root in roots:
            members = [one for one in schema[group] if one["root"] == root["name"]]
            prefix = f"{root['prefix']}." if root["prefix"] else ""
            by_path = {one["path"].removeprefix(prefix): one for one in members}
            if root["kind"] in CLASSES and not root.get("same_as"):
                yield group, root["name"], _level(by_path, "")
            for path, parameter in by_path.items():
                below = _level(by_path, f"{path}.")
                if below and (cls := _class_of(parameter["type"])):
                    yield group, cls, below


def _level(by_path: Mapping[str, Mapping[str, Json]], prefix: str) -> dict[str, Mapping[str, Json]]:
    return {
        parameter["name"]: parameter
        for path, parameter in by_path.items()
        if path.startswith(prefix) and "." not in path[len(prefix) :]
    }


def _class_of(fragment: Mapping[str, Json]) -> str | None:
    """The class of an object's type, where there is one only."""
    options = [fragment, *fragment.get("anyOf", ())]
    names = {one["x-python-type"] for one in options if "x-python-type" in one and _is_object(one)}
    return names.pop() if len(names) == 1 else None


def _is_object(fragment: Mapping[str, Json]) -> bool:
    kind = fragment.get("type")
    return kind == "object" or (isinstance(kind, list) and "object" in kind)


def _by_owner(schema: Mapping[str, Json], cls: str) -> tuple[str, dict[str, Mapping[str, Json]]]:
    """A class that is no root of its own: what it declares for the classes that inherit from it."""
    members: dict[str, Mapping[str, Json]] = {}
    where = ""
    for group in schema["roots"]:
        for one in schema[group]:
            if one["owner"] == cls and one["name"] not in members:
                members[one["name"]] = one
                where = where or group
    if not members:
        owners = sorted({one["owner"] for group in schema["roots"] for one in schema[group]})
        raise InputError(f"the schema has no class `{cls}`{nearest(cls, owners)}", where="invariants.targets")
    return where, members


def _target(
    cls: str,
    group: str,
    members: Mapping[str, Mapping[str, Json]],
    spec: TargetSpec | None,
    families: Mapping[str, str],
) -> Target:
    out_of_reach = {*spec.skip, *spec.given} if spec else set()
    lax = families.get(cls, "").startswith("pydantic")
    fields = tuple(
        _field(parameter, lax, families)
        for name, parameter in members.items()
        if name not in out_of_reach and not _is_internal(parameter)
    )
    steps = spec.steps if spec else ()
    return Target(
        cls=cls,
        group=group,
        fields=fields,
        given=spec.given if spec else {},
        variants=spec.variants if spec else (),
        prepare=spec.prepare if spec else {},
        others=spec.deep.variants if spec else (),
        limit_s=spec.deep.limit_s if spec else None,
        memory_mb=spec.deep.memory_mb if spec else None,
        steps=tuple(Step(one["depth"], one["call"]) for one in steps),
        converts="lax" if lax else "none",
    )


def _is_unchecked(annotation: str | None) -> bool:
    """Whether pydantic is told to leave the values of a field alone."""
    return re.match(r"([\w.]*\.)?(Optional\[)?([\w.]*\.)?SkipValidation\b", annotation or "") is not None


def _is_internal(parameter: Mapping[str, Any]) -> bool:
    """What no user sets: attributes that cannot be given, and private ones."""
    unsettable = bool(parameter.get("readonly")) or parameter.get("via") == "init_attr"
    return unsettable or str(parameter["name"]).startswith("_")


def _field(parameter: Mapping[str, Any], lax: bool, families: Mapping[str, str]) -> FieldSpec:
    joins = parameter.get("joins")
    joined = families.get(joins.rpartition(".")[0], "") if joins else ""
    has_default = parameter["default_kind"] in KNOWN_DEFAULTS or "default" in parameter
    return FieldSpec(
        name=parameter["name"],
        display=parameter.get("display") or "Any",
        type=parameter["type"],
        default=parameter.get("default"),
        has_default=has_default,
        default_kind=parameter["default_kind"],
        annotation=parameter.get("annotation"),
        nested=_class_of(parameter["type"]),
        joins=joins,
        converts=(lax or joined.startswith("pydantic")) and not _is_unchecked(parameter.get("annotation")),
    )
