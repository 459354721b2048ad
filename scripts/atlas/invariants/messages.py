"""Messages as templates: rendered with the user's values, and compared with what the engine said.

`{expression}` stands for a value, `…` for text that is not known; literal braces are doubled.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache

from atlas.invariants.corpus import context_of
from atlas.invariants.learn.messages import ANYTHING, template
from atlas.invariants.model import Candidate, Config, Json, Observation, Target
from atlas.invariants.outcomes import compiled, said_at_site
from atlas.invariants.predicate import UNDEFINED, Context, Expr, PredicateError, parse

_MARK = re.compile(rf"\{{\{{|\}}\}}|\{{|{ANYTHING}")
_WORD = re.compile(r"[^\W\d_]{3}")
MOST_SHOWN = 200


@lru_cache(maxsize=10_000)
def pieces(text: str) -> tuple[str | Expr | None, ...]:
    """A template's parts: literal text, expressions, and None where anything may stand."""
    found: list[str | Expr | None] = []
    start = 0
    while mark := _MARK.search(text, start):
        found.append(text[start : mark.start()])
        start = mark.end()
        if mark[0] == "{":
            place = _place(text, start)
            found.append(place[0] if place else "{")
            start = place[1] if place else start
        else:
            found.append(None if mark[0] == ANYTHING else mark[0][0])
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


def render(text: str, config: Config, context: Context) -> str:
    """The message about one configuration."""
    return "".join(_rendered(piece, config, context) for piece in pieces(text))


def _rendered(piece: str | Expr | None, config: Config, context: Context) -> str:
    if piece is None:
        return ANYTHING
    if isinstance(piece, str):
        return piece
    value = compiled(piece, context)(config)
    shown = ANYTHING if value is UNDEFINED else str(value)
    return shown if len(shown) <= MOST_SHOWN else shown[:MOST_SHOWN] + ANYTHING


def says(text: str, config: Config, said: str, context: Context) -> bool:
    """Whether what the engine said is (or begins, or contains as a whole) what the template says."""
    body = "".join(_pattern(piece, config, context) for piece in pieces(text.strip()))
    return re.search(rf"(?<!\w){body}(?!\w|\.\d)", said, re.DOTALL) is not None


def _pattern(piece: str | Expr | None, config: Config, context: Context) -> str:
    if isinstance(piece, str):
        return re.escape(piece)
    value = UNDEFINED if piece is None else compiled(piece, context)(config)
    if value is UNDEFINED:
        return ".*?"
    return f"(?:{'|'.join(map(re.escape, _forms(value)))})"


def _forms(value: Json) -> list[str]:
    """How Python writes a value: plainly, or as its representation."""
    return list(dict.fromkeys((str(value), repr(value))))


def checked(target: Target, candidate: Candidate, seen: Iterable[tuple[Config, Observation]]) -> Candidate:
    """The candidate with a message that no configuration has refuted.

    Where its own says anything else than the engine did at its site (a value of a probe, another
    statement's text), it becomes what the engine's messages have in common, or none.
    """
    if not candidate.message:
        return candidate
    context = context_of(target)
    heard = [
        (config, texts) for config, observation in seen if (texts := said_at_site(candidate, observation))
    ]
    if _holds(candidate.message, heard, context):
        return candidate
    alone = [(config, texts[0]) for config, texts in heard if len(texts) == 1]
    listed = candidate.key and candidate.site
    learned = template(alone, target.defaults()) if len(alone) == len(heard) and not listed else None
    kept = learned if learned and _WORD.search(_plain(learned)) and _holds(learned, heard, context) else None
    return replace(candidate, message=kept)


def _holds(text: str, heard: Iterable[tuple[Config, Sequence[str]]], context: Context) -> bool:
    return all(any(says(text, config, said, context) for said in texts) for config, texts in heard)


def _plain(text: str) -> str:
    return "".join(piece for piece in pieces(text) if isinstance(piece, str))
