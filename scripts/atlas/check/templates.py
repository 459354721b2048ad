"""Messages of rules with the user's values in them.

`{expression}` stands for a value, `…` for text that is not known; literal braces are doubled. The stage
that proves rules reads the same templates (`atlas.invariants.messages`), with all that learning needs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from atlas.invariants.predicate import UNDEFINED, Context, Expr, PredicateError, evaluate, parse

ANYTHING = "…"
_MARK = re.compile(rf"\{{\{{|\}}\}}|\{{|{ANYTHING}")
MOST_SHOWN = 200


@lru_cache(maxsize=10_000)
def pieces(text: str) -> tuple[str | Expr, ...]:
    """A template's parts: literal text, and expressions."""
    found: list[str | Expr] = []
    start = 0
    while mark := _MARK.search(text, start):
        found.append(text[start : mark.start()])
        start = mark.end()
        place = _place(text, start) if mark[0] == "{" else None
        found.append(place[0] if place else mark[0][0])
        start = place[1] if place else start
    return tuple(piece for piece in (*found, text[start:]) if piece != "")


def _place(text: str, start: int) -> tuple[Expr, int] | None:
    """The expression that begins here and where it ends; its own braces are part of it."""
    end = text.find("}", start)
    while end >= 0:
        try:
            return parse(text[start:end]), end + 1
        except PredicateError:
            end = text.find("}", end + 1)
    return None


def render(text: str, config: Mapping[str, Any], context: Context) -> str:
    """The message about one configuration."""
    return "".join(
        piece if isinstance(piece, str) else _shown(evaluate(piece, config, context))
        for piece in pieces(text)
    )


def _shown(value: Any) -> str:
    shown = ANYTHING if value is UNDEFINED else str(value)
    return shown if len(shown) <= MOST_SHOWN else shown[:MOST_SHOWN] + ANYTHING
