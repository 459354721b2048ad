"""The facts of one version in the form that versions are compared in: by subject and aspect.

A parameter's facts are the keys of its entry in schema.discovered.json, each in one *aspect*, so that all of
them are accounted for. A rule's are those of its entry that say what it says, not how it was proven.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias

from atlas.knowledge import Knowledge, Target

Json: TypeAlias = Any
Key: TypeAlias = tuple[str, str]
"""Group and path of a parameter."""

ASPECTS: Mapping[str, tuple[str, ...]] = {
    "type": ("type", "enum", "open", "constraints"),
    "default": ("default_kind", "default"),
    "default_text": ("default_text",),
    "effective_default": ("effective_default",),
    "deprecated": ("deprecated",),
    "flags": ("cli_flag", "cli_flags"),
    "aliases": ("aliases",),
    "env": ("env",),
    "access": ("private", "readonly"),
    "description": ("description",),
    "written": ("annotation", "display"),
    "place": ("evidence",),
}
"""Aspects by name, with the keys that they are made of. All other keys are `origin`."""
_PACKAGES = re.compile(r"No module named|\bnot installed\b|\bpip install\b|is not available\. Please", re.I)
"""Messages about the machine that a rule was proven on, where nothing else says so."""
RULE_FACTS = ("target", "severity", "depth", "when", "effect", "message", "requires")
KNOWN = {key for keys in ASPECTS.values() for key in keys}


def aspects_of(entry: Mapping[str, Json]) -> dict[str, dict[str, Json]]:
    """The entry's facts by aspect; what it has nothing of is left out."""
    found: dict[str, dict[str, Json]] = {}
    for name, keys in ASPECTS.items():
        held = {key: entry[key] for key in keys if key in entry}
        if held:
            found[name] = held
    rest = {key: value for key, value in entry.items() if key not in KNOWN and key not in ("path", "name")}
    if rest:
        found["origin"] = rest
    return found


@dataclass(frozen=True)
class ProvenRule:
    """A rule that the running engine confirmed, with configurations that were tried on it."""

    id: str
    facts: Mapping[str, Json]
    triggers: tuple[Mapping[str, Json], ...] = ()
    passes: tuple[Mapping[str, Json], ...] = ()
    where: str | None = None
    origins: tuple[str, ...] = ()

    @property
    def target(self) -> str:
        return str(self.facts["target"])

    @property
    def severity(self) -> str:
        return str(self.facts["severity"])

    def speaks_for(self, config: Mapping[str, Json]) -> bool:
        """Whether it is evidence for a configuration: one that was tried, or any where it was read.

        What was only learned from samples may be right for all of them, and wrong for a value that none had.
        """
        return self.origins != ("live",) or any(dict(config) == dict(one) for one in self.triggers)

    @property
    def requires(self) -> tuple[str, ...]:
        """What it depends on beside the configuration."""
        needs = tuple(self.facts.get("requires", ()))
        if not needs and _PACKAGES.search(str(self.facts.get("message") or "")):
            return ("the packages that are installed",)
        return needs


@dataclass(frozen=True)
class Facts:
    """Everything that one version's artefacts say, as far as versions are compared by it."""

    engine: str
    version: str
    schema: Mapping[str, Json]
    rules: Mapping[str, ProvenRule] = field(default_factory=dict)
    targets: tuple[Target, ...] = ()
    bases: Mapping[str, Mapping[str, Json]] = field(default_factory=dict)
    """By class, values for the fields that must be given, as they were when its rules were proven."""
    negations: frozenset[str] = frozenset()
    """Groups whose flags can be denied by `--no-flag`, whether or not the parser lists that."""
    trusted: Mapping[str, float] = field(default_factory=dict)
    """By class, the share of configurations which really are accepted, of those that no rule rejects."""

    @cached_property
    def entries(self) -> dict[Key, Mapping[str, Json]]:
        """The parameters as listed."""
        return {(group, one["path"]): one for group in self.groups for one in self.schema[group]}

    @property
    def groups(self) -> tuple[str, ...]:
        return tuple(self.schema["roots"])

    @cached_property
    def shared(self) -> dict[Key, Key]:
        """Parameters that are listed once for several roots (`also_in`): the other name → the listed one."""
        found: dict[Key, Key] = {}
        for (group, path), entry in self.entries.items():
            for root in entry.get("also_in", ()):
                prefix = self.prefixes.get((group, root)) or root.rpartition(".")[2]
                found[group, f"{prefix}.{entry['name']}"] = (group, path)
        return found

    @cached_property
    def prefixes(self) -> dict[Key, str]:
        """What the paths of a root begin with, by group and the root's name."""
        return {
            (group, root["name"]): root["prefix"]
            for group in self.groups
            for root in self.schema["roots"][group]
        }

    def reached(self, key: Key, steps: int = 8) -> Key | None:
        """The listed parameter that a path leads to, through classes listed elsewhere (`same_as`)."""
        if key in self.entries:
            return key
        if key in self.shared:
            return self.shared[key]
        group, path = key
        for end in range(len(path) - 1, 0, -1):
            if path[end] != ".":
                continue
            holder = self.entries.get((group, path[:end]))
            if holder is None:
                continue
            if "same_as" not in holder or not steps:
                return None
            at_group, _, at = holder["same_as"].partition(":")
            rest = path[end + 1 :]
            return self.reached((at_group, rest if at == "." else f"{at}.{rest}"), steps - 1)
        return None

    @cached_property
    def members(self) -> dict[str, dict[str, Mapping[str, Json]]]:
        """The own parameters of each class that is configured, by name."""
        found: dict[str, dict[str, Mapping[str, Json]]] = {}
        for (group, path), entry in self.entries.items():
            prefix = self.prefixes.get((group, entry["root"]), "")
            inside = path.removeprefix(f"{prefix}.") if prefix else path
            for cls in self._classes_of(group, path, inside, entry):
                found.setdefault(cls, {})[entry["name"]] = entry
            for root in entry.get("also_in", ()):
                found.setdefault(root, {})[entry["name"]] = entry
        return found

    def _classes_of(self, group: str, path: str, inside: str, entry: Mapping[str, Json]) -> Iterator[str]:
        if "." not in inside:
            yield entry["root"]
            return
        holder = self.entries.get((group, path.rpartition(".")[0]))
        if holder is not None:
            yield from held_classes(holder["type"])

    def where(self, key: Key) -> str | None:
        """`file:line` of a listed parameter."""
        entry = self.entries.get(key)
        return place_of(entry) if entry else None


