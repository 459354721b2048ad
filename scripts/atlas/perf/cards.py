"""Workload cards: what is measured, read from config/workloads/*.yaml; the name of a file is a scope."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from atlas.canonical import digest
from atlas.errors import InputError
from atlas.perf.nodes import check_launched
from atlas.perf.tools import check_tools
from atlas.validation import check, nearest
from atlas.yamlfile import Document, Pointer, load_yaml

FOLDER = "config/workloads"
UNSEEN = ("name", "description", "tags", "engines", "repeats", "owner", "timeout_s")
"""Keys that do not change what one run measures."""
OFFLINE = "offline"
"""The mode in which the harness asks the engine in its own process; in others, the engine's tools measure."""
DIRECT = "direct"
"""The launcher of cards that are run on this machine alone."""
SPREAD = ("reduce", "arguments")
"""Keys of launched cards, which others do not have in their digest."""
TIMED = "token_times"
DATASET = {"requests": 16, "input_tokens": 64, "output_tokens": 64, "seed": 0}


@dataclass(frozen=True)
class Card:
    """One workload. `parameters` go by names that each engine's YAML translates."""

    name: str
    scope: str
    tags: tuple[str, ...]
    where: str
    """`file:line` of it."""
    engines: tuple[str, ...] | None = None
    description: str = ""
    model: dict[str, Any] | None = None
    mode: str = OFFLINE
    token_times: bool = True
    """Whether the engine is to tell of each token when it comes, as far as it can; that may cost speed."""
    dataset: dict[str, int] = field(default_factory=lambda: dict(DATASET))
    parameters: dict[str, Any] = field(default_factory=dict)
    command: tuple[str, ...] = ()
    repeats: int = 5
    warmup: int = 0
    timeout_s: float = 1800
    launcher: str = DIRECT
    nnodes: int = 1
    gpus_per_node: int = 0
    env: dict[str, str] = field(default_factory=dict)
    data: str | None = None
    multiple_results: str | None = None
    log_error_pattern_scan: bool = True
    log_error_patterns: tuple[str, ...] | None = None
    log_error_benign_patterns: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    resources: dict[str, int] = field(default_factory=dict)
    training_precision: str = ""
    owner: str = ""
    reduce: dict[str, str] = field(default_factory=dict)
    """Of a card that a launcher starts: how what its nodes report of each metric becomes one value."""
    arguments: tuple[str, ...] = ()
    """Of a server that a launcher starts, beside its own."""

    @property
    def launched(self) -> bool:
        return self.launcher != DIRECT

    def workload(self) -> dict[str, Any]:
        """All that decides what one run measures, as JSON."""
        left_out = {*UNSEEN, "scope", "where", *(name for name in SPREAD if not getattr(self, name))}
        if self.mode == OFFLINE:
            left_out.add("mode")  # as it was before there were others
        if self.token_times:
            left_out.add("token_times")  # the same
        plain = {name: value for name, value in vars(self).items() if name not in left_out}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in plain.items()}

    def digest(self) -> str:
        return digest(self.workload())

    def fits(self, engine: str) -> bool:
        return self.engines is None or engine in self.engines

    def with_parameter(self, name: str, value: Any) -> Card:
        """The card with one parameter, a key of its dataset or `token_times` set otherwise.

        InputError where it has none.
        """
        if name == TIMED:
            if not isinstance(value, bool):
                raise InputError(f"`{name}` is true or false, not {value!r}", where=self.where)
            _check_timed(vars(self), self.where)
            return replace(self, token_times=value)
        if name in self.parameters:
            return replace(self, parameters={**self.parameters, name: value})
        if name in self.dataset:
            if isinstance(value, bool) or not isinstance(value, int) or value < (name != "seed"):
                raise InputError(f"`{name}` is to be a whole number, not {value!r}", where=self.where)
            return replace(self, dataset={**self.dataset, name: value})
        known = [*self.parameters, *self.dataset, TIMED]
        raise InputError(f"{self.name} has no parameter `{name}`{nearest(name, known)}", where=self.where)


