"""From classes to parameters: each surface's roots expanded to dotted paths, nested configs to leaves.

A field that holds a config class is a parameter itself (it can be set as a whole) and its class is
expanded below it. A class is expanded once, at its shallowest place in the first group that has it;
elsewhere its parameter says `same_as` that place (`group:path`, and `group:.` for a root). A list step
is written `[]`, a mapping step `.*`, and one of several classes that a field may hold `[ClassName]`.
"""

from __future__ import annotations

import fnmatch
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from atlas.engines.model import Surface
from atlas.schema.facts import EffectiveFact, FlagFact, Limitation
from atlas.schema.flag_joins import documented_by_flags
from atlas.schema.flags import Targets, assign
from atlas.schema.merge import Merged, MergedClass, MergedField
from atlas.schema.resolved import Resolved
from atlas.schema.type_questions import classes_in, short

ROOT = "."


@dataclass(frozen=True)
class Parameter:
    """One parameter of a group. `root` is the surface it is reached from, `owner` the class that has it."""

    path: str
    root: str
    owner: str
    merged: MergedField
    same_as: str | None = None
    also_in: tuple[str, ...] = ()
    flags: tuple[FlagFact, ...] = ()
    effective: EffectiveFact | None = None


@dataclass(frozen=True)
class Root:
    """A class or function that a surface names; `prefix` begins the paths of its parameters.

    One that another group has as a root already gives no parameters again, and is `same_as` that.
    """

    group: str
    target: str
    qualname: str
    kind: str
    prefix: str
    same_as: str | None = None


@dataclass(frozen=True)
class Assembled:
    roots: tuple[Root, ...]
    groups: Mapping[str, tuple[Parameter, ...]]
    limitations: tuple[Limitation, ...]


@dataclass
class _Group:
    """One group while it is put together; `expanded` is shared by all of them."""

    name: str
    classes: Mapping[str, MergedClass]
    expanded: dict[str, str]
    found: dict[str, Parameter] = field(default_factory=dict)
    roots: list[Root] = field(default_factory=list)
    limitations: list[Limitation] = field(default_factory=list)


@dataclass(frozen=True)
class _Visit:
    """A class to be expanded at a path; `above` are the classes it lies in."""

    group: _Group
    qualname: str
    prefix: str
    root: str
    surface: Surface
    above: tuple[str, ...]


def assemble(merged: Merged, surfaces: Mapping[str, Sequence[Surface]]) -> Assembled:
    """Every group's parameters, ordered by path."""
    merged = documented_by_flags(merged)
    expanded: dict[str, str] = {}
    groups = [_Group(name, merged.classes, expanded) for name in surfaces]
    queue = deque(visit for group in groups for visit in _visit_roots(group, surfaces[group.name]))
    while queue:
        queue.extend(_visit(queue.popleft()))
    targets: Targets[tuple[str, str]] = Targets()
    for group in groups:
        for path, one in group.found.items():
            name, key = one.merged.fact.name, (group.name, path)
            for owner in (one.owner, one.merged.fact.owner, *one.also_in):
                targets.fields.setdefault((owner, name), key)
            if one.owner == one.root:
                targets.names.setdefault(name, key)
    flags, lost = assign(merged.flags, targets)
    resolved = Resolved(merged.effective)
    return Assembled(
        roots=tuple(root for group in groups for root in group.roots),
        groups={
            group.name: tuple(
                replace(
                    one,
                    flags=flags.get((group.name, path), ()),
                    effective=resolved.of(one.owner, one.merged.fact),
                )
                for path, one in sorted(group.found.items())
            )
            for group in groups
        },
        limitations=(*(one for group in groups for one in group.limitations), *lost),
    )


