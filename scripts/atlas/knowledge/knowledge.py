"""One engine version: its parameters, targets and rules, each read when it is first asked for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zlib import crc32

from atlas.errors import InputError, IntegrityError, UnavailableError
from atlas.knowledge.model import Json, Rule, Target

if TYPE_CHECKING:
    from atlas.check.model import Result
    from atlas.knowledge.parameter import Parameter

CHECKING = "atlas.check.api"
"""Named, not imported: how configurations are checked is no part of what artefacts are built with."""
SCHEMA, RULES, KNOWLEDGE = "schema.discovered.json", "invariants.yaml", "knowledge.json"


class Knowledge:
    """What the committed artefacts in `folder` say. Reading fails with an AtlasError that says what to do."""

    in_full = True
    """Otherwise only parameters, types and defaults are known, as the sources have them, and no rules."""

    def __init__(self, engine: str, version: str, folder: Path) -> None:
        self.engine = engine
        self.version = version
        self.folder = folder

    def __repr__(self) -> str:
        return f"Knowledge({self.engine!r}, {self.version!r})"

    # Parameters.

    @cached_property
    def schema(self) -> Mapping[str, Any]:
        """`schema.discovered.json` as it is."""
        return self._json(SCHEMA)

    @cached_property
    def groups(self) -> tuple[str, ...]:
        return tuple(self.schema["roots"])

    @cached_property
    def entries(self) -> dict[tuple[str, str], Mapping[str, Json]]:
        """The schema's entries by group and path: what `parameters` is made of."""
        return {(group, one["path"]): one for group in self.groups for one in self.schema[group]}

    def levels(self, group: str) -> dict[str, dict[str, Mapping[str, Json]]]:
        """The entries of a group by the path above them (`""` for the first level), then by name."""
        found = self._levels.get(group)
        if found is None:
            found = self._levels[group] = {}
            for entry in self.schema.get(group, ()):
                above = entry["path"][: -len(entry["name"])].rstrip(".")
                found.setdefault(above, {})[entry["name"]] = entry
        return found

    @cached_property
    def _levels(self) -> dict[str, dict[str, dict[str, Mapping[str, Json]]]]:
        return {}

    @cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        """Every parameter, by group and path."""
        from atlas.knowledge.parameter import parameter_of

        return tuple(parameter_of(group, entry) for (group, _), entry in self.entries.items())

    def at(self, group: str, path: str) -> Parameter | None:
        """The parameter with exactly this path in this group."""
        from atlas.knowledge.parameter import parameter_of

        entry = self.entries.get((group, path))
        return None if entry is None else parameter_of(group, entry)

    def parameter(self, name: str, group: str | None = None) -> Parameter:
        """The parameter of a path, a flag (`--max-num-seqs`), an alias or a name, the first group first.

        Raises InputError with the nearest names where there is none.
        """
        from atlas.knowledge.parameter import parameter_of

        wanted = name.lstrip("-").replace("-", "_") if name.startswith("-") else name
        best: tuple[int, str, Mapping[str, Json]] | None = None
        for (of, path), entry in self.entries.items():
            if group in (None, of) and (rank := _rank(entry, path, name, wanted)) is not None:
                if rank == 0:
                    return parameter_of(of, entry)
                if best is None or rank < best[0]:
                    best = (rank, of, entry)
        if best is None:
            raise InputError(
                f"{self.engine} {self.version} has no parameter `{name}`{self._near(wanted, group)}"
            )
        return parameter_of(best[1], best[2])

    def _near(self, name: str, group: str | None) -> str:
        from atlas.validation import nearest

        return nearest(name, sorted({path for of, path in self.entries if group in (None, of)}))

    # Rules.

    @cached_property
    def compact(self) -> Mapping[str, Any]:
        """`knowledge.json` as it is; IntegrityError where it was not made from what is beside it."""
        found = self._json(KNOWLEDGE)
        for name, digest in found["made_from"].items():
            path = self.folder / name
            if path.is_file() and checksum(path) != digest:
                raise IntegrityError(
                    f"was made from another {name} than the one beside it",
                    where=str(self.folder / KNOWLEDGE),
                    hint="build it: `atlas build`",
                )
        return found

    @cached_property
    def targets(self) -> tuple[Target, ...]:
        """The classes that rules are about."""
        return tuple(
            Target(
                cls=one["class"],
                group=one["group"],
                status=one["status"],
                converts=one["converts"],
                defaults=one["defaults"],
                types=one["types"],
                given=one.get("given", {}),
            )
            for one in self.compact["targets"]
        )

    def target(self, name: str) -> Target:
        """The target of that class, by its dotted name or by its last part where that is enough."""
        found = [one for one in self.targets if one.cls == name] or [
            one for one in self.targets if one.name == name
        ]
        if len(found) == 1:
            return found[0]
        from atlas.validation import nearest

        if found:
            raise InputError(
                f"`{name}` is the name of several classes: {', '.join(one.cls for one in found)}"
            )
        names = [name for one in self.targets for name in (one.cls, one.name)]
        raise InputError(f"no rules of {self.engine} {self.version} are about `{name}`{nearest(name, names)}")

    @cached_property
    def _rules(self) -> dict[str, tuple[Rule, ...]]:
        found: dict[str, list[Rule]] = {}
        for entry in self.compact["rules"]:
            found.setdefault(entry["target"], []).append(Rule(entry))
        return {target: tuple(rules) for target, rules in found.items()}

    def rules(self, target: str | None = None) -> tuple[Rule, ...]:
        """The rules about a class (dotted), those that nothing could prove too; of all classes if None."""
        if target is not None:
            return self._rules.get(target, ())
        return tuple(rule for rules in self._rules.values() for rule in rules)

    @property
    def families(self) -> Mapping[str, str]:
        """What makes a class that rules are about, or that values are handed to: pydantic, msgspec, …"""
        families: Mapping[str, str] = self.compact["families"]
        return families

    @cached_property
    def closed(self) -> frozenset[str]:
        """The classes that are known to refuse a name that they do not have, dotted."""
        return frozenset(self.compact["closed"])

    @property
    def serve(self) -> Mapping[str, Any] | None:
        """How this version is started and its command line read, if the engine's YAML says."""
        serve: Mapping[str, Any] | None = self.compact["serve"]
        return serve

    # Checking.

    def check(
        self, config: Mapping[str, Json], *, target: str | None = None, group: str | None = None
    ) -> Result:
        """What is wrong with keyword arguments, and what becomes of them, all at once.

        `target` is the class or function (in full or its last part) that they are for, `group` its group;
        without either, it is the one that has most of the keys.
        """
        result: Result = import_module(CHECKING).check_config(self, config, target, group)
        return result

    # Sources.

    @property
    def source_url(self) -> str | None:
        """The address of a line of the engine's sources, with {version}, {file} and {line}."""
        url: str | None = self.compact.get("source_url")
        return url

    def source_link(self, file: str, line: int) -> str | None:
        """Where that line can be read, if the engine's YAML says."""
        url = self.source_url
        return url.format(version=self.version, file=file, line=line) if url else None

    def _json(self, name: str) -> Mapping[str, Any]:
        path = self.folder / name
        try:
            found: Mapping[str, Any] = json.loads(path.read_bytes())
        except OSError as error:
            raise UnavailableError(
                f"cannot be read: {error.strerror}", where=str(path), hint="build it: `atlas build`"
            ) from error
        except ValueError as error:
            raise IntegrityError(f"is no JSON: {error}", where=str(path), hint="`git restore` it") from error
        return found


def checksum(path: Path) -> str:
    """Tells two versions of an artefact apart, in a tenth of the time that a digest takes to import."""
    found, buffer = 0, bytearray(1 << 16)
    with path.open("rb", buffering=0) as file:
        while size := file.readinto(buffer):
            found = crc32(memoryview(buffer)[:size], found)
    return f"crc32:{found:08x}"


def _rank(entry: Mapping[str, Json], path: str, name: str, wanted: str) -> int | None:
    """How well an entry answers to a name: 0 is best, None not at all."""
    if path in (name, wanted):
        return 0
    if name in (entry.get("cli_flag"), *entry.get("cli_flags", ())):
        return 1
    if wanted in entry.get("aliases", ()):
        return 2
    return 3 + path.count(".") if entry["name"] == wanted else None
