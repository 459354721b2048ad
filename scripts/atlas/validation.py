"""JSON Schema validation whose errors name the place in the file and the nearest valid name."""

from __future__ import annotations

import difflib
import functools
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from atlas.errors import InputError
from atlas.yamlfile import Document, Pointer

SCHEMA_DIR = Path(__file__).resolve().parents[2] / "config" / "schemas"


@functools.cache
def schema(name: str) -> dict[str, Any]:
    """The published schema `config/schemas/<name>.schema.json`."""
    file = SCHEMA_DIR / f"{name}.schema.json"
    loaded: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return loaded


@functools.cache
def _validator(name: str) -> Any:
    from jsonschema import Draft202012Validator

    return Draft202012Validator(schema(name))


def problems(document: Document, name: str) -> list[str]:
    """Every violation as `file:line:column: what`, in the order of the file."""
    found = []
    errors = _leaves(_validator(name).iter_errors(document.value))
    for pointer, text in (explained for error in errors for explained in _explain(error)):
        found.append((document.positions.get(pointer, (0, 0)), f"{document.where(pointer)}: {text}"))
    return [text for _, text in sorted(set(found))]


def check(document: Document, name: str) -> None:
    """Raise InputError that lists all violations of schema `name`."""
    found = problems(document, name)
    if found:
        first, _, rest = found[0].partition(": ")
        more = "".join(f"\n{line}" for line in found[1:])
        raise InputError(rest + more, where=first, hint=f"the format is config/schemas/{name}.schema.json")


def _leaves(errors: Iterable[Any]) -> Iterable[Any]:
    """Of an anyOf/oneOf failure, the branch that came nearest."""
    for error in errors:
        if error.validator in ("anyOf", "oneOf") and error.context:
            branches: dict[int, list[Any]] = {}
            for inner in error.context:
                branches.setdefault(inner.schema_path[0], []).append(inner)
            depth = {index: max(len(e.absolute_path) for e in inner) for index, inner in branches.items()}
            best = max(branches, key=lambda index: (depth[index], -len(branches[index]), -index))
            if depth[best] > len(error.absolute_path):
                yield from _leaves(branches[best])
                continue
        yield error


def _explain(error: Any) -> list[tuple[Pointer, str]]:
    pointer = tuple(error.absolute_path)
    name = f"`{pointer[-1]}`" if pointer else "the file"
    if error.validator == "additionalProperties" and isinstance(error.instance, dict):
        known = sorted(error.schema.get("properties", {}))
        unknown = [key for key in error.instance if key not in known]
        return [((*pointer, key), f"unknown key `{key}`{nearest(key, known)}") for key in unknown]
    if error.validator == "required":
        missing = error.message.split("'")[1]
        return [(pointer, f"{name} lacks the key `{missing}`")]
    if error.validator == "enum":
        shown = ", ".join(map(json.dumps, error.validator_value))
        near = nearest(str(error.instance), map(str, error.validator_value))
        return [(pointer, f"{name} is {json.dumps(error.instance)}, not one of {shown}{near}")]
    if error.validator == "type":
        types = error.validator_value
        wanted = types if isinstance(types, str) else " or ".join(types)
        quote = wanted == "string" and isinstance(error.instance, int | float)
        hint = f': write it in quotes, "{error.instance}"' if quote else ""
        return [(pointer, f"{name} is {_kind(error.instance)}, not {wanted}{hint}")]
    if error.validator == "pattern" and "description" in error.schema:
        return [(pointer, f"{name} is {json.dumps(error.instance)}, not {error.schema['description']}")]
    return [(pointer, f"{name}: {error.message}")]


def _kind(value: Any) -> str:
    kinds = {bool: "a boolean", int: "an integer", float: "a number", str: "a string", list: "a list"}
    return "null" if value is None else kinds.get(type(value), "a mapping")


def nearest(name: str, known: Iterable[str]) -> str:
    """` (did you mean …?)`, or the names there are when none is near and they are few."""
    names = list(known)
    close = difflib.get_close_matches(name, names, n=3, cutoff=0.6)
    if close:
        return f" (did you mean {' or '.join(f'`{c}`' for c in close)}?)"
    return f" (known: {', '.join(names)})" if 0 < len(names) <= 20 else ""
