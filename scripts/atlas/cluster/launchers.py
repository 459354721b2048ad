"""config/launchers.yaml, rendered: what is started on each node of an allocation, with which variables."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from atlas.errors import InputError
from atlas.validation import check, nearest
from atlas.yamlfile import load_yaml

FILE = "config/launchers.yaml"
FIELD = re.compile(r"\{([a-z]+)(?:\+([0-9]+))?\}")
FIRST_PORT, PORTS_OF_JOB, JOBS = 20000, 4, 3000


@dataclass(frozen=True)
class Allocation:
    """What SLURM has given: the nodes by name and by the address that others reach them at."""

    job: int
    nodes: tuple[str, ...]
    addresses: tuple[str, ...]
    gpus: int
    """In each node."""

    @property
    def port(self) -> int:
        """The first of the ports of this job; another job on the same nodes has others."""
        return FIRST_PORT + PORTS_OF_JOB * (self.job % JOBS)

    def first(self, count: int) -> Allocation:
        """A part of it; InputError where it is smaller."""
        if count > len(self.nodes):
            what = f"{count} nodes are wanted, and the allocation has {len(self.nodes)}"
            raise InputError(what, hint=f"`salloc -N {count}`")
        return replace(self, nodes=self.nodes[:count], addresses=self.addresses[:count])


@dataclass(frozen=True)
class Step:
    """A command on a node, or (`tasks`) one that MPI starts many of over all nodes."""

    role: str
    rank: int
    nodes: tuple[str, ...]
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    tasks: int = 1


@dataclass(frozen=True)
class Launch:
    """All that is started, and what a record says of it."""

    launcher: str
    parallel: Mapping[str, int]
    steps: tuple[Step, ...]
    address: str | None
    """Where it answers, of one that serves."""


def load_launchers(root: Path) -> dict[str, Any]:
    """All launchers; InputError with file and line for whatever is wrong."""
    document = load_yaml(root / FILE, FILE)
    check(document, "launchers")
    found = document.value["launchers"]
    for name, launcher in found.items():
        roles = [role["name"] for role in launcher["roles"]]
        for number, role in enumerate(launcher["roles"]):
            for index, group in enumerate(role["words"]):
                each = group.get("each") if isinstance(group, dict) else None
                if each is not None and each not in roles:
                    where = document.where(("launchers", name, "roles", number, "words", index, "each"))
                    raise InputError(f"`{name}` has no role `{each}`{nearest(each, roles)}", where=where)
    return dict(found)


def render(
    launchers: Mapping[str, Any], name: str, at: Allocation, *, model: str | None, arguments: Sequence[str]
) -> Launch:
    """What a launcher starts in an allocation; InputError for one that there is none of, or too few nodes."""
    if name not in launchers:
        raise InputError(f"no launcher is called `{name}`{nearest(name, launchers)}", where=FILE)
    launcher = launchers[name]
    least = launcher.get("least_nodes", 1)
    if len(at.nodes) < least:
        raise InputError(f"`{name}` needs {least} nodes, and the allocation has {len(at.nodes)}")
    parts = {role["name"]: _part(role.get("nodes", "all"), len(at.nodes)) for role in launcher["roles"]}
    steps: list[Step] = []
    for role in launcher["roles"]:
        steps += _steps(role, parts, at, model, tuple(arguments))
    sizes = _sizes(at)
    return Launch(
        name,
        {kind: sizes[size] for kind, size in launcher.get("parallel", {}).items()},
        tuple(steps),
        f"{at.addresses[0]}:{at.port + 1}" if launcher.get("serves") else None,
    )


def _sizes(at: Allocation) -> dict[str, int]:
    processes = max(1, at.gpus)
    return {"processes": processes, "nodes": len(at.nodes), "world": processes * len(at.nodes)}


def _part(part: str, count: int) -> range:
    half = (count + 1) // 2
    parts = {"all": (0, count), "first": (0, 1), "first_half": (0, half), "second_half": (half, count)}
    return range(*parts[part])


def _steps(
    role: Mapping[str, Any],
    parts: Mapping[str, range],
    at: Allocation,
    model: str | None,
    arguments: tuple[str, ...],
) -> Iterator[Step]:
    mine = parts[role["name"]]
    for rank, node in enumerate(mine[:1] if role.get("mpi") else mine):
        values = {
            **_sizes(at),
            "rank": rank,
            "host": at.addresses[node],
            "head": at.addresses[mine[0]],
            "port": at.port,
            "job": at.job,
            "hosts": ",".join(at.addresses),
        }
        if model is not None:
            values["model"] = model
        hosts = {part: [at.addresses[one] for one in nodes] for part, nodes in parts.items()}
        words = _words(role["words"], values, len(mine), hosts)
        argv = [one for word in words for one in (arguments if word == "{arguments}" else (word,))]
        env = {key: _filled(text, values) for key, text in role.get("env", {}).items()}
        world = tuple(at.nodes[i] for i in mine) if role.get("mpi") else (at.nodes[node],)
        tasks = len(world) * max(1, at.gpus) if role.get("mpi") else 1
        yield Step(role["name"], rank, world, tuple(argv), env, tasks)


def _words(
    groups: Sequence[Any], values: Mapping[str, Any], count: int, hosts: Mapping[str, list[str]]
) -> Iterator[str]:
    holds = {"first": values["rank"] == 0, "later": values["rank"] > 0, "one": count == 1, "many": count > 1}
    for group in groups:
        words = group["words"] if isinstance(group, dict) else group
        if isinstance(group, dict) and not holds.get(group.get("when", ""), "when" not in group):
            continue
        others = hosts[group["each"]] if isinstance(group, dict) and "each" in group else [None]
        for other in others:
            for word in words:
                yield word if word == "{arguments}" else _filled(word, {**values, "other": other})


def _filled(text: str, values: Mapping[str, Any]) -> str:
    def value(found: re.Match[str]) -> str:
        name, more = found[1], found[2]
        if values.get(name) is None:
            what = "give it --model" if name == "model" else f"known: {', '.join(sorted(values))}"
            raise InputError(f"`{text}` needs {{{name}}}", where=FILE, hint=what)
        return str(values[name] + int(more)) if more else str(values[name])

    return FIELD.sub(value, text)
