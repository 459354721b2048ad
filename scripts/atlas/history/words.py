"""Facts of a span in words, and what differs between two of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from atlas.report.wording import LIMITS, value

Json: TypeAlias = Any
Facts: TypeAlias = Mapping[str, Json]
NOTHING = {"required": "required", "factory": "made anew", "computed": "computed", "unknown": "not known"}


def summary(facts: Facts) -> str:
    """`int, default 1, ≥ 1, --max-num-seqs`."""
    parts = [
        type_text(facts),
        f"default {default(facts)}" if facts.get("default_kind") != "required" else "required",
    ]
    parts += [text for text in (limits(facts), facts.get("cli_flag")) if text]
    if facts.get("readonly"):
        parts.append("set by the engine")
    if facts.get("deprecated"):
        parts.append(deprecation(facts))
    return ", ".join(parts)


def type_text(facts: Facts) -> str:
    shown = str(facts.get("display", "unknown"))
    return "unknown type" if shown == "unknown" else shown


def default(facts: Facts) -> str:
    """The default as Python writes it, or why there is no value."""
    kind = str(facts.get("default_kind", "unknown"))
    if "default" in facts:
        return value(facts["default"])
    if kind == "none":
        return "None"
    text = facts.get("default_text")
    return str(text) if text else NOTHING.get(kind, kind)


def limits(facts: Facts) -> str:
    found = facts.get("constraints") or {}
    return ", ".join(text.format(value(found[name])) for name, text in LIMITS if name in found)


def deprecation(facts: Facts) -> str:
    deprecated = facts.get("deprecated") or {}
    said = deprecated.get("message") or (
        f"use {deprecated['replacement']}" if deprecated.get("replacement") else ""
    )
    return f"deprecated: {said}" if said else "deprecated"


def differences(old: Facts, new: Facts) -> list[str]:
    """What a reader notices of a change; nothing where only the way it is written differs."""
    return list(_differences(old, new))


def _differences(old: Facts, new: Facts) -> Iterator[str]:
    if old.get("display") != new.get("display") and not _only_values(old, new):
        yield f"type {old.get('display')} → {new.get('display')}"
    yield from _values(old, new)
    if default(old) != default(new) or old.get("default_kind") != new.get("default_kind"):
        yield f"default {default(old)} → {default(new)}"
    if limits(old) != limits(new):
        yield f"limits {limits(old) or 'none'} → {limits(new) or 'none'}"
    if old.get("deprecated") != new.get("deprecated"):
        yield deprecation(new) if new.get("deprecated") else "no longer deprecated"
    flags = _flags(old), _flags(new)
    if flags[0] != flags[1]:
        yield f"flags {', '.join(flags[0]) or 'none'} → {', '.join(flags[1]) or 'none'}"
    for name in ("aliases", "env", "owner", "same_as", "private", "readonly"):
        if old.get(name) != new.get(name):
            yield f"{name} {_plain(old.get(name))} → {_plain(new.get(name))}"


def _only_values(old: Facts, new: Facts) -> bool:
    """Whether the types differ by what they list alone."""
    shown = [str(one.get("display", "")) for one in (old, new)]
    return (
        all("Literal[" in text for text in shown)
        and old.get("enum") != new.get("enum")
        and len({_around(text) for text in shown}) == 1
    )


def _around(display: str) -> str:
    from atlas.report.wording import LITERAL

    return LITERAL.sub("Literal", display)


def _values(old: Facts, new: Facts) -> Iterator[str]:
    before, after = old.get("enum"), new.get("enum")
    if before is None or after is None:
        return
    come = [value(one) for one in after if one not in before]
    gone = [value(one) for one in before if one not in after]
    if come or gone:
        yield "values " + ", ".join([*(f"+{one}" for one in come), *(f"−{one}" for one in gone)])


def _flags(facts: Facts) -> list[str]:
    flag = facts.get("cli_flag")
    return list(facts.get("cli_flags", [flag] if flag else []))


def _plain(item: Json) -> str:
    return "none" if item is None else item if isinstance(item, str) else value(item)
