"""How an engine is measured: the optional `perf` section of its YAML, as far as one version goes.

Apart from `atlas.engines.model`, so that nothing that is built from a cell depends on it.
"""

from __future__ import annotations

import functools
import random
from pathlib import Path
from typing import Any

from packaging.version import InvalidVersion, Version

from atlas.engines.load import applicable, engine_names
from atlas.errors import AtlasError, InputError
from atlas.perf.cards import OFFLINE, Card
from atlas.perf.commands import REVISION, check_commands, places_in, places_of
from atlas.validation import check, nearest
from atlas.yamlfile import Document, load_yaml

ONLY = "engine_versions/perf"
"""Where engines are that are measured, and of which nothing else is known."""
SIZE = "batch_size"
"""The parameter of cards that says how many requests are one batch."""
STREAMER = "streamer"
TOLD = ("stream", "told")
"""What calls of that protocol get to tell of tokens."""
APART = ("parameters", "env", "gpu", "environment", "convert", "bench")
"""What an entry says that is not for the driver in the engine's own process."""


def load_perf(root: Path, engine: str, version: str) -> dict[str, Any] | None:
    """The entry that holds for a version; None where it cannot be measured. InputError with file and line."""
    part = _section(root, engine)
    if part is None:
        return None
    found = next(applicable(part, ("runs",), version), None)
    if found is None:
        return None
    if part.name.startswith(ONLY) and "environment" not in found:
        where = part.where(("runs", part.value["runs"].index(found)))
        raise InputError("an engine that is only measured needs an `environment` in each entry", where=where)
    return {name: value for name, value in found.items() if name != "versions"}


def _document(root: Path, engine: str) -> Document:
    """An engine's YAML; that of one that is only measured is valid."""
    name = yaml_of(engine, root)
    return _parsed(root, name, engine, _stamp(root / name))


def _section(root: Path, engine: str) -> Document | None:
    """Its `perf` section, which is valid."""
    name = yaml_of(engine, root)
    return _checked(root, name, engine, _stamp(root / name))


def _stamp(path: Path) -> tuple[int, int]:
    """Another one when the file has changed; it is read once for all versions until then."""
    try:
        stat = path.stat()
    except OSError:
        return 0, 0
    return stat.st_mtime_ns, stat.st_size


@functools.lru_cache(maxsize=64)
def _parsed(root: Path, name: str, engine: str, _: tuple[int, int]) -> Document:
    document = load_yaml(root / name, name)
    if name.startswith(ONLY):
        check(document, "perf.only")
        if document.value["engine"] != engine:
            what = f"engine is `{document.value['engine']}` but the file is called {engine}.yaml"
            raise InputError(what, where=document.where(("engine",)))
    return document


@functools.lru_cache(maxsize=64)
def _checked(root: Path, name: str, engine: str, stamp: tuple[int, int]) -> Document | None:
    document = _parsed(root, name, engine, stamp)
    section = (document.value or {}).get("perf")
    if section is None:
        return None
    places = {at[1:]: place for at, place in document.positions.items() if at[:1] == ("perf",)}
    part = Document(document.name, section, places)
    check(part, "perf.engine")
    check_commands(part)
    return part


def yaml_of(engine: str, root: Path) -> str:
    """Where an engine's YAML is, relative to the project."""
    return f"{'engine_versions' if engine in engine_names(root) else ONLY}/{engine}.yaml"


def perf_engines(root: Path) -> dict[str, list[str]]:
    """The engines whose YAML has a `perf` section, and their versions, oldest first.

    Of engines whose YAML cannot be used there are none: other stages tell that.
    """
    found = {}
    only = sorted(path.stem for path in (root / ONLY).glob("*.yaml"))
    for name in [*engine_names(root), *(name for name in only if name not in engine_names(root))]:
        try:
            value = _document(root, name).value
            if value.get("perf"):
                library = value["library"]
                versions = {library["current_version"], *library.get("versions", ())}
                found[name] = sorted(versions, key=Version)
        except (AtlasError, AttributeError, KeyError, TypeError, InvalidVersion):
            continue
    return found


def request_of(spec: dict[str, Any], card: Card, model: str, engine: str) -> dict[str, Any]:
    """What the driver is asked. InputError where the engine cannot do what the card wants."""
    values = {**translated(spec, card, engine), **revision_of(card)}
    tree = {name: value for name, value in spec.items() if name not in APART}
    size = int(card.parameters.get(SIZE, 1))
    prompts = random_prompts(card)
    warm = random_prompts(card, warm=True)
    return {
        "spec": _filled(tree, values, model),
        "output_tokens": card.dataset["output_tokens"],
        "token_times": card.token_times,
        "batches": [prompts[at : at + size] for at in range(0, len(prompts), size)],
        "warmup": [warm[at : at + size] for at in range(0, len(warm), size)],
    }


