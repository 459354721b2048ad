"""How an engine is measured: the optional `perf` section of its YAML, as far as one version goes.

Apart from `atlas.engines.model`, so that nothing that is built from a cell depends on it.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from atlas.engines.load import applicable, engine_names
from atlas.errors import InputError
from atlas.perf.cards import Card
from atlas.validation import check, nearest
from atlas.yamlfile import Document, load_yaml


def load_perf(root: Path, engine: str, version: str) -> dict[str, Any] | None:
    """The entry that holds for a version; None where it cannot be measured. InputError with file and line."""
    path = root / "engine_versions" / f"{engine}.yaml"
    document = load_yaml(path, f"{path.parent.name}/{path.name}")
    section = (document.value or {}).get("perf")
    if section is None:
        return None
    places = {at[1:]: place for at, place in document.positions.items() if at[:1] == ("perf",)}
    part = Document(document.name, section, places)
    check(part, "perf.engine")
    found = next(applicable(part, ("runs",), version), None)
    return {name: value for name, value in found.items() if name != "versions"} if found else None


def measurable(root: Path) -> list[str]:
    """The engines whose YAML says how they are measured."""
    found = []
    for name in engine_names(root):
        document = load_yaml(root / "engine_versions" / f"{name}.yaml", f"engine_versions/{name}.yaml")
        if isinstance(document.value, dict) and document.value.get("perf"):
            found.append(name)
    return found


def request_of(spec: dict[str, Any], card: Card, model: str, engine: str) -> dict[str, Any]:
    """What the driver is asked. InputError where the engine cannot do what the card wants."""
    values = translated(spec, card, engine)
    tree = {name: value for name, value in spec.items() if name not in ("parameters", "env", "gpu")}
    size = int(card.parameters.get("batch_size", 1))
    prompts = random_prompts(card)
    warm = random_prompts(card, warm=True)
    return {
        "spec": _filled(tree, values, model),
        "output_tokens": card.dataset["output_tokens"],
        "batches": [prompts[at : at + size] for at in range(0, len(prompts), size)],
        "warmup": [warm[at : at + size] for at in range(0, len(warm), size)],
    }


def translated(spec: dict[str, Any], card: Card, engine: str) -> dict[str, Any]:
    """The card's parameters in the engine's words."""
    known = spec["parameters"]
    found = {}
    for name, value in card.parameters.items():
        if name not in known:
            what = f"{engine} has no parameter `{name}` of cards{nearest(name, known)}"
            raise InputError(what, where=card.where)
        words = known[name]
        if words is not True and str(value) not in words:
            what = f"`{name}` of {engine} cannot be {value!r}{nearest(str(value), words)}"
            raise InputError(what, where=card.where)
        found[name] = value if words is True else words[str(value)]
    return found


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