def load_cards(root: Path) -> list[Card]:
    """All cards, by scope and in the order of their files.

    InputError with file and line for whatever is wrong with one.
    """
    cards: dict[str, Card] = {}
    for path in sorted((root / FOLDER).glob("*.yaml")):
        document = load_yaml(path, f"{FOLDER}/{path.name}")
        check(document, "workloads")
        for index, entry in enumerate(document.value["cards"]):
            card = _card(document, ("cards", index), entry, path.stem, root)
            if card.name in cards:
                where = document.where(("cards", index, "name"))
                first = cards[card.name].where
                raise InputError(f"there is a card `{card.name}` already, in {first}", where=where)
            cards[card.name] = card
    return list(cards.values())


def _card(document: Document, pointer: Pointer, entry: dict[str, Any], scope: str, root: Path) -> Card:
    where = document.where((*pointer, "name")).rpartition(":")[0]
    if entry.get("launcher", DIRECT) != DIRECT:
        check_launched(entry, root, where)
    elif ("command" in entry) == ("model" in entry):
        raise InputError(f"`{entry['name']}` needs either a `model` or a `command`", where=where)
    elif set(entry) & {*SPREAD} or entry.get("nnodes", 1) > 1:
        raise InputError(f"`{entry['name']}` is for nodes, and has no `launcher`", where=where)
    _check_served(entry, where)
    if "multiple_results" in entry and "command" not in entry:
        raise InputError(f"`{entry['name']}`: only a `command` writes multiple_results", where=where)
    if "mode" in entry and "command" in entry:
        raise InputError(f"`{entry['name']}`: a `command` measures by itself, and has no `mode`", where=where)
    if TIMED in entry:
        _check_timed(entry, where)
    if ".." in entry.get("multiple_results", "").split("/"):
        raise InputError("multiple_results is to be inside the run's folder", where=where)
    if entry["name"] in entry["tags"] or "all" in (entry["name"], *entry["tags"]):
        raise InputError("`all` and the card's own name cannot be tags or names beside it", where=where)
    _check_model(document, (*pointer, "model", "synthetic"), (entry.get("model") or {}).get("synthetic"))
    check_tools(entry.get("tools", ()), where)
    lists = (
        *("tags", "engines", "command", "arguments", "tools"),
        *("log_error_patterns", "log_error_benign_patterns"),
    )
    values: dict[str, Any] = {key: tuple(value) if key in lists else value for key, value in entry.items()}
    values["dataset"] = {**DATASET, **values.get("dataset", {})}
    return Card(scope=scope, where=where, **values)


def _check_timed(entry: Mapping[str, Any], where: str) -> None:
    """InputError where it is not the harness that measures."""
    usual = {"command": (), "launcher": DIRECT, "mode": OFFLINE}
    for name, value in usual.items():
        if entry.get(name, value) != value:
            what = f"`{entry['name']}`: its `{name}` says what measures, and only the harness has `{TIMED}`"
            raise InputError(what, where=where)


def _check_served(entry: Mapping[str, Any], where: str) -> None:
    """InputError where a launcher would start a server of another model than the card's revision of it."""
    revision = entry.get("model", {}).get("revision")
    launched = entry.get("launcher", DIRECT) != DIRECT
    if launched and revision and not any(revision in word for word in entry.get("arguments", ())):
        what = f"`{entry['name']}`: what a launcher starts takes its model's revision in `arguments`"
        raise InputError(what, where=where, hint=f"such as [--revision, {revision}]")


def _check_model(document: Document, pointer: Pointer, spec: dict[str, Any] | None) -> None:
    if spec is None:
        return
    heads, key_heads = spec["heads"], spec.get("kv_heads", spec["heads"])
    if spec["hidden_size"] % (2 * heads):
        what = f"hidden_size {spec['hidden_size']} does not divide into {heads} heads of an even size"
        raise InputError(what, where=document.where((*pointer, "hidden_size")))
    if heads % key_heads:
        what = f"{heads} heads do not divide into {key_heads} groups"
        raise InputError(what, where=document.where((*pointer, "kv_heads")))