def translated(spec: dict[str, Any], card: Card, engine: str) -> dict[str, Any]:
    """The card's parameters in the engine's words. InputError where it cannot do what the card wants."""
    tool = _by(spec, card, engine)
    known = {**spec["parameters"], **tool.get("parameters", {})}
    if tool:  # what none of its commands has a place for would change nothing
        places = places_of(tool)
        sized = places & {"batches", "warmup_batches"}
        known = {name: one for name, one in known.items() if name in places or (name == SIZE and sized)}
    found = {}
    for name, value in card.parameters.items():
        if name not in known:
            by = f" in the mode `{card.mode}`" if tool else ""
            what = f"{engine} has no parameter `{name}` of cards{by}{nearest(name, known)}"
            raise InputError(what, where=card.where)
        words = known[name]
        if words is not True and str(value) not in words:
            what = f"`{name}` of {engine} cannot be {value!r}{nearest(str(value), words)}"
            raise InputError(what, where=card.where)
        found[name] = value if words is True else words[str(value)]
    _check_revision(spec, tool, card, engine)
    return found


def revision_of(card: Card) -> dict[str, str]:
    """Which of a hub's versions of its model a card wants, by the name that places have for it."""
    revision = (card.model or {}).get("revision")
    return {REVISION: revision} if revision else {}


def _check_revision(spec: dict[str, Any], tool: dict[str, Any], card: Card, engine: str) -> None:
    """InputError where it would not get to what loads the model, which then were another one."""
    if card.command or not revision_of(card):
        return
    if "convert" in spec:
        takes = REVISION in places_in(spec["convert"]["command"])
    else:
        takes = REVISION in places_of(tool) if tool else _asks(spec["load"])
    if not takes:
        what = f"the YAML of {engine} does not say what takes the `{REVISION}` of a hub's model"
        raise InputError(what, where=card.where)


def _asks(tree: Any) -> bool:
    if isinstance(tree, dict):
        return tree == {"parameter": REVISION} or any(map(_asks, tree.values()))
    return isinstance(tree, list) and any(map(_asks, tree))


def _by(spec: dict[str, Any], card: Card, engine: str) -> dict[str, Any]:
    """The tool of the engine's own that a card is measured by; nothing where the harness does that."""
    tools: dict[str, Any] = spec.get("bench", {})
    if card.mode != OFFLINE and card.mode in tools:
        return dict(tools[card.mode])
    if card.mode == OFFLINE and "protocol" in spec:
        _check_tokens(spec, card, engine)
        return {}
    modes = ", ".join(f"`{one}`" for one in [*([OFFLINE] if "protocol" in spec else []), *tools])
    raise InputError(f"{engine} is measured in the mode {modes} alone", where=card.where)


def _check_tokens(spec: dict[str, Any], card: Card, engine: str) -> None:
    """InputError where the engine's YAML has no way to what the card wants to know of tokens."""
    if card.command or spec["protocol"] != STREAMER:
        return
    if card.token_times and not _tells([spec["generate"], spec.get("request")]):
        what = f"{engine} does not tell when tokens come: cards for it have `token_times: false`"
        raise InputError(what, where=card.where)
    if not card.token_times and "output" not in spec:
        what = f"the YAML of {engine} has no `output`, which cards with `token_times: false` need"
        raise InputError(what, where=card.where)


def _tells(tree: Any) -> bool:
    """Whether a call gets what is told of tokens."""
    if isinstance(tree, dict):
        return tree.get("ref") in TOLD or any(map(_tells, tree.values()))
    return isinstance(tree, list) and any(map(_tells, tree))


def relevant(spec: dict[str, Any], mode: str) -> dict[str, Any]:
    """What of an entry decides how a card of this mode is measured."""
    if mode == OFFLINE:
        return {name: value for name, value in spec.items() if name != "bench"}
    kept = {name: spec[name] for name in APART if name in spec}
    return {**kept, "bench": spec.get("bench", {}).get(mode)}


def random_prompts(card: Card, *, warm: bool = False) -> list[list[int]]:
    """Prompts of random tokens: each another, as a cache of prefixes must not help; the same each time."""
    vocabulary = ((card.model or {}).get("synthetic") or {}).get("vocabulary", 1000)
    source = random.Random(f"{card.dataset['seed']} {'warm' if warm else 'measured'}")
    count = card.warmup if warm else card.dataset["requests"]
    length = card.dataset["input_tokens"]
    return [[source.randrange(3, vocabulary) for _ in range(length)] for _ in range(count)]


def _filled(tree: Any, values: dict[str, Any], model: str) -> Any:
    """The tree with `{parameter: name}` and `{model}` put in; a keyword without a value is left out."""
    if isinstance(tree, dict):
        if tree.keys() == {"parameter"}:
            return values[tree["parameter"]]
        return {
            name: _filled(value, values, model)
            for name, value in tree.items()
            if not (isinstance(value, dict) and value.keys() == {"parameter"}) or value["parameter"] in values
        }
    if isinstance(tree, list):
        return [_filled(item, values, model) for item in tree]
    return tree.replace("{model}", model) if isinstance(tree, str) else tree
