"""Messages as templates: what the engine says, with places for the user's values."""

from __future__ import annotations

import os.path

from atlas.invariants.predicate import Const, Expr, Var, exact_text
from atlas.invariants.static.measure import opaque_in, walk
from atlas.invariants.static.values import Choice, Text, Value, is_expr, leaves

REST = "…"
"""Stands for a part of a message that is not known."""
_LONGEST_PART = 80


def template(message: Value | None) -> str | None:
    """The message with `{expression}` for each value of the user's; None where nothing is known of it."""
    if message is None:
        return None
    if isinstance(message, Choice):
        return _common([template(leaf) for _, leaf in leaves(message)])
    if isinstance(message, Text):
        out = "".join(_escaped(one) if isinstance(one, str) else _place(one) for one in message.parts)
        return out if out.strip(REST) else None
    if isinstance(message, Const):
        return _escaped(message.value) if isinstance(message.value, str) else None
    if is_expr(message):
        made = _place(message)
        return made if made != REST else None
    return None


def _escaped(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


def _place(value: Expr) -> str:
    if any(opaque_in(value)) or any(isinstance(one, Var) for one in walk(value)):
        return REST
    if isinstance(value, Const):
        return _escaped(str(value.value))
    text = exact_text(value)
    return f"{{{text}}}" if len(text) <= _LONGEST_PART else REST


def _common(texts: list[str | None]) -> str | None:
    known = [one for one in texts if one]
    if not known or len(known) != len(texts):
        return None
    start = os.path.commonprefix(known)  # noqa: RUF071 (characters are meant)
    if all(one == start for one in known):
        return start
    return start.rpartition("{")[0] + REST if start.count("{") > start.count("}") else start + REST