def place_of(entry: Mapping[str, Json]) -> str | None:
    for one in entry["evidence"]:
        if one.get("file"):
            return f"{one['file']}:{one['line']}" if one.get("line") else str(one["file"])
    return None


def held_classes(fragment: Mapping[str, Json]) -> set[str]:
    """The classes whose objects a type takes."""
    options = [fragment, *fragment.get("anyOf", ())]
    kinds = ("object", ["object", "null"])
    return {one["x-python-type"] for one in options if "x-python-type" in one and one.get("type") in kinds}


def lanes_of(entry: Mapping[str, Json]) -> tuple[str, ...]:
    return tuple(one["lane"] for one in entry["evidence"])


def parameters_of(knowledge: Knowledge) -> Facts:
    """The facts of a version but for its rules, which takes a fraction of the time."""
    return Facts(knowledge.engine, knowledge.version, knowledge.schema, negations=_negations(knowledge))


def facts_of(knowledge: Knowledge) -> Facts:
    """The facts of a version; without rules where its invariants are not built."""
    targets: tuple[Target, ...] = ()
    rules: dict[str, ProvenRule] = {}
    bases: dict[str, Mapping[str, Json]] = {}
    if knowledge.in_full and (knowledge.folder / "knowledge.json").is_file():
        targets = knowledge.targets
        document = _invariants(knowledge)
        entries = document["rules"] if document else knowledge.compact["rules"]
        rules = {one["id"]: _rule(one) for one in entries if one.get("proven", True)}
        bases = {one["class"]: one.get("base", {}) for one in (document or {}).get("targets", ())}
    return Facts(
        engine=knowledge.engine,
        version=knowledge.version,
        schema=knowledge.schema,
        rules=rules,
        targets=targets,
        bases=bases,
        negations=_negations(knowledge),
        trusted=dict(_trusted(knowledge)) if knowledge.in_full else {},
    )


def _negations(knowledge: Knowledge) -> frozenset[str]:
    if knowledge.in_full and not (knowledge.folder / "knowledge.json").is_file():
        return frozenset()
    serve = knowledge.serve
    return frozenset({serve["group"]} if serve and serve.get("negations") else ())


def _trusted(knowledge: Knowledge) -> Iterator[tuple[str, float]]:
    """From the sample that the rules were measured on in the end (invariants.coverage.json)."""
    with contextlib.suppress(OSError):
        content = (knowledge.folder / "invariants.coverage.json").read_bytes()
        for one in json.loads(content)["targets"]:
            sample = one.get("sample")
            if sample and sample["accepted"]:
                missed = sample["rejected"] - sample["rejections_found"]
                yield one["class"], sample["accepted"] / (sample["accepted"] + missed)


def _invariants(knowledge: Knowledge) -> Mapping[str, Any] | None:
    """invariants.yaml, which has more witnesses than the compact file; None where only that is there."""
    path = knowledge.folder / "invariants.yaml"
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    with contextlib.suppress(OSError):
        found: Mapping[str, Any] = yaml.load(path.read_bytes(), Loader=loader)  # noqa: S506 (a safe loader)
        return found
    return None


def _rule(entry: Mapping[str, Json]) -> ProvenRule:
    witness = entry.get("witness") or {
        name: [entry[name]] for name in ("triggers", "passes") if entry.get(name) is not None
    }
    evidence = entry.get("evidence", entry)
    return ProvenRule(
        id=entry["id"],
        facts={key: entry[key] for key in RULE_FACTS if key in entry},
        triggers=tuple(witness.get("triggers", ())),
        passes=tuple(witness.get("passes", ())),
        origins=tuple(evidence.get("origins", ())),
        where=f"{evidence['file']}:{evidence['line']}" if evidence.get("file") else None,
    )


__all__ = ["Facts", "Key", "ProvenRule", "aspects_of", "facts_of", "held_classes", "lanes_of"]
