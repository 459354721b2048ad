"""Which class of a group a command line sets, where one of its flags says so."""

from __future__ import annotations

from collections.abc import Sequence

from atlas.check.given import Token
from atlas.check.model import Json


def target_of(serve: Json, words: Sequence[Token]) -> tuple[str | None, str | None]:
    """The class that the flags are for, and what is assumed of that; None where the group has one only."""
    roots = serve.get("roots")
    if not roots:
        return None, None
    given = _value(roots["flag"], words)
    if given in roots["values"]:
        return roots["values"][given], None
    cls: str = roots["values"][roots["otherwise"]]
    return cls, f"{roots['flag']} does not say which engine is used; checked as {cls.rpartition('.')[2]}"


def _value(flag: str, words: Sequence[Token]) -> str | None:
    """The last value that a flag is given."""
    found = None
    for place, word in enumerate(words):
        if word.text == flag and place + 1 < len(words):
            found = words[place + 1].text
        elif word.text.startswith(f"{flag}="):
            found = word.text.partition("=")[2]
    return found
