"""Facts in words: values as Python writes them, limits as inequalities, reasons as sentences."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from atlas.schema.codes import NOT_RUN

Json: TypeAlias = Any

LIMITS = (
    ("minimum", "≥ {}"),
    ("exclusiveMinimum", "> {}"),
    ("maximum", "≤ {}"),
    ("exclusiveMaximum", "< {}"),
    ("multipleOf", "multiple of {}"),
    ("minLength", "length ≥ {}"),
    ("maxLength", "length ≤ {}"),
    ("minItems", "≥ {} items"),
    ("maxItems", "≤ {} items"),
    ("pattern", "matches {}"),
)
STATIC_ONLY = {
    "kwargs": "It is read from **kwargs, which no class or signature shows.",
    "docstring": "Only the documentation names it.",
    "init_attribute": "It is an attribute set by __init__, which no signature shows.",
    "class_not_live": "The live lane did not reach its class.",
    "unexplained": "The live lane saw its class without it; why is not known.",
}
# A Literal with its values, as types are displayed: strings may hold brackets.
LITERAL = re.compile(r"""Literal\[(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[^\]'"])*\]""")


def value(item: Json) -> str:
    """A JSON value as Python writes it, with double quotes."""
    if item is None or isinstance(item, bool):
        return str(item)
    if isinstance(item, str):
        return json.dumps(item, ensure_ascii=False)
    if isinstance(item, list):
        return "[" + ", ".join(map(value, item)) + "]"
    if isinstance(item, dict):
        return "{" + ", ".join(f"{value(key)}: {value(item[key])}" for key in item) + "}"
    return str(item)


def type_name(entry: Mapping[str, Json]) -> str | None:
    """The type as Python writes it; the values of a Literal are left to `enum_values`."""
    shown = entry.get("display")
    if shown in (None, "", "unknown"):
        return None
    return LITERAL.sub("Literal", shown) if entry.get("enum") else str(shown)


def enum_values(entry: Mapping[str, Json]) -> list[str] | None:
    """The values that are listed for a parameter."""
    return [value(item) for item in entry["enum"]] if entry.get("enum") else None


def limits(entry: Mapping[str, Json]) -> str | None:
    """The limits of a parameter, and of the items of a list, as inequalities."""
    found: dict[str, None] = {}
    for branch in [*_branches(entry.get("type") or {}), entry.get("constraints") or {}]:
        found.update(dict.fromkeys(_inequalities(branch)))
        if isinstance(branch.get("items"), dict):
            found.update(dict.fromkeys(f"items {text}" for text in _inequalities(branch["items"])))
    return ", ".join(found) or None


def _branches(schema: Mapping[str, Json]) -> Iterator[Mapping[str, Json]]:
    """The alternatives of a type. A tuple's length is part of its type, and no limit."""
    if "anyOf" in schema:
        for member in schema["anyOf"]:
            yield from _branches(member)
    elif "prefixItems" not in schema:
        yield schema


def _inequalities(schema: Mapping[str, Json]) -> list[str]:
    return [template.format(schema[key]) for key, template in LIMITS if key in schema]


def default(entry: Mapping[str, Json]) -> str | None:
    """A default as text: its value, else as written; None where there is none or it is not known."""
    if entry["default_kind"] in ("required", "unknown"):
        return None
    return value(entry["default"]) if "default" in entry else entry.get("default_text")


def default_text(entry: Mapping[str, Json]) -> str | None:
    """How a default is written in the source, where its value is known besides."""
    return entry.get("default_text") if "default" in entry else None


def effective(found: Mapping[str, Json] | None) -> dict[str, str] | None:
    """What the engine makes of the parameter when nothing is set, and on which platform."""
    if found is None:
        return None
    return {"text": value(found["value"]), "platform": str(found.get("platform") or "")}


def deprecated(found: Mapping[str, Json] | None) -> str | None:
    """A deprecation in sentences."""
    if found is None:
        return None
    words = [
        f"Deprecated since {found['since']}." if found.get("since") else "Deprecated.",
        found.get("message"),
        f"Use {found['replacement']} instead." if found.get("replacement") else None,
    ]
    return " ".join(word for word in words if word)


def applies_to(found: Mapping[str, Json] | None) -> str | None:
    """Where a parameter counts, as `backend: x; platform: y`."""
    pairs = [(key, [said] if isinstance(said, str) else said) for key, said in (found or {}).items()]
    return "; ".join(f"{key}: {', '.join(said)}" for key, said in pairs if said) or None


def disagreement(found: list[Mapping[str, Json]] | None) -> list[dict[str, str]] | None:
    """What the lanes say differently: a list of {what, static, live}."""
    return [
        {"what": item["fact"], "static": _said(item.get("static")), "live": _said(item.get("live"))}
        for item in found or ()
    ]


def _said(found: Json) -> str:
    """One lane's word: a default is written as {kind, value, text}."""
    if isinstance(found, str):
        return found
    if isinstance(found, dict) and "kind" in found:
        known = found.get("text") or (value(found["value"]) if "value" in found else "")
        return " ".join(part for part in (known, f"({found['kind']})") if part)
    return value(found)


def static_only(code: str | None) -> str | None:
    """Why the live lane did not see a parameter."""
    return code and STATIC_ONLY.get(code, f"The live lane could not see its class ({code}).")


def only_static(schema: Mapping[str, Json]) -> str | None:
    """Why a cell has static facts alone; None where the live lane ran."""
    if "live" in schema["lanes"]["seen"]:
        return None
    reasons = [one["reason"] for one in schema.get("limitations") or () if one["code"] in NOT_RUN]
    return "; ".join(reasons) or "The live lane did not run."


def unavailable(source: Mapping[str, Json]) -> str:
    """Why a cell's sources cannot be had."""
    attempts = [f"{attempt['kind']}: {attempt['reason']}" for attempt in source.get("attempts") or ()]
    return "; ".join(attempts) or "None of the places that were asked has its sources."


def environment(found: Mapping[str, Json] | None) -> str | None:
    """The environment of the live lane in a few words."""
    words = [(found or {}).get(key) for key in ("kind", "python", "platform")]
    return " ".join(str(word) for word in words if word) or None


def source(found: Mapping[str, Json]) -> str:
    """A source: its kind and its name."""
    return " ".join(str(found[key]) for key in ("kind", "ref", "name") if found.get(key))
