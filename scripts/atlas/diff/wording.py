"""A change in words: one line for what it is, one for why it is believed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from atlas.diff.change import Change, Diff, Witness

Json: TypeAlias = Any
LONGEST = 200
MOST_VALUES = 8
WITH_REASON = ("param_ignored", "param_heeded", "param_unseen", "param_seen")


def said(change: Change) -> str:
    """What changed, without the name of what it changed of."""
    detail = change.detail
    if change.kind in ("param_renamed", "param_moved"):
        return f"is now {path_of(change.renamed_to or '')} ({change.reason})"
    if change.aspect == "" and "type" in detail:
        why = f"; {change.reason}" if change.kind in WITH_REASON else ""
        return _presence(detail) + why
    if change.aspect == "rule":
        return _rule(change)
    if "limit" in detail:
        return f"{detail['limit']}: {_or_none(detail['from'])} → {_or_none(detail['to'])}"
    if change.aspect in ("default", "effective_default") and ("from" in detail or "to" in detail):
        return _default(detail)
    if change.aspect == "deprecated" and "message" in detail:
        return shortened(detail.get("message") or "")
    if "from" in detail or "to" in detail:
        return f"{shown(detail.get('from'))} → {shown(detail.get('to'))}"
    return "; ".join(_listed(detail))


def _presence(detail: Mapping[str, Json]) -> str:
    parts = [str(detail["type"])]
    deprecated = detail.get("deprecated")
    if deprecated:
        parts.append(f"was deprecated: {shortened(deprecated.get('message') or '')}")
    for key in ("maybe_renamed_to", "maybe_renamed_from"):
        if key in detail:
            parts.append(f"{key.replace('_', ' ')} {' or '.join(detail[key])}: nothing in the engine says so")
    return shortened("; ".join(parts))


def _rule(change: Change) -> str:
    detail = change.detail
    if "when" in detail:
        message = detail.get("message")
        return shortened(detail["when"]) + (f": {shortened(message)}" if message else "")
    if "from" in detail:
        return f"{shortened(detail['from'])} → {shortened(detail['to'])}"
    return shortened(str((change.new or change.old)["when"]))


def _default(detail: Mapping[str, Json]) -> str:
    sides = []
    for key in ("from", "to"):
        text = _value(detail.get(key))
        effective = detail.get(f"effective_{key}")
        if effective:
            where = (
                "it varies"
                if effective.get("varies")
                else f"{shown(effective['value'])} on {effective['platform']}"
            )
            text += f" (resolved: {where})"
        sides.append(text)
    text = f"{sides[0]} → {sides[1]}"
    return f"{text} on {detail['platform']}" if "platform" in detail else text


def _value(found: Json) -> str:
    if found is None:
        return "required"
    if "value" in found:
        return shown(found["value"])
    return str(found.get("text") or found["kind"])


def _listed(detail: Mapping[str, Json]) -> list[str]:
    words = {
        "added": "added",
        "removed": "removed",
        "values": "listed",
        "only_old_takes": "no longer takes",
        "only_new_takes": "now takes",
        "at": "listed at",
    }
    found = [f"{word} {_one_or_many(key, detail[key])}" for key, word in words.items() if key in detail]
    if "not_enforced_by" in detail:
        found.append(f"declared only: {detail['not_enforced_by'].rpartition('.')[2]} took what was tried")
    return found


def _one_or_many(key: str, value: Json) -> str:
    return values_shown(value) if key in ("added", "removed", "values") else shown(value)


def values_shown(values: Sequence[Json]) -> str:
    rest = len(values) - MOST_VALUES
    return ", ".join(shown(one) for one in values[:MOST_VALUES]) + (f" and {rest} more" if rest > 0 else "")


def shown(value: Json) -> str:
    return shortened(json.dumps(value, ensure_ascii=False))


def _or_none(value: Json) -> str:
    return "none" if value is None else str(value)


def shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"


def path_of(subject: str) -> str:
    """The path of a parameter; the id of a rule as it is."""
    return subject.partition(":")[2] or subject


def proof(witness: Witness) -> str:
    """The witness in words."""
    name = witness.target.rpartition(".")[2]
    text = (
        f"{name}({_keywords(witness.config)}): {witness.accepted_by} accepts, {witness.rejected_by} rejects"
    )
    return text + (f": {shortened(witness.message)}" if witness.message else "")


def _keywords(config: Mapping[str, Json]) -> str:
    return ", ".join(f"{name}={shown(value)}" for name, value in config.items())


def replay_command(diff: Diff, witness: Witness) -> list[str]:
    """Commands that ask both engines again."""
    line = json.dumps(dict(witness.config), ensure_ascii=False)
    names = {witness.accepted_by: witness.other_target, witness.rejected_by: witness.target}
    return [
        f"echo {_quoted(line)} | atlas invariants replay {diff.engine}=={version} --target {names[version]}"
        for version in (diff.old, diff.new)
        if version in names
    ]


def _quoted(text: str) -> str:
    import shlex

    return shlex.quote(text)