def resolve_target(target: str, classes: Mapping[str, MergedClass]) -> list[str]:
    """Qualnames a surface means: exact, a glob over a module or the modules below it, or a re-export."""
    if target in classes:
        return [target]
    module, _, pattern = target.rpartition(".")
    inside = [
        name
        for name in classes
        if fnmatch.fnmatchcase(short(name), pattern) and name.startswith(f"{module}.")
    ]
    direct = [name for name in inside if name.rpartition(".")[0] == module]
    if any(mark in pattern for mark in "*?["):
        return sorted(direct or inside)
    package = module.partition(".")[0]
    return inside or [name for name in classes if short(name) == pattern and name.startswith(f"{package}.")]


def _visit_roots(group: _Group, surfaces: Sequence[Surface]) -> Iterator[_Visit]:
    for surface in surfaces:
        names = resolve_target(surface.target, group.classes)
        if not names:
            reason = f"no lane found this root of {group.name}"
            group.limitations.append(Limitation("root_not_found", surface.target, reason))
        for name in names:
            yield from _visit_root(group, surface, name)


def _visit_root(group: _Group, surface: Surface, qualname: str) -> Iterator[_Visit]:
    """A root's own fields come before any nested ones, so that nested classes point at roots."""
    if qualname in group.expanded:
        kind, place = group.classes[qualname].fact.kind, group.expanded[qualname]
        group.roots.append(Root(group.name, surface.target, qualname, kind, "", place))
        return
    globbed = any(mark in surface.target for mark in "*?[")
    prefix = surface.prefix or (short(qualname) if globbed else "")
    clash = any(
        known.merged.fact.owner != one.fact.owner
        for one in group.classes[qualname].fields
        if (known := group.found.get(_join(prefix, one.fact.name)))
    )
    own_prefix = short(qualname) if clash else prefix
    kind = group.classes[qualname].fact.kind
    group.roots.append(Root(group.name, surface.target, qualname, kind, own_prefix))
    group.expanded[qualname] = f"{group.name}:{own_prefix or ROOT}"
    visit = _Visit(group, qualname, own_prefix, qualname, surface, ())
    yield from _visit(visit, prefix if clash else None)


def _visit(visit: _Visit, shared: str | None = None) -> Iterator[_Visit]:
    """Add a class's parameters at a path, and give the nested classes to look at next.

    Fields already known from another root with the path prefix `shared` are not repeated.
    """
    group = visit.group
    for one in group.classes[visit.qualname].fields:
        if one.fact.name in visit.surface.skip or (
            one.fact.via == "kwargs" and not visit.surface.include_kwargs
        ):
            continue
        path = _join(visit.prefix, one.fact.name)
        for prefix in (visit.prefix, shared):
            known = group.found.get(_join(prefix, one.fact.name)) if prefix is not None else None
            if known and known.merged.fact.owner == one.fact.owner:
                group.found[known.path] = replace(known, also_in=(*known.also_in, visit.root))
                break
        else:
            parameter = Parameter(path, visit.root, visit.qualname, one)
            group.found[path] = parameter
            if visit.surface.nested and one.fact.init:
                yield from _nested(parameter, visit)


def _nested(parameter: Parameter, visit: _Visit) -> Iterator[_Visit]:
    group, above = visit.group, (*visit.above, visit.qualname)
    inside: dict[str, str] = {}
    for name, step in classes_in(parameter.merged.fact.type):
        if name in group.classes and group.classes[name].fields:
            inside.setdefault(name, step)
    for name, step in inside.items():
        choice = f"[{short(name)}]" if len(inside) > 1 else ""
        place = f"{parameter.path}{step}{choice}"
        if name in above:
            reason = "the class holds itself; it is expanded once"
            group.limitations.append(Limitation("recursive", f"{group.name}:{parameter.path}", reason))
        if name in group.expanded:
            known = group.found[parameter.path]
            same = " | ".join([*([known.same_as] if known.same_as else []), group.expanded[name]])
            group.found[parameter.path] = replace(known, same_as=same)
            continue
        group.expanded[name] = f"{group.name}:{place}"
        yield _Visit(group, name, place, visit.root, visit.surface, above)


def _join(prefix: str, name: str) -> str:
    return f"{prefix}.{name}" if prefix else name
